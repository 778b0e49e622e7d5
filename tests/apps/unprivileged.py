"""An application that loads nothing: for a user who may not read the standard library.

So it is for `nobody` where this Python is in a home of root's; what the server itself has loaded
may well be less than other applications need.

Runs in: worker
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

PID = "/pid"


def app(environ: dict[str, str], start_response: Callable[..., object]) -> Iterable[bytes]:
    body = str(os.getpid()).encode() if environ["PATH_INFO"] == PID else b"ok"
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
