"""Scenes that send answers as they should be.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from typing import Any

from .notes import Notes, answer, attempt

PIECE = bytes(range(256)) * 256  # 64 KiB
PIECES = 512


async def start(send: Any, status: int = 200, *headers: tuple[bytes, bytes], **more: Any) -> None:
    message = {"type": "http.response.start", "status": status, "headers": list(headers)}
    await send({**message, **more})


async def body(send: Any, data: bytes = b"", more: bool = False) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def whole(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await start(send, 200, (b"content-length", b"5"), (b"x-one", b"1"))
    await body(send, b"whole")


async def without_length(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await start(send)
    await body(send, b"one ", more=True)
    await body(send, b"two")


async def least(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """No key that is optional."""
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body"})


async def additional_keys(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await start(send, 200, (b"content-length", b"2"), another=object())
    await send({"type": "http.response.body", "body": b"ok", "another": object()})


async def piece_by_piece(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Each piece after a cue."""
    await start(send)
    for name in ("first", "second", "third"):
        await body(send, name.encode(), more=True)
        notes.note(**{name: True})
        await notes.wait_for_cue(name)
    await body(send)


async def empty_pieces(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await start(send)
    for data in (b"", b"a", b"", b"b", b""):
        await body(send, data, more=True)
    await body(send, b"")


async def ordered_headers(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await start(
        send, 200, (b"set-cookie", b"a=1"), (b"x-b", b"2"), (b"set-cookie", b"c=3"),
        (b"x-a", b"caf\xe9"), (b"content-length", b"0"),
    )  # fmt: skip
    await body(send)


async def headers_of_a_generator(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    pairs = ([name, value] for name, value in ((b"x-one", b"1"), (b"content-length", b"3")))
    await send({"type": "http.response.start", "status": 200, "headers": pairs})
    await body(send, b"gen")


async def headers_of_iterables(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    pairs = tuple(iter(pair) for pair in ((b"x-one", b"1"), (b"content-length", b"3")))
    await send({"type": "http.response.start", "status": 200, "headers": pairs})
    await body(send, b"itr")


async def own_transfer_encoding(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await start(send, 200, (b"transfer-encoding", b"chunked"))
    await body(send, b"plain ", more=True)
    await body(send, b"bytes")


async def status(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """The status that the query names, without a body."""
    await start(send, int(scope["query_string"]))
    await body(send)


async def not_modified(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await start(send, 304, (b"etag", b'"a"'))
    await body(send)


async def after_the_last(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await answer(send, "answered")
    notes.note(late=await attempt(body, send, b"more"))


async def to_who_does_not_read(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """32 MiB, and what the first second brought."""

    async def all_of_it() -> None:
        for number in range(PIECES):
            await body(send, PIECE, more=number < PIECES - 1)

    await start(send, 200, (b"content-length", b"%d" % (len(PIECE) * PIECES)))
    sending = asyncio.create_task(all_of_it())
    await asyncio.wait({sending}, timeout=1.0)
    notes.note(waits=not sending.done())
    await sending


async def to_who_has_left(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Hear that the client has left, then send."""
    await start(send)
    await body(send, b"first", more=True)
    notes.note(sent=True)
    while (await receive())["type"] != "http.disconnect":
        pass
    notes.note(late=await attempt(body, send, b"more", True))
    if scope["query_string"] == b"raise":
        await body(send, b"more", more=True)


async def for_ever(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Stream without listening, until send() says that nobody is there."""
    await start(send)
    for number in range(3000):
        await body(send, b"x" * 1024, more=True)
        if not number:
            notes.note(sent=True)
        await asyncio.sleep(0.001)
    notes.note(never_told=True)


async def listening_stream(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """An event, and another word when receive() says that it is over."""
    await receive()
    await start(send)
    await body(send, b"event", more=True)
    while (await receive())["type"] != "http.disconnect":
        pass
    await body(send, b"goodbye")


async def stubborn(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Neither answer nor leave, whoever cancels it."""
    notes.note(waits=True)
    while True:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue


async def trailers(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    if "http.response.trailers" not in scope.get("extensions", {}):  # for this request
        return await without_length(scope, receive, send, notes)
    await start(send, 200, (b"trailer", b"x-sum"), trailers=True)
    await body(send, b"one ", more=True)
    await body(send, b"two")
    sums = [(b"x-sum", b"42")]
    await send({"type": "http.response.trailers", "headers": sums, "more_trailers": False})
    return None


async def bad_trailers(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Trailers that would be something else on the wire."""
    await start(send, trailers=True)
    await body(send, b"one")
    sums = [(b"x-one", b"1\r\nx-evil: 1")]
    notes.note(tried=True)
    await send({"type": "http.response.trailers", "headers": sums})


async def bad_hints(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """A hint that would be something else on the wire."""
    await start(send)
    notes.note(tried=True)
    links = (b"</a.css>; rel=preload\r\nx-evil: 1",)
    await send({"type": "http.response.early_hint", "links": links})
    await body(send, b"ok")


async def early_hints(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    await start(send, 200, (b"content-length", b"2"))
    links = (b"</a.css>; rel=preload", b"</b.js>; rel=preload")
    await send({"type": "http.response.early_hint", "links": links})
    await body(send, b"ok")


async def a_path(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(PIECE)
        file.flush()
        await start(send, 200, (b"content-length", b"%d" % len(PIECE)))
        await send({"type": "http.response.pathsend", "path": file.name})
        # The server may have opened it by now, or may do so until the client has all of it.
        await notes.wait_for_cue()


async def a_file(scope: Any, receive: Any, send: Any, notes: Notes) -> None:
    """Bytes, a part of a file, and the file from where it stands to its end."""
    with tempfile.TemporaryFile() as file:
        file.write(b"0123456789")
        file.flush()
        os.lseek(file.fileno(), 7, os.SEEK_SET)
        await start(send)
        await body(send, b"<", more=True)
        kind = {"type": "http.response.zerocopysend", "file": file}
        await send({**kind, "offset": 2, "count": 3, "more_body": True})
        os.lseek(file.fileno(), 7, os.SEEK_SET)
        await send({**kind, "more_body": True})
        await body(send, b">")


SCENES = {
    scene.__name__: scene
    for scene in (
        whole, without_length, least, additional_keys, piece_by_piece, empty_pieces,
        ordered_headers, headers_of_a_generator, headers_of_iterables, own_transfer_encoding,
        status, not_modified, after_the_last, to_who_does_not_read, to_who_has_left, for_ever,
        listening_stream, stubborn, trailers, early_hints, bad_trailers,
        bad_hints, a_path, a_file,
    )
}  # fmt: skip
