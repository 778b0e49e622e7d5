"""The ASGI applications that are measured: one object, a path each.

Runs in: worker
"""

from __future__ import annotations

import asyncio
from typing import Any

from benchmarks.apps.plain import HELLO

FIELDS = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(HELLO))]
CHUNK, CHUNKS = b"x" * 1024, 100
LARGE = b"x" * (1 << 20)


async def _answer(send: Any, body: bytes) -> None:
    fields = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def hello(_scope: Any, _receive: Any, send: Any) -> None:
    """A short answer, at once."""
    await send({"type": "http.response.start", "status": 200, "headers": FIELDS})
    await send({"type": "http.response.body", "body": HELLO})


async def suspends(scope: Any, receive: Any, send: Any) -> None:
    """The same, after one turn of the event loop."""
    await asyncio.sleep(0)
    await hello(scope, receive, send)


async def echo(_scope: Any, receive: Any, send: Any) -> None:
    """The body of the request."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            break
    await _answer(send, b"".join(parts))


async def chunks(_scope: Any, _receive: Any, send: Any) -> None:
    """A stream of blocks without a length."""
    await send({"type": "http.response.start", "status": 200, "headers": FIELDS[:1]})
    for _ in range(CHUNKS):
        await send({"type": "http.response.body", "body": CHUNK, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def large(_scope: Any, _receive: Any, send: Any) -> None:
    """One large block."""
    await _answer(send, LARGE)


async def messages(receive: Any, send: Any) -> None:
    """A WebSocket: each message is sent back, until the client leaves."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


def _starlette() -> Any:
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.routing import Route

    async def page(_request: Any) -> PlainTextResponse:
        return PlainTextResponse(HELLO)

    return Starlette(routes=[Route("/starlette", page)])


def _fastapi() -> Any:
    from fastapi import FastAPI

    made = FastAPI()

    @made.get("/fastapi")
    async def coroutine() -> dict[str, str]:
        return {"hello": "world"}

    @made.get("/fastapi-def")
    def function() -> dict[str, str]:
        return {"hello": "world"}

    return made


def _table() -> dict[str, Any]:
    table: dict[str, Any] = {
        "/": hello,
        "/suspends": suspends,
        "/echo": echo,
        "/chunks": chunks,
        "/large": large,
    }
    try:
        table["/starlette"] = _starlette()
        table["/fastapi"] = table["/fastapi-def"] = _fastapi()
    except ImportError:
        pass  # its rows are left out
    return table


TABLE = _table()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """The application of the path."""
    if scope["type"] == "http":
        await TABLE.get(scope["path"], hello)(scope, receive, send)
    elif scope["type"] == "websocket":
        await messages(receive, send)
    elif scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
