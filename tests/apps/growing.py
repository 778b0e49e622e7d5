"""An application that keeps memory: /grow/MIB keeps so much more; the answer is the pid.

Runs in: worker
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

KEPT: list[bytearray] = []


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    size = int(environ["PATH_INFO"].split("/")[2]) << 20
    KEPT.append(bytearray(b"x" * size))
    body = str(os.getpid()).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
