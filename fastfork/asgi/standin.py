"""The ASGI application that stands in for one that does not load, while it is being written.

Runs in: worker
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from fastfork.wsgi.failed import page_that_tells

__all__ = ["app_that_tells"]


def app_that_tells(told: str) -> Callable[..., Awaitable[None]]:
    """Return an application that answers 500 to every request, with this text on the page."""
    page = page_that_tells(told)
    fields = [
        (b"content-type", b"text/html; charset=utf-8"),
        (b"content-length", b"%d" % len(page)),
        (b"cache-control", b"no-store"),
    ]

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1011})
        elif scope["type"] == "http":
            await send({"type": "http.response.start", "status": 500, "headers": fields})
            await send({"type": "http.response.body", "body": page})
        else:  # the lifespan is answered as by one that knows it
            await receive()
            await send({"type": "lifespan.startup.complete"})

    return app
