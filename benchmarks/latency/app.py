"""The application of the latency run: answers at once, but for /sleep, which takes 100 ms.

Runs in: worker
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from benchmarks.apps.plain import hello

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

SLEEP_SECONDS = 0.1
_SLEPT = b"Good morning!"
_FIELDS = [("Content-Type", "text/plain"), ("Content-Length", str(len(_SLEPT)))]


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The entry point."""
    if environ["PATH_INFO"] != "/sleep":
        return hello(environ, start_response)
    time.sleep(SLEEP_SECONDS)
    start_response("200 OK", _FIELDS)
    return [_SLEPT]
