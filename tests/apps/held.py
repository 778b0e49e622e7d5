"""Holds /hold until a file `go` is there; /fail raises, /broken while it answers, /die ends it."""

from __future__ import annotations

import os
import time
from pathlib import Path

LONGEST = 30.0  # seconds


def app(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/hold":
        deadline = time.monotonic() + LONGEST
        while not Path("go").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
    elif path == "/fail":
        raise RuntimeError("failed on purpose")
    elif path == "/die":
        os.kill(os.getpid(), 9)
    status = {"/missing": "404 Not Found", "/moved": "302 Found"}.get(path, "200 OK")
    start_response(status, [("Content-Type", "text/plain")])
    return broken() if path == "/broken" else [b"hello"]


def broken():
    yield b"he"
    raise RuntimeError("failed on purpose")
