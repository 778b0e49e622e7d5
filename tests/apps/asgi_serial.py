"""serial.py for FastAPI: what tests.kit.traffic asks for, with a lifespan and WebSockets.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable

from asgi_fastapi import app, note
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from serial import LARGE_BYTES, SLOW_SECONDS


def fields() -> dict[str, str]:
    return {"X-Pid": str(os.getpid()), "Content-Type": "text/plain"}


@app.middleware("http")
async def noting(request: Request, call_next: Callable[..., Awaitable[Response]]) -> Response:
    answer = await call_next(request)
    if request.url.path.startswith("/slow"):
        note("slow request")
    return answer


@app.get("/quick/{serial}")
async def quick(serial: str) -> Response:
    return Response(serial, headers=fields())


@app.get("/slow/{serial}")
async def slow(serial: str) -> Response:
    await asyncio.sleep(SLOW_SECONDS)
    return Response(serial, headers=fields())


@app.post("/upload/{serial}")
async def upload(serial: str, request: Request) -> Response:
    size = 0
    async for piece in request.stream():
        size += len(piece)
    return Response(f"{serial} {size}", headers=fields())


@app.get("/large/{serial}")
async def large(serial: str) -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        yield serial.encode()
        left = LARGE_BYTES - len(serial)
        while left:
            yield b"." * min(left, 100_000)
            left -= min(left, 100_000)

    return StreamingResponse(pieces(), headers=fields())


@app.get("/scope")
async def scope(request: Request) -> dict[str, object]:
    """What the server says of the client."""
    return {"client": request.client, "scheme": request.url.scheme, "url": str(request.url)}
