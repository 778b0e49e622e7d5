"""Applications by what they do with their lifespan.  Each answers requests as `hello`, and writes
a line of what it was told to the file that LIFESPAN_FILE names.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import os
from typing import Any

COMPLETE = {"type": "lifespan.startup.complete"}
OVER = {"type": "lifespan.shutdown.complete"}


def tell(line: str) -> None:
    with open(os.environ["LIFESPAN_FILE"], "a") as file:
        file.write(f"{line}\n")


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Read the body, as slowly as the client sends it, then answer."""
    tell("request")
    while (await receive()).get("more_body", False):
        pass
    tell("answered")
    await send(
        {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]}
    )
    await send({"type": "http.response.body", "body": b"hello"})


async def usual(scope: Any, receive: Any, send: Any) -> None:
    """Takes its time at both ends."""
    if scope["type"] != "lifespan":
        return await hello(scope, receive, send)
    tell((await receive())["type"])
    for _ in range(10):
        await asyncio.sleep(0.002)
    tell("started")
    await send(COMPLETE)
    tell((await receive())["type"])
    for _ in range(10):
        await asyncio.sleep(0.002)
    tell("cleaned")
    await send(OVER)
    return None


async def failing(scope: Any, receive: Any, send: Any) -> None:
    """Cannot start."""
    if scope["type"] != "lifespan":
        return await hello(scope, receive, send)
    await receive()
    await send({"type": "lifespan.startup.failed", "message": "no database at db.example"})
    return None


async def raising(scope: Any, receive: Any, send: Any) -> None:
    """Knows no lifespan."""
    if scope["type"] != "http":
        tell("called")
        raise NotImplementedError(f"type {scope['type']}")
    await hello(scope, receive, send)


async def raising_later(scope: Any, receive: Any, send: Any) -> None:
    """Raises once it has been told to start."""
    if scope["type"] != "http":
        await receive()
        raise NotImplementedError("after the message")
    await hello(scope, receive, send)


async def leaving(scope: Any, receive: Any, send: Any) -> None:
    """Returns from what it does not know."""
    if scope["type"] == "http":
        await hello(scope, receive, send)


async def failing_at_the_end(scope: Any, receive: Any, send: Any) -> None:
    """Cannot end well."""
    if scope["type"] != "lifespan":
        return await hello(scope, receive, send)
    await receive()
    await send(COMPLETE)
    await receive()
    await send({"type": "lifespan.shutdown.failed", "message": "a pool is still open"})
    return None


async def raising_at_the_end(scope: Any, receive: Any, send: Any) -> None:
    """Raises when it is told of the end."""
    if scope["type"] != "lifespan":
        return await hello(scope, receive, send)
    await receive()
    await send(COMPLETE)
    await receive()
    raise RuntimeError("in the shutdown")


class Double:
    """ASGI 2."""

    def __init__(self, scope: Any) -> None:
        self.scope = scope

    async def __call__(self, receive: Any, send: Any) -> None:
        await usual(self.scope, receive, send)
