"""All cases, in the order in which they are played.

Runs in: cli
"""

from __future__ import annotations

from typing import Final

from tests.asgi import (
    deflate_cases,
    ending_cases,
    error_cases,
    lifespan_cases,
    message_cases,
    receive_cases,
    scope_cases,
    send_cases,
    task_cases,
    tls_cases,
    websocket_cases,
)
from tests.asgi.case import Case

MODULES: Final = (
    scope_cases, receive_cases, send_cases, error_cases, task_cases, lifespan_cases,
    ending_cases, websocket_cases, message_cases, deflate_cases,
    tls_cases,
)  # fmt: skip
CASES: Final[list[Case]] = [case for module in MODULES for case in module.group.cases]
