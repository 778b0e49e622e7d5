"""A Litestar application.

Runs in: worker
"""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

from litestar import Litestar, Request, get, post, websocket_listener
from litestar.response import Stream


@get("/hello")
async def hello(name: str = "world") -> dict[str, Any]:
    return {"hello": name}


@post("/json", status_code=200)
async def echo_json(data: dict[str, Any]) -> dict[str, Any]:
    return data


@post("/upload", status_code=200)
async def upload(request: Request[Any, Any, Any]) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    async for piece in request.stream():
        digest.update(piece)
        size += len(piece)
    return {"size": size, "sha256": digest.hexdigest()}


@get("/stream")
async def stream() -> Stream:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(50):
            yield f"piece {number}\n".encode()

    return Stream(pieces())


@get("/boom")
async def boom() -> None:
    raise RuntimeError("boom on purpose")


@websocket_listener("/ws")
async def echo(data: str) -> str:
    return data


app = Litestar([hello, echo_json, upload, stream, boom, echo], request_max_body_size=None)
