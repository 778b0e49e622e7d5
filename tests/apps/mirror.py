"""Answers every request with what the application got of it: the field `Mirror`, as JSON.

In a field and not in the body, so that HEAD shows it too.  Keys of the environ that hold text
are under their names; `body` is [size, SHA-256] of what wsgi.input gave.

Runs in: worker
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import Any


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    data = environ["wsgi.input"].read()
    seen: dict[str, Any] = {key: text for key, text in environ.items() if isinstance(text, str)}
    seen["body"] = [len(data), hashlib.sha256(data).hexdigest()]
    fields = [("Content-Type", "text/plain"), ("Mirror", json.dumps(seen))]
    start_response("200 OK", fields)
    return [b"ok"]


def waiting(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    """The same, after a wait: for workers that serve others meanwhile."""
    time.sleep(0)
    return app(environ, start_response)
