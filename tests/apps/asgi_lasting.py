"""An ASGI application of which something outlasts its response, and one that tells of itself.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import logging
from typing import Any

from fastfork._core.apps.asgicall import AsgiCall
from fastfork._core.apps.asgistep import Step

log = logging.getLogger("gunicorn.error")
heard: list[dict[str, Any]] = []
kept: set[Any] = set()


async def answer(send: Any, body: bytes, *more: tuple[bytes, bytes]) -> None:
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": 200, "headers": [length, *more]})
    await send({"type": "http.response.body", "body": body})


async def body_of(receive: Any) -> bytes:
    found = b""
    while (message := await receive())["type"] == "http.request":
        found += message["body"]
        if not message["more_body"]:
            break
    return found


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "websocket":
        return await echo(receive, send)
    if scope["type"] == "lifespan":
        return None
    return await globals()[scope["path"].strip("/")](scope, receive, send)


async def hello(_scope: Any, _receive: Any, send: Any) -> None:
    await answer(send, b"hello")


async def sleeps(_scope: Any, receive: Any, send: Any) -> None:
    """Takes its time, and says whether it was cancelled."""
    await body_of(receive)
    try:
        await asyncio.sleep(0.6)
    except asyncio.CancelledError:
        heard.append({"type": "cancelled"})
        await answer(send, b"cancelled")
        raise
    await answer(send, b"slept")


async def until_left(_scope: Any, receive: Any, _send: Any) -> None:
    """Answers nothing; ends when the client leaves."""
    await body_of(receive)
    log.warning("waits until its client has left")
    heard.append(await receive())
    log.warning("its client has left: %s", heard[-1]["type"])


async def waits(_scope: Any, _receive: Any, send: Any) -> None:
    """For longer than its clients; receives nothing."""
    await asyncio.sleep(2)
    await answer(send, b"waited")


async def naps(_scope: Any, _receive: Any, send: Any) -> None:
    """A measure of time."""
    await asyncio.sleep(0.6)
    await answer(send, b"slept")


async def listens_on(_scope: Any, receive: Any, send: Any) -> None:
    """A step of receive() is left, which nobody awaits before the request is over."""
    await body_of(receive)
    kept.add(receive())
    del receive
    await answer(send, b"listens")


async def hears(_scope: Any, receive: Any, send: Any) -> None:
    """Await what was left of another request, then read the body."""
    told = [await kept.pop() for _ in range(len(kept))]
    body = await body_of(receive)
    await answer(send, json.dumps([[t["type"] for t in told], body.decode()]).encode())


async def echo_body(_scope: Any, receive: Any, send: Any) -> None:
    await answer(send, await body_of(receive))


async def streams(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for number in range(3):
        await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b"%d" % number, "more_body": True})
    await send({"type": "http.response.body"})


async def cuts(_scope: Any, _receive: Any, send: Any) -> None:
    """Streams until its client has left."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    with contextlib.suppress(OSError):
        while True:
            await send({"type": "http.response.body", "body": b"x" * 1000, "more_body": True})
            await asyncio.sleep(0.001)
    raise OSError("over")


async def counts(_scope: Any, _receive: Any, send: Any) -> None:
    """How many calls, steps, tasks and futures there are."""
    gc.collect()
    kinds = (AsgiCall, Step, asyncio.Task, asyncio.Future)
    found = [sum(isinstance(thing, kind) for thing in gc.get_objects()) for kind in kinds]
    await answer(send, json.dumps(found).encode())


async def floods_known(scope: Any, receive: Any, send: Any) -> None:
    """The same of a length that is said before."""
    await floods(scope, receive, send, [(b"content-length", b"1099511627776")])


async def floods(_scope: Any, _receive: Any, send: Any, fields: Any = ()) -> None:
    """Streams as much as is taken, and notes how it ends."""
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    try:
        while True:
            await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
    except OSError as error:
        heard.append({"type": type(error).__name__})
        raise


async def begins(_scope: Any, receive: Any, send: Any) -> None:
    """Begins its response before it reads the body."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"begun", "more_body": True})
    heard.append({"type": "begun"})
    await body_of(receive)
    heard.append({"type": "read"})
    await send({"type": "http.response.body"})


async def reads(_scope: Any, receive: Any, send: Any) -> None:
    """Reads, and notes the kind of the last message."""
    while (message := await receive()).get("more_body"):
        pass
    heard.append({"type": message["type"]})
    await answer(send, b"read")


async def facts(_scope: Any, _receive: Any, send: Any) -> None:
    await answer(send, json.dumps(heard).encode())


async def echo(receive: Any, send: Any) -> None:
    """Send back what comes; after "flood", send as much as is taken."""
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        try:
            while True:
                await send({"type": "websocket.send", "text": message["text"]})
                if message["text"] != "flood" * 10_000:
                    break
        except OSError as error:
            heard.append({"type": type(error).__name__})
            raise
