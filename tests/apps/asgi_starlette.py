"""A Starlette application behind two BaseHTTPMiddlewares and GZipMiddleware.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

from sse_starlette.sse import EventSourceResponse
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

left: list[str] = []  # which streams ended because of their client
done: list[str] = []  # background tasks that have ended


class Outer(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        response.headers["X-Outer"] = "yes"
        return response


class Inner(BaseHTTPMiddleware):
    async def dispatch(self, request: Request, call_next: Any) -> Response:
        if request.method == "POST":
            await request.body()
        response: Response = await call_next(request)
        response.headers["X-Inner"] = "yes"
        return response


async def hello(request: Request) -> JSONResponse:
    return JSONResponse({"hello": request.query_params.get("name", "world")})


async def echo_json(request: Request) -> JSONResponse:
    return JSONResponse(await request.json())


async def upload(request: Request) -> JSONResponse:
    digest, size = hashlib.sha256(), 0
    async for piece in request.stream():
        digest.update(piece)
        size += len(piece)
    return JSONResponse({"size": size, "sha256": digest.hexdigest()})


async def stream(_request: Request) -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(50):
            await asyncio.sleep(0)
            yield f"piece {number}\n".encode()

    return StreamingResponse(pieces())


async def events(request: Request) -> EventSourceResponse:
    """Events until the client leaves."""

    async def endless() -> AsyncIterator[dict[str, Any]]:
        try:
            for number in range(1000):
                yield {"event": "count", "data": str(number)}
                await asyncio.sleep(0.01)
        finally:
            left.append("events")

    return EventSourceResponse(endless())


async def facts(_request: Request) -> JSONResponse:
    return JSONResponse({"left": left, "done": done})


async def file(_request: Request) -> FileResponse:
    return FileResponse(__file__)


async def background(_request: Request) -> JSONResponse:
    async def later() -> None:
        await asyncio.sleep(0.05)
        done.append("background")

    return JSONResponse({"ok": True}, background=BackgroundTask(later))


async def boom(_request: Request) -> None:
    raise RuntimeError("boom on purpose")


async def echo(socket: WebSocket) -> None:
    await socket.accept(socket.scope["subprotocols"][0] if socket.scope["subprotocols"] else None)
    async for text in socket.iter_text():
        await socket.send_text(text)


app = Starlette(
    routes=[
        Route("/hello", hello),
        Route("/json", echo_json, methods=["POST"]),
        Route("/upload", upload, methods=["POST"]),
        Route("/stream", stream),
        Route("/events", events),
        Route("/facts", facts),
        Route("/file", file),
        Route("/background", background),
        Route("/boom", boom),
        WebSocketRoute("/ws", echo),
    ],
    middleware=[Middleware(GZipMiddleware), Middleware(Outer), Middleware(Inner)],
)
