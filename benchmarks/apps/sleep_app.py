"""An application that waits for a second: benchmarks.sleepers.

Runs in: both
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from benchmarks.apps.plain import hello

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Hello, a second later."""
    time.sleep(1.0)
    return hello(environ, start_response)
