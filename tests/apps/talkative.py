"""An application that prints and logs, for tests of the logs.

/print, /log, /raise and /metric do so; the body is the id of the request.

Runs in: worker
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any

log = logging.getLogger("gunicorn.error")


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ["PATH_INFO"]
    if path == "/print":
        print("printed to standard output")
        print("printed to standard error", file=sys.stderr)
    if path == "/log":
        log.warning("logged by the application")
    if path == "/metric":
        log.info("", extra={"metric": "shop.orders", "value": 3, "mtype": "counter"})
    if path == "/raise":
        raise LookupError("raised by the application")
    start_response("200 OK", [("Content-Type", "text/plain"), ("X-Out", "out")])
    return [environ.get("fastfork.request_id", "none").encode()]
