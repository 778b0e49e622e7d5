"""Nothing accumulates: memory blocks and descriptors stay flat over many requests."""

from __future__ import annotations

import gc
import io
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from fastfork._core.conn.connection import Connection
from tests.kit.blocks import Blocks, path, returning
from tests.kit.inproc import Served, descriptors
from tests.unit.conftest import Serve

pytestmark = pytest.mark.usefixtures("earlier_objects_left_alone")

Environ = dict[str, Any]
Start = Callable[..., Any]

WARM_UP = 150
ROUNDS = 240
TRIES = 8  # what is lost in a round is lost in all of them; caches fill up once

GET = b"GET /x?y HTTP/1.1\r\nHost: h\r\nX-A: 1\r\nX-A: 2\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


def raising(environ: Environ, start_response: Start) -> Iterable[bytes]:
    raise LookupError


def cut(environ: Environ, start_response: Start) -> Iterator[bytes]:
    start_response("200 OK", [])
    yield b"x"
    raise LookupError


def writing(environ: Environ, start_response: Start) -> Iterable[bytes]:
    write = start_response("200 OK", [])
    write(b"x" * 20_000)
    return [b"y"]


def hinting(environ: Environ, start_response: Start) -> Iterable[bytes]:
    environ["wsgi.early_hints"]([("Link", "x")])
    return path(environ, start_response)


def reading(environ: Environ, start_response: Start) -> Iterable[bytes]:
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()]


def wrapping(environ: Environ, start_response: Start) -> Iterable[bytes]:
    start_response("200 OK", [])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](io.BytesIO(b"x" * 20_000))
    return wrapped


def restarting(environ: Environ, start_response: Start) -> Iterable[bytes]:
    start_response("200 OK", [("X-A", "1")])
    try:
        raise LookupError
    except LookupError:
        start_response("500 Oops", [("X-B", "1")], sys.exc_info())
    return [b"x"]


def cyclic(environ: Environ, start_response: Start) -> Iterable[bytes]:
    environ["cycle"] = environ, start_response
    return path(environ, start_response)


CASES: dict[str, tuple[Callable[..., Any], bytes]] = {
    "plain": (path, GET),
    "twenty pipelined": (path, GET * 20),
    "generator": (lambda e, s: returning(Blocks([b"a", b"b"]))(e, s), GET),
    "large": (returning([b"x" * 100_000]), GET),
    "large list": (returning([b"x" * 50_000] * 3), GET),
    "short": (returning([b"x"], ("Content-Length", "5")), GET),
    "long": (returning([b"xx"], ("Content-Length", "1")), GET),
    "bad field": (returning([b"x"], ("X", "a\n")), GET),
    "never started": (lambda e, s: [b"x"], GET),
    "raising": (raising, GET),
    "cut": (cut, GET),
    "writing": (writing, GET),
    "hinting": (hinting, GET),
    "wrapping": (wrapping, GET),
    "restarting": (restarting, GET),
    "cyclic": (cyclic, GET),
    "body": (reading, POST),
    "chunked body": (reading, CHUNKED),
    "spooled body": (reading, POST.replace(b": 5", b": 500") + b"x" * 495),
    "unread body": (path, POST),
    "refused": (path, b"nonsense\r\n\r\n"),
    "refused body": (path, CHUNKED.replace(b"0\r\n\r\n", b"x\r\n")),
    "truncated": (path, POST[:-2]),
    "half a head": (path, GET[:-2]),
    "silent": (path, b""),
}


def once(served: Served, data: bytes, *, leave: str) -> None:
    """A connection from its beginning to its end."""
    client = served.connect()
    client.sock.sendall(data)
    served.settle()
    if leave == "reset":
        client.reset()
    else:
        client.half_close()
        while client._more():
            pass
        client.close()
    served._clients.clear()
    served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")
    served.log.clear()


@pytest.mark.parametrize("leave", ["politely", "reset"])
@pytest.mark.parametrize("name", sorted(CASES))
def test_memory_and_descriptors_stay_flat(
    serve: Serve, http_parser: str, name: str, leave: str
) -> None:
    app, data = CASES[name]
    served = serve(app, parser=http_parser, spool_after=100)
    rounds = ROUNDS // 10 if len(data) > 700 or "large" in name else ROUNDS
    for _ in range(WARM_UP if rounds == ROUNDS else WARM_UP // 10):
        once(served, data, leave=leave)
    gc.collect()
    opened = len(descriptors())
    grown = []
    for _ in range(TRIES):
        before = sys.getallocatedblocks()
        for _ in range(rounds):
            once(served, data, leave=leave)
        gc.collect()
        grown.append(sys.getallocatedblocks() - before)
        if grown[-1] < rounds // 8:
            break
    else:
        raise AssertionError(f"memory blocks more after {rounds} rounds each: {grown}")
    assert len(descriptors()) == opened


def living(kind: type) -> int:
    gc.collect()
    return sum(type(thing) is kind for thing in gc.get_objects())


def test_hub_that_is_dropped_leaves_no_objects(serve: Serve) -> None:
    kept = []  # the last of them may be referred to by what was made last
    for _ in range(5):
        served = serve(path)
        served.connect().request()
        served.finish()
        kept.append(living(Connection))
    assert kept[-1] <= kept[1]
