"""An ASGI application that does not want to end; /KIND says how.  A line is logged when each
begins, and when it ends.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any

log = logging.getLogger("gunicorn.error")
START = {"type": "http.response.start", "status": 200, "headers": []}


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
    kind = scope["path"].strip("/")
    log.warning("begins %s", kind)
    try:
        await globals()[kind](receive, send)
    except BaseException as error:
        log.warning("ends %s: %s", kind, type(error).__name__)
        raise
    log.warning("ends %s", kind)


async def lifespan(receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    log.warning("shutdown")
    if os.environ.get("HANGS"):
        await asyncio.sleep(60)
    await send({"type": "lifespan.shutdown.complete"})


async def only_sends(receive: Any, send: Any) -> None:
    """A WebSocket that never receives."""
    while True:
        await send({"type": "websocket.send", "text": "tick"})
        await asyncio.sleep(0.01)


async def only_waits(receive: Any, send: Any) -> None:
    """For nothing that comes."""
    await asyncio.Event().wait()


async def ignores(receive: Any, send: Any) -> None:
    """Is not to be cancelled."""
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            log.warning("ignores a cancellation")


async def streams(receive: Any, send: Any) -> None:
    """Never receives either."""
    await send(START)
    while True:
        await send({"type": "http.response.body", "body": b"tick", "more_body": True})
        await asyncio.sleep(0.01)


async def after(receive: Any, send: Any) -> None:
    """Goes on for long after its response."""
    await send({**START, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})
    await asyncio.sleep(60)
