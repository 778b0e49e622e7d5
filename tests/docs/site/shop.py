"""The application of pages that use `shop:app` and do not show it.

Runs in: worker
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/cart":
        raise KeyError("basket")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"Hello\n"]


def create_app(kind: str) -> Any:
    assert kind == "production"
    return app
