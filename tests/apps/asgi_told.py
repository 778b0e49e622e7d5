"""An ASGI application for what is told of its requests: logs, metrics, pages, stacks.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from typing import Any

events: dict[str, asyncio.Event] = {}


async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        return
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await receive()
        return
    _, kind, *rest = scope["path"].split("/")
    await globals()[kind](send, *rest)


async def answer(send: Any, body: bytes = b"done") -> None:
    fields = [(b"content-length", b"%d" % len(body)), (b"X-Bar", b"from the application")]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": body})


async def hello(send: Any) -> None:
    await answer(send)


async def wait(send: Any, name: str) -> None:
    """Until /go/NAME."""
    await wait_for_it(name)
    await answer(send)


async def wait_for_it(name: str) -> None:
    await events.setdefault(name, asyncio.Event()).wait()


async def go(send: Any, name: str) -> None:
    events.setdefault(name, asyncio.Event()).set()
    await answer(send)


async def block(send: Any) -> None:
    """Hold the loop up."""
    logging.getLogger("gunicorn.error").warning("The application blocks the loop")
    time.sleep(60)


async def hold(send: Any, seconds: str) -> None:
    """Hold the loop up, and let it go."""
    time.sleep(float(seconds))
    await answer(send)


async def after(send: Any, name: str) -> None:
    """Go on after the response, until /go/NAME."""
    await answer(send)
    await wait_for_it(name)


async def log(send: Any) -> None:
    """Log before and after other requests had their turn, and in a thread."""
    logging.getLogger("gunicorn.error").warning("before")
    await asyncio.sleep(0.05)
    logging.getLogger("gunicorn.error").warning("after")
    await asyncio.to_thread(logging.getLogger("gunicorn.error").warning, "in a thread")
    await answer(send)


async def boom(send: Any) -> None:
    await asyncio.sleep(0)
    raise RuntimeError("boom on purpose")


async def cancels(send: Any) -> None:
    """Cancel the task that it is in."""
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(60)


async def closes(send: Any) -> None:
    """Close descriptors that the loop watches, as careless libraries do, and tell how many."""
    loop = asyncio.get_running_loop()
    pairs = [socket.socketpair() for _ in range(8)]
    for pair in pairs:
        for end in pair:
            loop.add_reader(end.fileno(), lambda: None)
            end.close()
    await answer(send, b"%d" % len(pairs))


async def watches(send: Any) -> None:
    """Watch a duplicate of a descriptor, and stop after it is closed."""
    loop = asyncio.get_running_loop()
    reading, writing = os.pipe()
    heard = loop.create_future()
    loop.add_reader(reading, lambda: heard.done() or heard.set_result(os.read(reading, 10)))
    os.write(writing, b"byte")
    told = await heard
    os.close(reading)
    os.close(writing)
    loop.remove_reader(reading)
    await answer(send, told)
