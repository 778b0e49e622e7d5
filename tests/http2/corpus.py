"""All cases, in the order in which they are played.

Runs in: cli
"""

from __future__ import annotations

from typing import Final

from tests.http2 import (
    framing_cases,
    hpack_cases,
    limit_cases,
    message_cases,
    stream_cases,
    window_cases,
)
from tests.http2.case import Case

MODULES: Final = (
    framing_cases,
    stream_cases,
    message_cases,
    window_cases,
    hpack_cases,
    limit_cases,
)
CASES: Final[list[Case]] = [case for module in MODULES for case in module.group.cases]
