"""Scenes that call receive().

Runs in: worker
"""

from __future__ import annotations

import asyncio
from typing import Any

from .notes import Notes, answer


async def body_of(receive: Any) -> bytes:
    pieces = []
    while True:
        message = await receive()
        assert message["type"] == "http.request", message
        pieces.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(pieces)


async def messages(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Answer with the messages of the request, until the one that is the last."""
    got = []
    while not got or got[-1].get("more_body", False):
        got.append(dict(await receive()))
    await answer(send, got)


async def size(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Answer with the length and the sum of the bytes."""
    body = await body_of(receive)
    await answer(send, (len(body), sum(body)))


async def one_by_one(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Note each message when it is there."""
    count, more, pieces = 0, True, b""
    while more:
        message = await receive()
        count += 1
        more = message.get("more_body", False)
        pieces += message.get("body", b"")
        notes.note(**{f"bytes-{len(pieces)}": True})
    await answer(send, pieces)


async def not_read(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await answer(send, "not read")


async def read_later(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Read after the cue."""
    notes.note(waits=True)
    await notes.wait_for_cue()
    body = await body_of(receive)
    await answer(send, (len(body), sum(body)))


async def after_the_answer(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await body_of(receive)
    await answer(send, "answered")
    for _ in range(3):
        notes.add("after", (await receive())["type"])


async def listen_while_answering(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """A listener beside the answer, as middleware has it."""
    await body_of(receive)
    listener = asyncio.ensure_future(receive())
    for _ in range(5):
        await asyncio.sleep(0)
    notes.note(waits=not listener.done())
    await notes.wait_for_cue()
    early = listener.done()
    await answer(send, early)
    notes.note(heard=(await listener)["type"])


async def wait_for_the_end(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Wait for the client to leave, with receive()."""
    await body_of(receive)
    notes.note(waits=True)
    for _ in range(3):
        notes.add("heard", (await receive())["type"])
    notes.note(again=True)


async def upload_that_ends(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Read until something else than a request comes."""
    got = b""
    while (message := await receive())["type"] == "http.request":
        got += message.get("body", b"")
        notes.note(**{f"bytes-{len(got)}": True})
        assert message.get("more_body", False)
    notes.note(heard=message["type"], got=got)


async def cancelled_receive(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Cancel a receive() that waits for the body; the next ones get all of it."""
    first = asyncio.ensure_future(receive())
    for _ in range(3):
        await asyncio.sleep(0)
    waits = not first.done()
    first.cancel()
    try:
        await first
        ended = "returned"
    except asyncio.CancelledError:
        ended = "cancelled"
    notes.note(cancelled=True)
    body = await body_of(receive)
    await answer(send, (waits, ended, body))


async def receive_in_time(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Several times wait_for() that runs out, then the body."""
    ran_out = 0
    for _ in range(3):
        try:
            await asyncio.wait_for(receive(), 0.001)
        except TimeoutError:
            ran_out += 1
    notes.note(ran_out=ran_out)
    await answer(send, (ran_out, await body_of(receive)))


async def gathered(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Hand the awaitable to create_task(), gather() and wait_for(), as libraries do."""
    message = await asyncio.create_task(receive())
    start = {"type": "http.response.start", "status": 200, "headers": []}
    await asyncio.gather(send(start))
    await asyncio.wait_for(
        send({"type": "http.response.body", "body": repr(dict(message)).encode()}), 5
    )


SCENES = {
    scene.__name__: scene
    for scene in (
        messages, size, one_by_one, not_read, read_later, after_the_answer, listen_while_answering,
        wait_for_the_end, upload_that_ends, cancelled_receive, receive_in_time, gathered,
    )
}  # fmt: skip
