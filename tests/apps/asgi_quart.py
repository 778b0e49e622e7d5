"""A Quart application.

Runs in: worker
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

from quart import Quart, request, websocket

app = Quart(__name__)


@app.get("/hello")
async def hello() -> dict[str, Any]:
    return {"hello": request.args.get("name", "world")}


@app.post("/json")
async def echo_json() -> Any:
    return await request.get_json()


@app.post("/upload")
async def upload() -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    async for piece in request.body:
        digest.update(piece)
        size += len(piece)
    return {"size": size, "sha256": digest.hexdigest()}


@app.get("/stream")
async def stream() -> AsyncIterator[bytes]:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(50):
            yield f"piece {number}\n".encode()

    return pieces()


@app.get("/boom")
async def boom() -> None:
    raise RuntimeError("boom on purpose")


@app.websocket("/ws")
async def echo() -> None:
    while True:
        await websocket.send(await websocket.receive())
