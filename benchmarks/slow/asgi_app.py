"""The application that slow clients talk to with `-k asgi`: it answers as benchmarks.slow.app.

Runs in: worker
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks.apps.plain import HELLO
from benchmarks.slow.app import BLOCK, LARGE_BYTES

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]


async def _start(send: Send, length: int) -> None:
    fields = [(b"content-type", b"text/plain"), (b"content-length", b"%d" % length)]
    await send({"type": "http.response.start", "status": 200, "headers": fields})


async def large(_receive: Receive, send: Send) -> None:
    """16 MiB in blocks of 64 KiB."""
    await _start(send, LARGE_BYTES)
    for _ in range(LARGE_BYTES // len(BLOCK)):
        await send({"type": "http.response.body", "body": BLOCK, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def upload(receive: Receive, send: Send) -> None:
    """Reads the body and greets."""
    while (message := await receive())["type"] == "http.request":
        if not message["more_body"]:
            await hello(receive, send)
            return


async def hello(_receive: Receive, send: Send) -> None:
    """A short answer."""
    await _start(send, len(HELLO))
    await send({"type": "http.response.body", "body": HELLO})


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """The entry point."""
    if scope["type"] == "http":
        answer = {"/large": large, "/upload": upload}.get(scope["path"], hello)
        await answer(receive, send)
