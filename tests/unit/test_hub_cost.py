"""What a client can make us do for its bytes grows with their number, not with its square.

Processor time of one request and of one that is so many times longer: what is linear takes
about as many times as long (caches make it half as much again), what is quadratic the square
of it.  The bound lies far from both.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from fastfork.http import Limits
from tests.kit.blocks import path
from tests.kit.inproc import Served
from tests.unit.conftest import Serve

TIMES = 10
BOUND = 4 * TIMES
TRIES = 5  # the best one counts

HEAD = b"GET / HTTP/1.1\r\nHost: h\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


def repeats(count: int) -> Iterator[bytes]:
    """One field again and again: its values are joined."""
    yield HEAD + (b"A: " + b"x" * 200 + b"\r\n") * count + b"\r\n"


def names(count: int) -> Iterator[bytes]:
    """As many names."""
    yield HEAD + b"".join(b"A-%d: x\r\n" % number for number in range(count)) + b"\r\n"


def chunks(count: int) -> Iterator[bytes]:
    """Chunks of a byte, the first ones with extensions as long as they may be."""
    long = min(count // TIMES, 60)
    yield CHUNKED + (b"1;" + b"a" * 255 + b"\r\nx\r\n") * long
    yield b"1\r\nx\r\n" * (count * TIMES) + b"0\r\n\r\n"


def drops(count: int) -> Iterator[bytes]:
    """A head in packets of a byte."""
    head = HEAD + (b"A: " + b"x" * 40 + b"\r\n") * (count // TIMES) + b"\r\n"
    for start in range(len(head)):
        yield head[start : start + 1]


def escapes(count: int) -> Iterator[bytes]:
    """A path of escapes."""
    yield b"GET /" + b"%41" * count * TIMES + b" HTTP/1.1\r\nHost: h\r\n\r\n"


def cost(served: Served, pieces: list[bytes]) -> float:
    """Processor seconds of a request that comes in these pieces, client included."""
    client = served.connect()
    served.settle()
    began = time.process_time()
    client.send(*pieces)
    assert client.read_response().status == 200
    spent = time.process_time() - began
    client.close()
    served.settle()
    return spent


@pytest.mark.parametrize("shape", [repeats, names, chunks, drops, escapes])
def test_cost_is_linear_in_what_was_sent(
    serve: Serve, http_parser: str, shape: Callable[[int], Iterator[bytes]]
) -> None:
    served = serve(path, parser=http_parser, limits=Limits(line=0, fields=0, field_size=0, head=0))
    short, long = list(shape(100)), list(shape(100 * TIMES))
    cost(served, long)  # memory that is taken once
    spent = [min(cost(served, pieces) for _ in range(TRIES)) for pieces in (short, long)]
    assert spent[1] < BOUND * spent[0], spent
