"""An ASGI application that goes on after its response has ended, and logs what it gets then.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

log = logging.getLogger("gunicorn.error")
go_on: dict[str, asyncio.Event] = {}
PIECE = "x" * (1 << 20)


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        return
    if scope["type"] == "websocket":
        await talks(receive, send)
        return
    _, kind, *rest = scope["path"].split("/")
    if kind == "extensions":
        found = scope["extensions"]
        await answer(send, b",".join(name.encode() for name, value in found.items() if value))
        for value in found.values():
            value["seen"] = "by an earlier request"
        return
    await globals()[kind](receive, send, *rest)


async def answer(send: Any, body: bytes = b"done") -> None:
    fields = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def late(receive: Any, send: Any, name: str) -> None:
    """Answer, wait for /go/NAME, and then ask for messages and send some."""
    await answer(send)
    await go_on.setdefault(name, asyncio.Event()).wait()
    for _ in range(2):
        log.warning("late %s: %s", name, (await receive())["type"])
    await send({"type": "http.response.body", "body": b"more"})
    log.warning("late %s: ends", name)


async def waits(receive: Any, send: Any, name: str) -> None:
    """Wait for the client to leave in a task of its own, which outlasts the response."""
    await receive()
    heard = asyncio.create_task(receive())
    await asyncio.sleep(0)
    await answer(send)
    log.warning("waits %s: %s", name, (await heard)["type"])


async def go(receive: Any, send: Any, name: str) -> None:
    go_on.setdefault(name, asyncio.Event()).set()
    message = await receive()
    while message.get("more_body"):
        message = await receive()
    await answer(send)


async def talks(receive: Any, send: Any) -> None:
    """Send more than a client takes that does not read, and close."""
    await receive()
    await send({"type": "websocket.accept"})
    for _ in range(8):
        sending = asyncio.create_task(send({"type": "websocket.send", "text": PIECE}))
        await asyncio.wait([sending], timeout=0.05)
    await send({"type": "websocket.close", "code": 1000})
    log.warning("closed")
