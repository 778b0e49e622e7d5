"""Leaves a process behind at /orphan; /upload says how much it got, /write why it cannot write a
file; /hold waits for a file `go`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import held


def app(environ, start_response):
    if environ["PATH_INFO"] == "/hold":
        return held.app(environ, start_response)
    said = b"nothing"
    if environ["PATH_INFO"] == "/orphan":
        subprocess.run(["sh", "-c", "sleep 600 >/dev/null 2>&1 &"], check=True)
    elif environ["PATH_INFO"] == "/write":
        try:
            Path("/written").touch()
        except OSError as error:
            said = os.strerror(error.errno).encode()
    elif environ["PATH_INFO"] == "/upload":
        said = b"%d" % len(environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [said]
