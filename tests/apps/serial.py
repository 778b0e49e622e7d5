"""An application whose answers repeat the serial number of the request.

/quick/SERIAL, /slow/SERIAL (0.2 s), /upload/SERIAL (says how much it got), /large/SERIAL (8 MiB).
The answer begins with the serial number; X-Pid says who gave it.

Runs in: worker
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from typing import Any

LARGE_BYTES = 8 << 20
SLOW_SECONDS = 0.2


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    _, kind, serial = environ["PATH_INFO"].split("/")
    body = serial.encode()
    if kind == "slow":
        time.sleep(SLOW_SECONDS)
    elif kind == "upload":
        body += b" %d" % len(environ["wsgi.input"].read())
    elif kind == "large":
        body += b"." * (LARGE_BYTES - len(body))
    fields = [
        ("Content-Type", "text/plain"),
        ("Content-Length", str(len(body))),
        ("X-Pid", str(os.getpid())),
    ]
    start_response("200 OK", fields)
    return [body]
