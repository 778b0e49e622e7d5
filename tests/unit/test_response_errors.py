"""Applications that raise, at every step; and close(), which is called once whatever happens."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.kit.blocks import Blocks, asking, returning
from tests.kit.inproc import App, Served
from tests.kit.response import ConnectionEnded, ProtocolViolation
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]


class Broken(Exception):
    """What the applications raise."""


def endless() -> Iterator[bytes]:
    while True:
        yield b"x" * 1000


def cut_short(served: Served, *, got: bytes) -> None:
    """The answer has begun, and ends without its end; the log says why."""
    client = served.connect()
    client.send_request()
    with pytest.raises(ConnectionEnded):
        client.read_response()
    assert client.received.endswith(got)
    assert client.received.count(b"HTTP/1.1") == 1
    assert "Broken: on purpose" in served.logged("Error handling request GET /")


def answered_500(served: Served) -> None:
    client = served.connect()
    answer = client.request()
    assert (answer.status, answer.closes) == (500, True)
    assert "purpose" not in answer.text
    client.expect_end()
    assert "Broken: on purpose" in served.logged("Error handling request GET /")


def test_exception_before_start_response_gets_a_500(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        raise Broken("on purpose")

    answered_500(serve(app))


def test_exception_after_start_response_gets_a_500_without_its_fields(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [("X-Old", "1"), ("Content-Length", "5")])
        raise Broken("on purpose")

    served = serve(app)
    answered_500(served)
    assert served.connect().request().get("x-old") is None
    served.logged("Error handling request GET /")


@pytest.mark.parametrize("before", [[], [b""], [b"", b""]], ids=repr)
def test_exception_in_the_first_block_gets_a_500(serve: Serve, before: list[bytes]) -> None:
    body = Blocks([*before, Broken("on purpose")])
    answered_500(serve(returning(body)))
    assert body.closed == 1


def test_exception_in_iter_gets_a_500_and_close_is_called(serve: Serve) -> None:
    class Unwilling(Blocks):
        def __iter__(self) -> Iterator[Any]:
            raise Broken("on purpose")

    body = Unwilling([])
    answered_500(serve(returning(body)))
    assert body.closed == 1


def test_exception_in_a_later_block_cuts_the_answer(serve: Serve) -> None:
    body = Blocks([b"first", Broken("on purpose")])
    cut_short(serve(returning(body)), got=b"5\r\nfirst\r\n")
    assert body.closed == 1


def test_exception_with_a_known_length_cuts_the_answer(serve: Serve) -> None:
    body = Blocks([b"first", Broken("on purpose")])
    cut_short(serve(returning(body, ("Content-Length", "10"))), got=b"\r\n\r\nfirst")
    assert body.closed == 1


def test_exception_after_the_last_announced_byte_is_logged_and_the_answer_is_whole(
    serve: Serve,
) -> None:
    body = Blocks([b"whole", Broken("on purpose")])
    served = serve(returning(body, ("Content-Length", "5")))
    client = served.connect()
    assert client.request().body == b"whole"
    assert body.closed == 1
    served.logged("Error handling request GET /")


def test_exception_for_http_1_0_resets_so_that_nobody_takes_it_for_whole(serve: Serve) -> None:
    served = serve(returning(Blocks([b"first", Broken("on purpose")])))
    client = served.connect()
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    with pytest.raises(ProtocolViolation, match="reset"):
        client.read_response()
    served.logged("Error handling request GET /")


def test_exception_for_http_1_0_with_a_length_just_closes(serve: Serve) -> None:
    served = serve(returning(Blocks([b"first", Broken("on purpose")]), ("Content-Length", "9")))
    client = served.connect()
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    with pytest.raises(ConnectionEnded):
        client.read_response()
    assert client.received.endswith(b"first")
    served.logged("Error handling request GET /")


@pytest.mark.parametrize("blocks", [[], [b"abc"], [b"a", b"bc"]], ids=repr)
def test_exception_in_close_is_logged_and_hurts_nobody(serve: Serve, blocks: list[bytes]) -> None:
    served = serve(lambda *args: returning(Blocks(blocks, closing=Broken("on purpose")))(*args))
    client = served.connect()
    for _ in range(2):
        assert client.request().body == b"".join(blocks)
        assert "Broken: on purpose" in served.logged("Error in close()")


def test_exception_in_close_after_an_exception_in_a_block(serve: Serve) -> None:
    body = Blocks([Broken("on purpose")], closing=Broken("again"))
    served = serve(returning(body))
    answered_500(served)
    assert "Broken: again" in served.logged("Error in close()")
    assert body.closed == 1


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit()])
@pytest.mark.parametrize("where", ["call", "block", "close"])
def test_application_cannot_end_the_worker(serve: Serve, error: BaseException, where: str) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        if where == "call":
            raise error
        closing = error if where == "close" else None
        start_response("200 OK", [])
        return Blocks([error if where == "block" else b"x"], closing=closing)

    served = serve(asking({"/": app, "/next": returning([b"next"])}))
    answer = served.connect().request()
    assert answer.status == (200 if where == "close" else 500)
    served.logged("Error")
    assert served.connect().request("GET", "/next").body == b"next"


def test_own_exit_of_the_worker_passes_through_the_application(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        served.leaving = True
        raise SystemExit(0)

    served = serve(app)
    client = served.connect()
    client.sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    with pytest.raises(SystemExit):
        served.settle()
    served.hub.connections.close_all()


def test_request_after_one_that_failed_is_served(serve: Serve) -> None:
    def broken(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [("X-Old", "1")])
        return Blocks([b"x" * 100, Broken("on purpose")])

    served = serve(asking({"/": broken, "/next": returning(iter([b"next"]))}))
    cut_short(served, got=b"x" * 100 + b"\r\n")
    answer = served.connect().request("GET", "/next")
    assert (answer.framing, answer.body, answer.get("x-old")) == ("chunked", b"next", None)


# -- close()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("status", "fields", "blocks"),
    [
        ("200 OK", [], []),
        ("200 OK", [], [b"abc"]),
        ("200 OK", [], [b"", b"a", b"", b"bc"]),
        ("200 OK", [("Content-Length", "3")], [b"abc"]),
        ("200 OK", [("Content-Length", "3")], [b"a", b"b", b"c"]),
        ("204 Nothing", [], []),
        ("204 Nothing", [], [b"abc"]),
        ("205 Reset", [], [b"abc"]),
        ("205 Reset", [("Content-Length", "3")], [b"a", b"bc"]),
        ("304 Same", [("Content-Length", "3")], [b"abc"]),
    ],
)
def test_close_is_called_once(
    serve: Serve, method: str, status: str, fields: list[tuple[str, str]], blocks: list[bytes]
) -> None:
    body = Blocks(blocks)
    client = serve(returning(body, *fields, status=status)).connect()
    client.request(method)
    assert body.closed == 1
    client.request(method)
    assert body.closed == 2


def test_close_of_a_list_or_a_tuple_is_looked_for_too(serve: Serve) -> None:
    class Closing(list):  # type: ignore[type-arg]
        closed = 0

        def close(self) -> None:
            self.closed += 1

    body = Closing([b"a", b"b"])
    assert serve(returning(body)).connect().request().body == b"ab"
    assert body.closed == 1


def test_iterable_is_closed_and_not_the_iterator_that_it_made(serve: Serve) -> None:
    made = Blocks([])

    class Borrowing(Blocks):
        def __iter__(self) -> Any:
            return iter(made)

    body = Borrowing([])
    assert serve(returning(body)).connect().request().body == b""
    assert (body.closed, made.closed) == (1, 0)


def test_generator_is_closed_where_it_stands(serve: Serve) -> None:
    ended: list[str] = []

    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Length", "3")])
        try:
            yield b"abc"
            yield b"more"
        finally:
            ended.append("closed")

    served = serve(app)
    assert served.connect().request().body == b"abc"
    assert ended == ["closed"]
    served.logged("longer than its Content-Length")


def test_head_takes_no_more_than_it_must_of_an_endless_body(serve: Serve) -> None:
    body = Blocks(endless())
    client = serve(returning(body)).connect()
    for count in (1, 2):
        answer = client.request("HEAD")
        assert (answer.status, answer.body) == (200, b"")
        assert (body.taken, body.closed) == (count, count)


@pytest.mark.parametrize("leave", ["close", "reset"])
@pytest.mark.parametrize("small", [False, True], ids=["roomy", "blocked"])
def test_close_is_called_once_when_the_client_vanishes_in_the_middle(
    serve: Serve, leave: str, small: bool
) -> None:
    body = Blocks(endless())
    served = serve(returning(body), small_buffers=small)
    client = served.connect()
    client.sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    served.turn_until(lambda: body.taken > 10, "the answer has begun")
    assert body.closed == 0
    getattr(client, leave)()
    served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")
    assert body.closed == 1


def vanish_during(served: Served, request: bytes) -> None:
    """Send this, hang up before it is read, and let the hub find out."""
    client = served.connect()
    served.settle()
    client.sock.sendall(request)
    client.reset()
    served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")


@pytest.mark.parametrize(
    "app",
    [
        returning([b"x" * 10]),
        returning([b"x" * 1_000_000]),
        returning(Blocks([b"x" * 100] * 100)),
        returning(Blocks([Broken("on purpose")])),
        returning([b"x"], ("Content-Length", "5")),
    ],
)
def test_client_that_vanished_is_no_error(serve: Serve, app: App) -> None:
    served = serve(app)
    client = served.connect()
    served.settle()
    client.sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    client.sock.shutdown(socket.SHUT_RDWR)
    client.close()
    served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")
    served.log[:] = [line for line in served.log if "on purpose" not in line]
    served.log[:] = [line for line in served.log if "shorter than" not in line]


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"G",
        b"GET / HTTP/1.1\r\nHost: h\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\nabc",
        b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc",
        b"POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET / HT",
        b"nonsense\r\n\r\n",
    ],
)
def test_client_that_resets_in_the_middle_leaves_nothing(
    serve: Serve, request_bytes: bytes
) -> None:
    served = serve(returning([b"x"]))
    vanish_during(served, request_bytes)
    served.log.clear()  # whether the refusal was in time to be logged is the network's choice
