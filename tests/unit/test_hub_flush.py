"""When answers leave: together with those of their turn, but none waits for long, or for nothing.

Applications look at what their clients have while they are called: no turn of the hub comes
between.  What may wait a millisecond may also have been sent by then on a machine with other work,
so that is tried some times.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.blocks import Blocks
from tests.kit.inproc import HubClient, Served
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]

TRIES = 200
FLUSHER = "ff-flusher"
OK = b"HTTP/1.1 200"


def get(path: str, *, times: int = 1) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode() * times


def has_flusher() -> bool:
    """Whether this process has the thread that sends what has waited."""
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    return FLUSHER in names


def page(start_response: Start, body: Iterable[bytes], size: int | None = None) -> Any:
    """As a framework answers: with an iterable that is no list."""
    start_response("200 OK", [] if size is None else [("Content-Length", str(size))])
    return body


def spin(seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def ask_in_one_turn(served: Served, clients: list[HubClient]) -> None:
    """Requests for /0, /1, ... that one turn finds."""
    for number, client in enumerate(clients):
        client.sock.sendall(get(f"/{number}"))
    served.settle()


class Ending(Blocks):
    """An iterable with something to do at its end."""

    def __init__(self, blocks: Iterable[Any], at_end: Callable[[], None]) -> None:
        super().__init__(blocks)
        self.at_end = at_end

    def close(self) -> None:
        super().close()
        self.at_end()


def test_whole_answer_of_the_only_request_leaves_before_the_iterable_ends(serve: Serve) -> None:
    seen: list[bytes] = []

    def body() -> Iterator[bytes]:
        yield b"whole"
        seen.append(client.peek())

    def app(_environ: Environ, start_response: Start) -> Any:
        return page(start_response, Ending(body(), lambda: seen.append(client.peek())), 5)

    had_flusher = has_flusher()
    client = serve(app).connect()
    assert client.request().body == b"whole"
    assert [one[-5:] for one in seen] == [b"whole", b"whole"]
    assert has_flusher() == had_flusher, "a second thread was started for it"


def test_answer_of_unknown_length_leaves_before_its_close(serve: Serve) -> None:
    seen: list[bytes] = []

    def app(_environ: Environ, start_response: Start) -> Any:
        return page(start_response, Ending([b"one"], lambda: seen.append(client.peek())))

    client = serve(app).connect()
    assert client.request().body == b"one"
    assert seen[0].endswith(b"3\r\none\r\n0\r\n\r\n")


@pytest.mark.parametrize("size", [None, 4], ids=["unknown length", "known length"])
def test_answers_wait_for_each_other_within_a_turn(serve: Serve, size: int | None) -> None:
    """The application takes longer than a fast one, and less than the bound."""
    waited = 0

    def app(environ: Environ, start_response: Start) -> Any:
        nonlocal waited
        spin(0.0002)
        if environ["PATH_INFO"] == "/1":
            waited += clients[0].peek() == b""
        return page(start_response, Blocks([b"body"]), size)

    served = serve(app)
    clients = [served.connect() for _ in range(2)]
    for _ in range(TRIES):
        ask_in_one_turn(served, clients)
        assert all(client.read_response().body == b"body" for client in clients)
        if waited:
            return
    raise AssertionError(f"in {TRIES} turns the first answer left before the second was made")


def test_answers_do_not_wait_for_the_first_slow_call(serve: Serve) -> None:
    """Nothing has been slow before, so nobody could know."""
    seen: list[bytes] = []

    def app(environ: Environ, start_response: Start) -> Any:
        if environ["PATH_INFO"] == "/2":
            seen.extend(client.take() for client in clients[:2])
        start_response("200 OK", [("Content-Length", "4")])
        return [b"body"]

    served = serve(app)
    clients = [served.connect() for _ in range(3)]
    served.settle()
    ask_in_one_turn(served, clients)
    assert [one[:12] for one in seen] == [OK, OK]
    assert clients[2].read_response().body == b"body"


def test_block_of_a_stream_does_not_wait_for_the_first_slow_one(serve: Serve) -> None:
    seen: list[bytes] = []

    def body() -> Iterator[bytes]:
        yield b"first"
        seen.append(client.take())
        yield b"second"

    def app(_environ: Environ, start_response: Start) -> Any:
        return page(start_response, body())

    client = serve(app).connect()
    client.send(get("/"))
    assert seen[0].endswith(b"5\r\nfirst\r\n")
    rest = b""
    while not rest.endswith(b"0\r\n\r\n"):
        rest += client.take()
    assert rest == b"6\r\nsecond\r\n0\r\n\r\n"


def test_block_that_took_its_time_leaves_at_once(serve: Serve) -> None:
    """Whoever waits for a slow stream waits for nobody's timer."""
    seen: list[bytes] = []

    def body() -> Iterator[bytes]:
        yield b"head"
        for number in range(3):
            spin(0.002)
            yield b"%d" % number
            seen.append(client.peek()[-6:])

    def app(_environ: Environ, start_response: Start) -> Any:
        return page(start_response, body())

    client = serve(app).connect()
    assert client.request().body == b"head012"
    assert seen == [b"1\r\n0\r\n", b"1\r\n1\r\n", b"1\r\n2\r\n"]


def test_answer_leaves_before_a_call_that_will_take_long(serve: Serve) -> None:
    """Where calls take longer than the bound, nothing waits for the next, nor for a timer."""
    seen: list[bytes] = []

    def app(environ: Environ, start_response: Start) -> Any:
        if environ["PATH_INFO"] == "/1":
            seen.append(clients[0].peek())
        spin(0.003)
        start_response("200 OK", [("Content-Length", "4")])
        return [b"body"]

    served = serve(app)
    clients = [served.connect() for _ in range(2)]
    for _ in range(20):
        assert clients[0].request().body == b"body"
    ask_in_one_turn(served, clients)
    assert seen[0].endswith(b"body")
    assert clients[1].read_response().body == b"body"


def test_answers_to_pipelined_requests_leave_together(serve: Serve) -> None:
    """Each is whole, and the last of its turn, but the next one stands behind it."""

    def app(_environ: Environ, start_response: Start) -> Any:
        return page(start_response, Blocks([b"body"]), 4)

    for _ in range(TRIES):
        client = serve(app).connect()
        client.sock.sendall(get("/", times=3))
        if [packet.count(OK) for packet in client.packets()] == [3]:
            return
    raise AssertionError(f"never in one packet, of {TRIES} times")
