"""An ASGI application that shows what the settings of its worker do.

/loop: the module of the event loop.  /held: waits until the client has left, and then for /free.
/heard: ends when the client has left.  /slow: takes 0.3 s.  Others: `root_path` and `path` of the
scope.  A WebSocket of /echo sends back what it gets, one of /later does when /free was asked for.

Runs in: worker
"""

from __future__ import annotations

import asyncio
from typing import Any

free = asyncio.Event()


def tell(words: str) -> None:
    print(words, flush=True)


def module_of(loop: object) -> str:
    """Where the first class of a loop is from that is not the server's."""
    classes = (one.__module__ for one in type(loop).__mro__)
    return next(name for name in classes if not name.startswith("fastfork."))


async def answer(send: Any, words: str) -> None:
    body = words.encode()
    fields = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def hold(receive: Any) -> None:
    """Outlast the client."""
    tell("held")
    while (await receive())["type"] != "http.disconnect":
        pass
    tell("has left")
    try:
        await free.wait()
    except asyncio.CancelledError:
        tell("was cancelled")
        raise
    tell("went on")


async def talk(receive: Any, send: Any, *, later: bool) -> None:
    """Send back what comes."""
    await receive()
    await send({"type": "websocket.accept"})
    if later:
        await free.wait()
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})
    tell(f"ended with {message['code']}")


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    path = scope["path"]
    if scope["type"] == "websocket":
        await talk(receive, send, later=path == "/later")
    elif path == "/held":
        await hold(receive)
    elif path == "/heard":
        while (await receive())["type"] != "http.disconnect":
            pass
        tell("heard of it")
    elif path == "/slow":
        await asyncio.sleep(0.3)
        await answer(send, "not cancelled")
    elif path == "/free":
        free.set()
        await answer(send, "free")
    elif path == "/loop":
        await answer(send, module_of(asyncio.get_running_loop()))
    else:
        await answer(send, f"{scope['root_path']} {path}")
