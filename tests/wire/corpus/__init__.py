"""The corpus: every rule about what a request may be, with cases on both sides of it.

To add a case, add a line to a table; to add a rule, add a table and its reason to a module, and
the module to `ALL` and `WHY`.  Names are unique within a rule, and tests print them.

Runs in: cli
"""

from __future__ import annotations

from typing import Final

from tests.wire.case import Case, Why
from tests.wire.corpus import (
    chunked,
    connection,
    fields,
    framing,
    host,
    leniency,
    limits,
    request_line,
    target,
)

ALL: Final[tuple[Case, ...]] = (
    *request_line.CASES,
    *target.CASES,
    *fields.CASES,
    *host.CASES,
    *framing.CASES,
    *chunked.CASES,
    *connection.CASES,
    *limits.CASES,
    *leniency.CASES,
)

WHY: Final[dict[str, Why]] = {
    **request_line.WHY,
    **target.WHY,
    **fields.WHY,
    **host.WHY,
    **framing.WHY,
    **chunked.WHY,
    **connection.WHY,
    **limits.WHY,
    **leniency.WHY,
}
