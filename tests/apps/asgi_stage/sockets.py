"""Scenes of WebSocket.

Runs in: worker
"""

from __future__ import annotations

from typing import Any

from .notes import Notes, attempt
from .scopes import told

ACCEPT = {"type": "websocket.accept"}
PIECE = bytes(65536)
DENIAL = "websocket.http.response"
BAD_ACCEPTS: dict[str, dict[str, Any]] = {
    "header": {"headers": [(b"x-one", b"1\r\nx-evil: 1")]},
    "name": {"headers": [(b"x-one: 1\r\nx-evil", b"1")]},
    "protocol": {"subprotocol": "one\r\nx-evil: 1"},
    "not-offered": {"subprotocol": "x-evil"},
}
WRONG: dict[str, dict[str, Any]] = {
    "accept": ACCEPT,
    "neither": {"type": "websocket.send"},
    "text-of-int": {"type": "websocket.send", "text": 3},
    "unknown": {"type": "websocket.unknown"},
    "http": {"type": "http.response.start", "status": 200},
}


async def connected(receive: Any) -> None:
    assert (await receive())["type"] == "websocket.connect"


async def ws_scope(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    notes.note(scope=told(scope), first=dict(await receive()))
    await send(ACCEPT)
    await send({"type": "websocket.close"})


async def ws_state(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await connected(receive)
    await send(ACCEPT)
    scope["state"]["number"] += 1
    await send({"type": "websocket.send", "text": str(scope["state"]["number"])})
    await send({"type": "websocket.close"})


async def ws_later(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Accept after the cue."""
    await connected(receive)
    notes.note(connected=True)
    await notes.wait_for_cue()
    await send(ACCEPT)
    await send({"type": "websocket.close"})


async def ws_accept(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """With a protocol and headers; then wait for the end."""
    await connected(receive)
    headers = ((name, value) for name, value in [(b"x-one", b"1"), (b"set-cookie", b"a=b")])
    await send({**ACCEPT, "subprotocol": "two", "headers": headers})
    notes.note(heard=dict(await receive()))


async def ws_echo(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Send back what comes, and note how it came."""
    await connected(receive)
    await send(ACCEPT)
    while (message := await receive())["type"] == "websocket.receive":
        text, data = message.get("text"), message.get("bytes")
        notes.add("kinds", (type(text).__name__, type(data).__name__))
        reply = {"bytes": data} if text is None else {"text": text, "bytes": None}
        await send({"type": "websocket.send", **reply})
    notes.note(heard=dict(message))


async def ws_again(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Hear of the end three times."""
    await connected(receive)
    await send(ACCEPT)
    for _ in range(3):
        notes.add("heard", (await receive())["type"])


async def ws_late(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Send when the client has left."""
    await connected(receive)
    await send(ACCEPT)
    assert (await receive())["type"] == "websocket.disconnect"
    notes.note(late=await attempt(send, {"type": "websocket.send", "text": "late"}))
    if scope["query_string"] == b"raise":
        await send({"type": "websocket.send", "text": "late"})


async def ws_deny(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await connected(receive)
    await send({"type": "websocket.close", "code": 4000, "reason": "no"})


async def ws_deny_with_an_answer(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await connected(receive)
    headers = [(b"x-one", b"1"), (b"content-length", b"6")]
    await send({"type": f"{DENIAL}.start", "status": 401, "headers": headers})
    await send({"type": f"{DENIAL}.body", "body": b"not", "more_body": True})
    await send({"type": f"{DENIAL}.body", "body": b"you"})


async def ws_leave_first(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await connected(receive)


async def ws_raise_first(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await connected(receive)
    raise ValueError("of the scene ws_raise_first")


async def ws_leave(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await connected(receive)
    await send(ACCEPT)


async def ws_raise(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await connected(receive)
    await send(ACCEPT)
    raise ValueError("of the scene ws_raise")


async def ws_close(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """With the code that the query names, and a reason."""
    await connected(receive)
    await send(ACCEPT)
    code = scope["query_string"]
    more = {"code": int(code), "reason": "the reason é"} if code else {}
    await send({"type": "websocket.close", **more})
    notes.note(heard=(await receive())["type"])


async def ws_early(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Send what may not be sent before it is accepted."""
    await connected(receive)
    notes.note(raised_by_send=await attempt(send, {"type": "websocket.send", "text": "early"}))


async def ws_wrong(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Send what may not be sent after that."""
    await connected(receive)
    await send(ACCEPT)
    notes.note(raised_by_send=await attempt(send, WRONG[scope["query_string"].decode()]))


async def ws_bad_accept(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Accept with what must not be on the wire; if that is refused, properly."""
    await connected(receive)
    raised = await attempt(send, {**ACCEPT, **BAD_ACCEPTS[scope["query_string"].decode()]})
    if raised:
        await send(ACCEPT)
    await send({"type": "websocket.close"})


async def ws_bad_close(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Close with what must not be on the wire; if that is refused, properly."""
    await connected(receive)
    await send(ACCEPT)
    code, _, reason = scope["query_string"].decode().partition("-")
    message = {"type": "websocket.close", "code": int(code), "reason": "é" * int(reason or 0)}
    if await attempt(send, message):
        await send({"type": "websocket.close"})


async def ws_gone_first(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """The client leaves before it is accepted."""
    await connected(receive)
    notes.note(connected=True)
    notes.note(heard=dict(await receive()))


async def ws_held(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Open, and nothing more, until the client leaves."""
    await connected(receive)
    await send(ACCEPT)
    notes.note(heard=dict(await receive()))


async def ws_flood(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """32 MiB to who does not read, and whether that was over in a second."""
    import asyncio

    async def all_of_it() -> None:
        for _ in range(512):
            await send({"type": "websocket.send", "bytes": PIECE})

    await connected(receive)
    await send(ACCEPT)
    sending = asyncio.create_task(all_of_it())
    await asyncio.wait({sending}, timeout=1.0)
    notes.note(waits=not sending.done())
    await sending
    await send({"type": "websocket.close"})


SCENES = {
    scene.__name__: scene
    for scene in (
        ws_scope, ws_state, ws_later, ws_accept, ws_echo, ws_again, ws_late, ws_deny,
        ws_deny_with_an_answer, ws_leave_first, ws_raise_first, ws_leave, ws_raise, ws_close,
        ws_early, ws_wrong, ws_bad_accept, ws_bad_close, ws_gone_first, ws_held, ws_flood,
    )
}  # fmt: skip
