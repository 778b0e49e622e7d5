"""An application that fills something with its first request: the answer is PID FILLED-BY.

Runs in: worker
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

FILLED_BY: list[int] = []


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    if not FILLED_BY:
        FILLED_BY.append(os.getpid())
    body = f"{os.getpid()} {FILLED_BY[0]}".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
