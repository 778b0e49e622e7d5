"""The application of the soak test for `-k asgi`: the same paths with the same answers, and a
WebSocket.

Runs in: worker
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from benchmarks.apps.plain import HELLO
from benchmarks.soak.app import BLOCKS, FILE_BYTES, FILE_PATH, give_back

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

_TEXT: Final = (b"content-type", b"text/plain")


async def _start(send: Send, length: int | None = None) -> None:
    fields = [_TEXT] if length is None else [_TEXT, (b"content-length", b"%d" % length)]
    await send({"type": "http.response.start", "status": 200, "headers": fields})


async def hello(_receive: Receive, send: Send) -> None:
    """A short answer."""
    await _start(send, len(HELLO))
    await send({"type": "http.response.body", "body": HELLO})


async def echo(receive: Receive, send: Send) -> None:
    """The body, whatever its framing."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        parts.append(message["body"])
        if not message["more_body"]:
            break
    body = b"".join(parts)
    await _start(send, len(body))
    await send({"type": "http.response.body", "body": body})


async def file(_receive: Receive, send: Send) -> None:
    """A file."""
    await _start(send, FILE_BYTES)
    await send({"type": "http.response.pathsend", "path": FILE_PATH})


async def stream(_receive: Receive, send: Send) -> None:
    """Blocks, one of them empty, without a length."""
    await _start(send)
    for block in BLOCKS:
        await send({"type": "http.response.body", "body": block, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def write(_receive: Receive, send: Send) -> None:
    """Twice the same, without a length."""
    await _start(send)
    await send({"type": "http.response.body", "body": HELLO, "more_body": True})
    await send({"type": "http.response.body", "body": HELLO})


async def fail(_receive: Receive, _send: Send) -> None:
    """An application with a bug."""
    raise RuntimeError("on purpose")


async def trim(receive: Receive, send: Send) -> None:
    """See benchmarks.soak.app."""
    give_back()
    await hello(receive, send)


_PATHS: Final[Mapping[str, Callable[[Receive, Send], Awaitable[None]]]] = MappingProxyType(
    {"/echo": echo, "/file": file, "/stream": stream, "/write": write, "/fail": fail, "/trim": trim}
)


async def app(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """The entry point."""
    if scope["type"] == "http":
        await _PATHS.get(scope["path"], hello)(receive, send)
    elif scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            await send({**message, "type": "websocket.send"})
