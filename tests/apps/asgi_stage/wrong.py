"""Scenes that do what an application must not do.

Runs in: worker
"""

from __future__ import annotations

import asyncio
from typing import Any

from .notes import Notes, answer, attempt
from .sending import body, start

START = "http.response.start"
# Each is one message that send() must refuse; `body` needs a response that has begun.
REFUSED: dict[str, dict[str, Any]] = {
    "unknown-type": {"type": "http.response.unknown"},
    "no-type": {"status": 200},
    "websocket-message": {"type": "websocket.accept"},
    "no-status": {"type": START, "headers": []},
    "status-of-str": {"type": START, "status": "200", "headers": []},
    "header-of-str": {"type": START, "status": 200, "headers": [("x-one", "1")]},
    "header-value-of-int": {"type": START, "status": 200, "headers": [(b"x-one", 1)]},
    "header-of-three": {"type": START, "status": 200, "headers": [(b"x-one", b"1", b"2")]},
}
# Bytes that would be another header, or another response, on the wire.
INJECTIONS = {
    "value-crlf": (b"x-one", b"1\r\nx-evil: 1"),
    "value-lf": (b"x-one", b"1\nx-evil: 1"),
    "value-nul": (b"x-one", b"1\0x-evil: 1"),
    "name-crlf": (b"x-one: 1\r\nx-evil", b"1"),
    "name-space": (b"x-evil ", b"1"),
    "name-empty": (b"", b"x-evil"),
}


async def refused_message(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Send it, then answer with what that raised."""
    message = REFUSED[scope["query_string"].decode()]
    notes.note(raised_by_send=await attempt(send, message))
    await answer(send, "answered")


async def refused_body(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await start(send)
    message = {"type": "http.response.body", "body": "of str"}
    notes.note(raised_by_send=await attempt(send, message))
    await body(send)


async def body_first(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    notes.note(raised_by_send=await attempt(body, send, b"too early"))
    await answer(send, "answered")


async def start_twice(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await start(send)
    notes.note(raised_by_send=await attempt(start, send, 404))
    await body(send, b"answered")


async def injection(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    pair = INJECTIONS[scope["query_string"].decode()]
    notes.note(tried=True)
    await start(send, 200, pair, (b"content-length", b"2"))
    await body(send, b"ok")


async def no_answer(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    return


async def start_alone(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await start(send, 200, (b"x-begun", b"1"))


async def raise_first(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    raise ValueError("of the scene raise_first")


async def raise_after_start(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await start(send)
    raise ValueError("of the scene raise_after_start")


async def cancel_itself(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    raise asyncio.CancelledError


async def stop_halfway(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """chunks or length, then raise or return."""
    how, _, end = scope["query_string"].decode().partition("-")
    length = [(b"content-length", b"100")] if how == "length" else []
    await start(send, 200, *length)
    await body(send, b"half of it", more=True)
    await notes.wait_for_cue()
    if end == "raise":
        raise ValueError("of the scene stop_halfway")


async def too_much(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await start(send, 200, (b"content-length", b"4"))
    await body(send, b"four and more")


async def too_little(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await start(send, 200, (b"content-length", b"10"))
    await body(send, b"four")


async def raise_behind(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """After the answer, which stands."""
    await answer(send, "answered")
    raise ValueError("of the scene raise_behind")


SCENES = {
    scene.__name__: scene
    for scene in (
        refused_message, refused_body, body_first, start_twice, injection, no_answer, start_alone,
        raise_first, raise_after_start, cancel_itself, stop_halfway, too_much, too_little,
        raise_behind,
    )
}  # fmt: skip
