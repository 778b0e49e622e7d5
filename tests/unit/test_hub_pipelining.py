"""Several requests in one write: answered in order, together, and not beyond a refusal."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.kit.blocks import Blocks, asking, path, returning
from tests.kit.inproc import HubClient
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]


def gets(count: int, *, last: bytes = b"") -> bytes:
    """Requests for /0, /1, ...; `last` are fields of the last one."""
    return b"".join(
        b"GET /%d HTTP/1.1\r\nHost: h\r\n%s\r\n" % (number, last if number == count - 1 else b"")
        for number in range(count)
    )


def expect_in_order(client: HubClient, count: int) -> None:
    for number in range(count):
        assert client.read_response().body == b"/%d" % number


@pytest.mark.parametrize("count", [2, 16, 17, 20, 40, 100])
def test_requests_in_one_write_are_answered_in_order(
    serve: Serve, http_parser: str, count: int
) -> None:
    client = serve(path, parser=http_parser).connect()
    for _ in range(2):
        client.send(gets(count))
        expect_in_order(client, count)
        client.expect_nothing()


@pytest.mark.parametrize("cut", range(1, 80, 7))
def test_second_request_may_come_in_two_pieces(serve: Serve, http_parser: str, cut: int) -> None:
    client = serve(path, parser=http_parser).connect()
    data = gets(3)
    client.send(data[:cut], data[cut:])
    expect_in_order(client, 3)


def test_requests_may_come_a_byte_at_a_time(serve: Serve, http_parser: str) -> None:
    client = serve(path, parser=http_parser).connect()
    client.send_byte_by_byte(gets(3))
    expect_in_order(client, 3)


def test_bodies_between_the_heads_are_found(serve: Serve, http_parser: str) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [environ["RAW_URI"].encode() + b"=" + environ["wsgi.input"].read()]

    head = b"POST /%s HTTP/1.1\r\nHost: h\r\n%s\r\n\r\n%s"
    chunked = b"Transfer-Encoding: chunked"
    data = b"".join(
        [
            head % (b"a", b"Content-Length: 5", b"GET /"),
            head % (b"b", chunked, b"5\r\nGET /\r\n0\r\n\r\n"),
            head % (b"c", b"Content-Length: 0", b""),
            head % (b"d", chunked, b"0\r\nX-Trailer: 1\r\n\r\n"),
            head % (b"e", b"Content-Length: 1", b"!"),
        ]
    )
    client = serve(app, parser=http_parser).connect()
    client.send(data)
    bodies = [client.read_response().body for _ in range(5)]
    assert bodies == [b"/a=GET /", b"/b=GET /", b"/c=", b"/d=", b"/e=!"]
    client.send_byte_by_byte(data)
    assert [client.read_response().body for _ in range(5)] == bodies


def test_unread_body_is_not_the_next_request(serve: Serve, http_parser: str) -> None:
    asked: list[str] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        asked.append(environ["RAW_URI"])
        start_response("200 OK", [])
        return [b"x"]

    client = serve(app, parser=http_parser).connect()
    inner = b"GET /inner HTTP/1.1\r\nHost: h\r\n\r\n"
    client.send(
        b"POST /outer HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(inner) + inner
    )
    client.send(gets(1))
    assert [client.read_response().status for _ in range(2)] == [200, 200]
    assert asked == ["/outer", "/0"]


@pytest.mark.parametrize("count", [1, 3, 16, 17, 20])
def test_nothing_behind_a_refused_request_is_answered(
    serve: Serve, http_parser: str, count: int
) -> None:
    asked: list[str] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        asked.append(environ["RAW_URI"])
        return path(environ, start_response)

    served = serve(app, parser=http_parser)
    client = served.connect()
    client.send(
        gets(count) + b"GET /bad HTTP/1.1\r\n\r\n" + b"GET /after HTTP/1.1\r\nHost: h\r\n\r\n"
    )
    expect_in_order(client, count)
    answer = client.read_response()
    assert (answer.status, answer.closes) == (400, True)
    client.expect_end()
    assert asked == [f"/{number}" for number in range(count)]
    served.logged("Invalid request")


@pytest.mark.parametrize("shape", ["list", "blocks"])
@pytest.mark.parametrize(
    ("behind", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nHo", 408),
    ],
)
def test_refusal_waits_for_the_large_answer_before_it(
    serve: Serve, http_parser: str, shape: str, behind: bytes, status: int
) -> None:
    blocks = [b"x" * 10_000] * 300
    served = serve(
        lambda *args: returning(blocks if shape == "list" else iter(blocks))(*args),
        parser=http_parser, small_buffers=True, header_timeout=0.3,
    )  # fmt: skip
    client = served.connect()
    client.send(gets(1) + behind + (gets(1) if status != 408 else b""))
    assert client.read_response().body == b"".join(blocks)
    answer = client.read_response()
    assert (answer.status, answer.closes) == (status, True)
    client.expect_end()
    served.log.clear()  # a refusal is logged, a 408 is not


def test_nothing_behind_a_close_is_answered(serve: Serve, http_parser: str) -> None:
    client = serve(path, parser=http_parser).connect()
    client.send(gets(3, last=b"Connection: close\r\n") + gets(2))
    expect_in_order(client, 3)
    client.expect_end()


def test_nothing_behind_an_answer_that_closes_is_answered(serve: Serve, http_parser: str) -> None:
    closing = returning([b"bye"], ("Connection", "close"))
    served = serve(asking({"/0": path, "/1": closing, "/2": path}), parser=http_parser)
    client = served.connect()
    client.send(gets(3))
    assert [client.read_response().body for _ in range(2)] == [b"/0", b"bye"]
    client.expect_end()


def test_answers_of_every_kind_keep_their_order(serve: Serve) -> None:
    large = b"L" * 300_000
    answers = {
        "/0": returning(Blocks([b"s", b"t"])),
        "/1": returning([large]),
        "/2": returning([], status="204 Nothing"),
        "/3": returning([b"x" * 40_000] * 3),
        "/4": path,
    }
    served = serve(asking(answers), small_buffers=True)
    client = served.connect()
    client.send(gets(5))
    bodies = [client.read_response().body for _ in range(5)]
    assert bodies == [b"st", large, b"", b"x" * 120_000, b"/4"]


def test_client_that_does_not_read_gets_no_more_than_one_turn_of_requests_served(
    serve: Serve,
) -> None:
    """What it has not taken bounds what is made for it."""
    asked: list[str] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        asked.append(environ["RAW_URI"])
        start_response("200 OK", [])
        return [b"x" * 100_000]

    served = serve(app, small_buffers=True)
    client = served.connect()
    client.sock.sendall(gets(40))
    served.settle()
    assert len(asked) <= 16
    for _ in range(40):
        assert len(client.read_response().body) == 100_000
    assert asked == [f"/{number}" for number in range(40)]


def test_pipelined_requests_behind_a_parked_stream_wait_for_it(serve: Serve) -> None:
    stream = Blocks([b"x" * 10_000] * 50)
    served = serve(asking({"/0": returning(stream), "/1": path}), small_buffers=True)
    client = served.connect()
    client.sock.sendall(gets(2))
    served.settle()
    assert stream.taken < 50
    assert client.read_response().body == b"x" * 500_000
    assert client.read_response().body == b"/1"
    assert stream.closed == 1


def test_half_closed_client_gets_all_its_answers(serve: Serve, http_parser: str) -> None:
    served = serve(path, parser=http_parser)
    client = served.connect()
    client.sock.sendall(gets(40))
    client.half_close()
    expect_in_order(client, 40)
    client.expect_end()


def test_requests_of_many_clients_in_one_turn_reach_the_right_ones(serve: Serve) -> None:
    served = serve(path)
    clients = [served.connect() for _ in range(40)]
    for number, client in enumerate(clients):
        client.sock.sendall(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number * 3)
    for number, client in enumerate(clients):
        for _ in range(3):
            assert client.read_response().body == b"/%d" % number


def test_one_client_with_many_requests_does_not_hold_up_another(serve: Serve) -> None:
    order: list[str] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        order.append(environ["RAW_URI"])
        return path(environ, start_response)

    served = serve(app)
    greedy, modest = served.connect(), served.connect()
    greedy.sock.sendall(gets(200))
    modest.sock.sendall(b"GET /modest HTTP/1.1\r\nHost: h\r\n\r\n")
    assert modest.read_response().body == b"/modest"
    expect_in_order(greedy, 200)
    assert order.index("/modest") <= 32


@pytest.mark.parametrize("body", [b"", b"x" * 50])
def test_client_that_leaves_a_slow_application_in_the_middle_of_its_requests(
    serve: Serve, body: bytes
) -> None:
    """An answer that waits is sent before a slow application gets the next request."""
    asked: list[str] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        asked.append(environ["RAW_URI"])
        until = time.monotonic() + 0.002
        while time.monotonic() < until:
            pass
        if environ["RAW_URI"] == "/3":
            client.reset()
        return path(environ, start_response)

    served = serve(app, spool_after=10)
    client = served.connect()
    client.sock.sendall(
        b"".join(
            b"POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n%s" % (n, len(body), body)
            for n in range(10)
        )
    )
    served.settle()
    assert served.hub.connections.count == 0
    assert asked == ["/0", "/1", "/2", "/3"]
    assert served.connect().request("GET", "/next").status == 200


def test_answer_does_not_wait_for_a_slow_application_of_another_client(serve: Serve) -> None:
    """Once an application was slow, what is ready goes out while the next request runs."""

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        until = time.monotonic() + 0.001
        while time.monotonic() < until:
            pass
        if environ["RAW_URI"] == "/waits":
            assert first.take().endswith(b"/first")
        return path(environ, start_response)

    served = serve(app)
    first, second = served.connect(), served.connect()
    assert first.request("GET", "/").status == second.request("GET", "/").status == 200
    first.sock.sendall(b"GET /first HTTP/1.1\r\nHost: h\r\n\r\n")
    second.sock.sendall(b"GET /waits HTTP/1.1\r\nHost: h\r\n\r\n")
    assert second.read_response().body == b"/waits"
