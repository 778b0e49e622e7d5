"""Pushes 32 MiB by write() to a client that reads nothing, and says in the log how that ended.

Runs in: worker
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

BLOCK = bytes(1 << 20)


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    write = start_response("200 OK", [("Content-Type", "application/octet-stream")])
    for _ in range(32):
        write(BLOCK)
    print("pushed it all", file=sys.stderr)
    return []
