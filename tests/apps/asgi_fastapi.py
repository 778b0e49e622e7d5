"""A FastAPI application: the routes that every application of tests/server/test_asgi_frameworks.py
has, and some of FastAPI's own.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from fastapi import BackgroundTasks, FastAPI, Request, UploadFile, WebSocket
from fastapi.responses import FileResponse, StreamingResponse
from starlette.websockets import WebSocketDisconnect

FACTS = Path(os.environ.get("FACTS", os.devnull))  # what happened, a line for each fact


def note(line: str) -> None:
    with FACTS.open("a") as file:
        file.write(f"{os.getpid()} {line}\n")


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
    note("startup")
    yield {"greeting": "from the lifespan"}
    note("shutdown")


app = FastAPI(lifespan=lifespan)


@app.get("/hello")
async def hello(request: Request, name: str = "world") -> dict[str, Any]:
    return {"hello": name, "state": request.state.greeting}


@app.post("/json")
async def echo_json(sent: dict[str, Any]) -> dict[str, Any]:
    return sent


@app.post("/upload")
async def upload(request: Request) -> dict[str, Any]:
    digest, size = hashlib.sha256(), 0
    async for piece in request.stream():
        digest.update(piece)
        size += len(piece)
    return {"size": size, "sha256": digest.hexdigest()}


@app.post("/form")
async def form(file: UploadFile) -> dict[str, Any]:
    data = await file.read()
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@app.get("/stream")
async def stream() -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for number in range(50):
            await asyncio.sleep(0)
            yield f"piece {number}\n".encode()

    return StreamingResponse(pieces())


@app.get("/threads")
def in_a_thread() -> dict[str, Any]:
    return {"main": threading.current_thread() is threading.main_thread()}


@app.get("/plain-stream")
def plain_stream() -> StreamingResponse:
    def pieces() -> Iterator[bytes]:
        yield from (f"piece {number}\n".encode() for number in range(50))

    return StreamingResponse(pieces())


@app.get("/program")
async def program() -> dict[str, Any]:
    """A program that reads what we write to it."""
    code = "import sys; print(sys.stdin.read()[::-1], end='')"
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    told, _errors = await run.communicate(b"abc")
    return {"code": run.returncode, "told": told.decode()}


@app.get("/connection")
async def connection() -> dict[str, Any]:
    """A server and its client, both of the application's loop."""

    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    async with server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(b"hello\n")
        told = await reader.read()
        writer.close()
        await writer.wait_closed()
    return {"told": told.decode()}


@app.get("/group")
async def group() -> dict[str, Any]:
    found: list[str] = []

    async def add(word: str) -> None:
        found.append(await anyio.to_thread.run_sync(word.upper))

    async with anyio.create_task_group() as tasks:
        for word in ("one", "two", "three"):
            tasks.start_soon(add, word)
    with anyio.move_on_after(0.01) as scope:
        await anyio.sleep(60)
    loop = asyncio.get_running_loop()
    found.append(await asyncio.to_thread("to_thread".upper))
    found.append(await loop.run_in_executor(None, "executor".upper))
    return {"found": sorted(found), "cut": scope.cancelled_caught}


@app.get("/background")
async def background(tasks: BackgroundTasks) -> dict[str, Any]:
    async def later() -> None:
        note("background begins")
        await asyncio.sleep(0.3)
        note("background ends")

    tasks.add_task(later)
    return {"pid": os.getpid()}


@app.get("/file")
async def file() -> FileResponse:
    return FileResponse(__file__)


@app.websocket("/ws")
async def echo(socket: WebSocket) -> None:
    await socket.accept()
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                note(f"disconnect {message['code']}")
                return
            if message.get("text") is not None:
                await socket.send_text(message["text"])
            else:
                await socket.send_bytes(message["bytes"])
    except WebSocketDisconnect as gone:
        note(f"disconnect {gone.code}")


@app.get("/boom")
async def boom() -> None:
    raise RuntimeError("boom on purpose")
