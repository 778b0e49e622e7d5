"""An ASGI application that reads slowly what comes quickly, and answers with a digest of it.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await upload(receive, send)
    elif scope["type"] == "websocket":
        await messages(receive, send)


async def upload(receive: Any, send: Any) -> None:
    digest, more, pieces = hashlib.sha256(), True, 0
    while more:
        pieces += 1
        await asyncio.sleep(0.002 if pieces < 50 else 0)
        message = await receive()
        assert message["type"] == "http.request", message
        digest.update(message["body"])
        more = message["more_body"]
    body = digest.hexdigest().encode()
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [length]})
    await send({"type": "http.response.body", "body": body})


async def messages(receive: Any, send: Any) -> None:
    """The digest of all messages before the one that says `end`."""
    await receive()
    await send({"type": "websocket.accept"})
    digest, count = hashlib.sha256(), 0
    while (message := await receive())["type"] == "websocket.receive":
        if message.get("text") == "end":
            await send({"type": "websocket.send", "text": f"{count} {digest.hexdigest()}"})
            continue
        count += 1
        digest.update(message["bytes"])
        await asyncio.sleep(0.002 if count % 20 == 0 else 0)
