"""An answer of one MiB, which lies in the memory of none but the server that is asked for it.

Runs in: both
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

MIB = b"x" * (1 << 20)

_FIELDS = [("Content-Type", "text/plain"), ("Content-Length", str(len(MIB)))]


def mib(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """One constant MiB in one piece."""
    start_response("200 OK", _FIELDS)
    return [MIB]
