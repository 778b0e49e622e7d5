"""What the application was given, called by a thread of its own, by a finalizer, or in the middle
of the server's own work.  What only shows under load is in tests/server/test_meddling.py.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.kit import inproc
from tests.kit.inproc import HubClient
from tests.kit.waiting import DEADLINE
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]


def aside(call: Callable[[], object]) -> list[object]:
    """What it returns, or raises, on another thread."""
    found: list[object] = []

    def run() -> None:
        try:
            found.append(call())
        except Exception as error:
            found.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(DEADLINE)
    assert not thread.is_alive(), "the call does not return"
    return found


def test_thread_may_start_and_write_during_the_call(serve: Serve) -> None:
    def app(_environ: Environ, start_response: Start) -> Iterable[bytes]:
        [write] = aside(lambda: start_response("200 OK", []))
        assert callable(write)
        assert aside(lambda: write(b"one, ")) == [None]
        return [b"two"]

    assert serve(app).connect().request().body == b"one, two"


def test_thread_may_write_to_a_response_whose_client_is_full(serve: Serve) -> None:
    """Nobody but the loop can send the rest, and it waits for events."""
    writes: list[Callable[[bytes], object]] = []

    def app(_environ: Environ, start_response: Start) -> Iterator[bytes]:
        writes.append(start_response("200 OK", []))
        writes[0](b"x" * (4 << 20))
        yield b"then "
        yield b"last"

    served = serve(app, small_buffers=True)
    nudged: list[int] = []
    served.hub.crew.nudge = lambda: nudged.append(1)
    client = served.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert aside(lambda: writes[0](b"more")) == [None]
    assert nudged
    assert client.read_response().body == b"x" * (4 << 20) + b"then morelast"


def test_calls_after_the_end_are_errors_on_any_thread(serve: Serve) -> None:
    kept: list[Any] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        kept[:] = [start_response, start_response("200 OK", []), environ["wsgi.early_hints"]]
        return [b"body"]

    client = serve(app).connect()
    for _ in range(2):
        assert client.request().body == b"body"
        assert isinstance(aside(lambda: kept[0]("200 OK", []))[0], RuntimeError)
        assert isinstance(aside(lambda: kept[1](b"more"))[0], AssertionError)
        assert aside(lambda: kept[2]([("Link", "</a>")])) == [None]
    client.expect_nothing()


class Reentrant(bytes):
    """A block that writes when it is made plain."""

    write: Callable[[bytes], object]

    def __bytes__(self) -> bytes:
        self.write(b"before, ")
        return bytes(memoryview(self))


@pytest.mark.parametrize("how", ["written", "returned"])
def test_block_of_a_class_of_its_own_may_write(serve: Serve, how: str) -> None:
    def app(_environ: Environ, start_response: Start) -> Iterable[bytes]:
        block = Reentrant(b"block")
        block.write = start_response("200 OK", [])
        if how == "returned":
            return [block]
        block.write(block)
        return []

    assert serve(app).connect().request().body == b"before, block"


def test_field_may_start_the_response_while_it_is_looked_at(serve: Serve) -> None:
    """Its repr() is called for an error; another call of start_response is in the middle of it."""

    class Field(str):
        def __repr__(self) -> str:
            start(0)("200 OK", [("X-Inner", "1")])
            return "field"

    starts: list[Start] = []

    def start(at: int) -> Start:
        return starts[at]

    def app(_environ: Environ, start_response: Start) -> Iterable[bytes]:
        starts[:] = [start_response]
        with pytest.raises(ValueError, match="control character"):
            start_response("200 OK", [("X-Outer", Field("a\nb"))])
        return [b"body"]

    answer = serve(app).connect().request()
    assert (answer.get("X-Inner"), answer.get("X-Outer"), answer.body) == ("1", None, b"body")


@pytest.mark.parametrize("times", [1, 1000])
def test_log_handler_that_writes_is_heard_when_the_line_is_written(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    """It runs on the thread that is in the middle of a write, and cannot wait for itself.

    A thousand times: what it writes makes the next line, and so on; that ends."""
    writes: list[Callable[[bytes], object]] = []
    lines: list[str] = []

    def emit(_handler: logging.Handler, record: logging.LogRecord) -> None:
        lines.append(record.getMessage())
        if len(lines) <= times:
            assert writes[0](b"more") is None

    def app(_environ: Environ, start_response: Start) -> Iterable[bytes]:
        writes[:] = [start_response("200 OK", [("Content-Length", "4")])]
        writes[0](b"abcdEF")
        return []

    monkeypatch.setattr(inproc._Noted, "emit", emit)
    assert serve(app).connect().request().body == b"abcd"
    assert 2 <= len(lines) <= 100
    assert all("longer than its Content-Length" in line for line in lines)


class Left:
    """Notes what its client had got when it was finalized."""

    def __init__(self, client: list[HubClient], found: list[bytes]) -> None:
        self.client, self.found = client, found

    def __del__(self) -> None:
        self.found.append(self.client[0].peek())


@pytest.mark.parametrize("where", ["environ", "raised"])
def test_leftovers_are_finalized_when_the_answer_is_on_its_way(serve: Serve, where: str) -> None:
    clients: list[HubClient] = []
    found: list[bytes] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        left = Left(clients, found)
        if where == "raised":
            raise LookupError
        start_response("200 OK", [("Content-Length", "4")])
        environ["left"] = left
        return [b"body"]

    served = serve(app)
    clients.append(served.connect())
    clients[0].send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    answer = clients[0].read_response()
    assert answer.status == (500 if where == "raised" else 200)
    if where == "raised":
        served.logged("LookupError")
    assert len(found) == 1
    assert found[0].startswith(b"HTTP/1.1 ")


def test_leftovers_of_many_pipelined_requests_do_not_pile_up(serve: Serve) -> None:
    alive: list[int] = [0, 0]

    class Counted:
        def __init__(self) -> None:
            alive[0] += 1
            alive[1] = max(alive)

        def __del__(self) -> None:
            alive[0] -= 1

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        environ["left"] = Counted()
        start_response("200 OK", [("Content-Length", "0")])
        return []

    client = serve(app).connect()
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 200)
    for _ in range(200):
        assert client.read_response().status == 200
    assert alive[0] == 0
    assert alive[1] <= 40


def test_file_that_is_slow_to_say_where_it_is_lets_threads_write(serve: Serve) -> None:
    """Its methods are the application's: whoever writes meanwhile comes before the file."""

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        file = open(__file__, "rb")  # noqa: SIM115 - the server closes it

        class Slow:
            read, close, fileno = file.read, file.close, file.fileno

            def tell(self) -> int:
                assert aside(lambda: write(b"first ")) == [None]
                return file.tell()

        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](Slow())
        return wrapped

    body = serve(app).connect().request().body
    assert body.startswith(b"first ")
    with open(__file__, "rb") as file:
        assert body == b"first " + file.read()


def test_hints_of_threads_come_before_the_answer_and_not_within(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        def go_on() -> None:
            until = time.monotonic() + 0.2
            while time.monotonic() < until:
                environ["wsgi.early_hints"]([("Link", "</a.css>")])

        threads = [threading.Thread(target=go_on) for _ in range(4)]
        for thread in threads:
            thread.start()
        start_response("200 OK", [])
        for _ in range(20):
            yield b"block"
        for thread in threads:
            thread.join()

    answer = serve(app).connect().request()
    assert answer.body == b"block" * 20
    assert {hint.status for hint in answer.interim} <= {103}
