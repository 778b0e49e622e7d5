"""What has a time limit, and what a client sees when it runs out."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from fastfork.http import Limits
from tests.kit.blocks import Blocks, path, returning
from tests.kit.response import ProtocolViolation
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]

SHORT = 0.1  # seconds
HEAD = b"GET / HTTP/1.1\r\nHost: h\r\n"


@pytest.mark.parametrize(
    ("start", "drop"),
    [(HEAD + b"X-Drip: ", b"x"), (b"GET /", b"x"), (HEAD, b"A: b\r\n")],
    ids=["in a field", "in the target", "a field at a time"],
)
def test_head_that_drips_gets_a_408_when_its_time_is_up(
    serve: Serve, http_parser: str, start: bytes, drop: bytes
) -> None:
    """The time counts from the first byte: a byte now and then does not extend it."""
    limits = Limits(fields=0)
    served = serve(path, parser=http_parser, header_timeout=SHORT, limits=limits)
    client = served.connect()
    began = time.monotonic()
    client.send(start)
    while not client.received:
        client.sock.sendall(drop)
        served.settle()
        select.select([client.sock], [], [], SHORT / 20)
        client.received += b"".join(client.packets())
    assert client.received.startswith(b"HTTP/1.1 408 Request Timeout\r\n")
    assert b"\r\nConnection: close\r\n" in client.received
    assert SHORT / 2 < time.monotonic() - began < 10 * SHORT


@pytest.mark.parametrize("part", [b"G", b"GET / HTTP/1.1", HEAD, HEAD + b"\r", b"\r\nG"])
def test_head_that_stops_gets_a_408(serve: Serve, http_parser: str, part: bytes) -> None:
    served = serve(path, parser=http_parser, header_timeout=SHORT)
    client = served.connect()
    client.send(part)
    answer = client.read_response()
    assert (answer.status, answer.closes) == (408, True)
    client.expect_end()


@pytest.mark.parametrize("size", [1, 1_000_000], ids=["small answer", "large answer"])
@pytest.mark.parametrize("blank", [b"\r\n", b"\r\n" * 4])
def test_empty_line_behind_a_body_is_no_request_that_is_late(
    serve: Serve, http_parser: str, blank: bytes, size: int
) -> None:
    """Old clients end a POST with a line end that does not count.  A 408 which nobody waits for
    would be taken for the answer to the next request."""
    served = serve(
        returning([b"x" * size]), parser=http_parser, header_timeout=SHORT, keepalive=5 * SHORT,
        small_buffers=True,
    )  # fmt: skip
    client = served.connect()
    for _ in range(2):
        client.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na=b" + blank)
        assert client.read_response().body == b"x" * size
        served.turn(2 * SHORT)
    client.expect_end()


def test_new_connection_that_sends_an_empty_line_alone_is_closed_silently(
    serve: Serve, http_parser: str
) -> None:
    client = serve(path, parser=http_parser, first_byte=SHORT, header_timeout=10.0).connect()
    client.send(b"\r\n")
    client.expect_end()


def test_head_behind_an_empty_line_has_its_time_from_its_first_byte(
    serve: Serve, http_parser: str
) -> None:
    served = serve(path, parser=http_parser, header_timeout=SHORT, keepalive=10.0)
    client = served.connect()
    client.send(HEAD + b"\r\n")
    assert client.read_response().status == 200
    client.send(b"\r\n", b"G", b"E", b"T")
    assert client.read_response().status == 408


def test_second_head_has_its_own_time(serve: Serve, http_parser: str) -> None:
    served = serve(path, parser=http_parser, header_timeout=SHORT)
    client = served.connect()
    for _ in range(3):
        client.send(HEAD)
        served.turn(SHORT / 2)
        client.send(b"\r\n")
        assert client.read_response().status == 200
    client.send(HEAD)
    assert client.read_response().status == 408


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 5\r\n\r\n",
        b"Content-Length: 5\r\n\r\nabc",
        b"Content-Length: 5000000\r\n\r\nabc",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc",
    ],
)
def test_body_that_stops_gets_a_408(serve: Serve, http_parser: str, rest: bytes) -> None:
    served = serve(path, parser=http_parser, body_timeout=SHORT)
    client = served.connect()
    client.send(b"POST / HTTP/1.1\r\nHost: h\r\n" + rest)
    answer = client.read_response()
    assert (answer.status, answer.closes) == (408, True)
    client.expect_end()


def test_kept_connection_is_closed_silently_when_nothing_comes(serve: Serve) -> None:
    served = serve(path, keepalive=SHORT)
    client = served.connect()
    client.request()
    began = time.monotonic()
    client.expect_end()
    assert SHORT / 2 < time.monotonic() - began < 10 * SHORT
    assert served.hub.connections.count == 0


def test_each_request_begins_the_time_anew(serve: Serve) -> None:
    served = serve(path, keepalive=SHORT)
    client = served.connect()
    began = time.monotonic()
    while time.monotonic() < began + 3 * SHORT:
        assert client.request().status == 200
        served.turn(SHORT / 3)
    client.expect_end()


def test_new_connection_that_says_nothing_is_closed_silently(serve: Serve) -> None:
    served = serve(path, first_byte=SHORT)
    client = served.connect()
    client.expect_end()
    assert served.hub.connections.count == 0


def test_request_that_crosses_the_end_of_the_wait_is_served(serve: Serve) -> None:
    """A socket with bytes waiting is not idle: it is read once more before the close."""
    served = serve(path, keepalive=SHORT)
    client = served.connect()
    client.request()
    deadline = time.monotonic() + SHORT
    client.sock.sendall(b"GET /late HTTP/1.1\r\nHost: h\r\n\r\n")
    while time.monotonic() < deadline + 0.01:
        pass  # the hub sleeps through it all
    served.hub.turn([])
    assert client.read_response().body == b"/late"


@pytest.mark.parametrize("body", ["whole", "blocks", "written"])
def test_reader_that_stops_is_reset_and_the_body_closed(serve: Serve, body: str) -> None:
    blocks = Blocks([b"x" * 100_000] * 20)

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        if body == "written":
            write(b"x" * 2_000_000)
        return [b"x" * 2_000_000] if body == "whole" else blocks

    served = serve(app, small_buffers=True, write_timeout=SHORT)
    client = served.connect()
    client.send_request()
    assert served.hub.connections.count == 1
    served.turn_until(lambda: served.hub.connections.count == 0, "the reader is given up")
    assert blocks.closed == (body != "whole")
    with pytest.raises(ProtocolViolation, match="reset the connection"):
        client.read_response()


def test_slow_reader_that_goes_on_reading_gets_everything(serve: Serve) -> None:
    served = serve(returning([b"x" * 300_000]), small_buffers=True, write_timeout=3 * SHORT)
    client = served.connect()
    client.send_request()
    began = time.monotonic()
    while time.monotonic() < began + 5 * SHORT:
        client.received += client.sock.recv(1000)
        served.turn(SHORT / 4)
    assert served.hub.connections.count == 1
    while len(client.received) < 300_000:
        client._more()
    assert client.received.count(b"x") == 300_000


def test_client_that_keeps_sending_after_a_refusal_is_drained_and_closed(
    serve: Serve, http_parser: str
) -> None:
    served = serve(path, parser=http_parser, linger=SHORT)
    client = served.connect()
    client.send(b"nonsense\r\n\r\n")
    assert client.read_response().status == 400
    client.send(b"more and more")
    began = time.monotonic()
    served.turn_until(lambda: served.hub.connections.count == 0, "the linger is over")
    assert time.monotonic() - began < 10 * SHORT
    served.logged("Invalid request")


def test_client_that_floods_after_a_refusal_is_cut(serve: Serve, http_parser: str) -> None:
    served = serve(path, parser=http_parser, linger=10.0)
    client = served.connect()
    client.send(b"nonsense\r\n\r\n")
    with pytest.raises(OSError):  # a reset
        client.send(bytes(1 << 27))
    assert served.hub.connections.count == 0
    served.logged("Invalid request")


def test_waits_of_many_connections_run_out_in_order(serve: Serve) -> None:
    served = serve(path, keepalive=SHORT, header_timeout=SHORT * 2)
    idle = [served.connect() for _ in range(20)]
    for client in idle:
        client.request()
    half = [served.connect() for _ in range(20)]
    for client in half:
        client.send(HEAD)
    for client in idle:
        client.expect_end()
    for client in half:
        assert client.read_response().status == 408


# -- worker_connections


def test_no_more_connections_are_accepted_than_allowed(serve: Serve) -> None:
    served = serve(path, connections=2)
    clients = [served.connect() for _ in range(4)]
    for client in clients:
        client.sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    served.settle()
    assert served.hub.connections.count == 2
    assert [client.read_response().body for client in clients[:2]] == [b"/", b"/"]
    clients[2].expect_nothing()
    clients[0].close()
    assert clients[2].read_response().body == b"/"
    assert served.hub.connections.count == 2
    clients[1].close()
    assert clients[3].read_response().body == b"/"


def test_connection_that_waits_is_served_when_an_idle_one_expires(serve: Serve) -> None:
    served = serve(path, connections=1, keepalive=SHORT)
    first, second = served.connect(), served.connect()
    second.sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    first.request()
    assert second.read_response().body == b"/"
    first.expect_end()


# -- a worker that leaves


def test_draining_hub_serves_what_comes_and_says_close(serve: Serve) -> None:
    served = serve(path)
    idle, new, queued = served.connect(), served.connect(), served.connect()
    idle.request()
    served.settle()
    queued.sock.sendall(b"GET /queued HTTP/1.1\r\nHost: h\r\n\r\n")
    served.hub.listeners.begin_drain()
    assert queued.read_response().body == b"/queued"
    for client in (idle, new):
        answer = client.request("GET", "/last")
        assert (answer.body, answer.closes) == (b"/last", True)
        client.expect_end()
    for client in (idle, new, queued):
        client.close()
    served.turn_until(lambda: served.hub.connections.count == 0, "all have left")


def test_draining_hub_lets_idle_connections_go(serve: Serve) -> None:
    served = serve(path, keepalive=SHORT)
    client = served.connect()
    client.request()
    served.hub.listeners.begin_drain()
    client.expect_end()
    assert served.hub.connections.count == 0


def test_draining_hub_finishes_streams_and_bodies(serve: Serve) -> None:
    stream = Blocks([b"x" * 10_000] * 30)
    served = serve(lambda e, s: returning(stream)(e, s), small_buffers=True)
    reading, sending = served.connect(), served.connect()
    reading.send_request()
    sending.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab")
    served.hub.listeners.begin_drain()
    assert reading.read_response().body == b"x" * 300_000
    sending.send(b"cde")
    answer = sending.read_response()
    assert (answer.status, answer.closes) == (200, True)
    assert stream.closed == 2


def test_draining_hub_accepts_nobody_new(serve: Serve) -> None:
    served = serve(path)
    served.hub.listeners.begin_drain()
    late = served.connect()
    late.sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    late.expect_nothing()
    assert served.hub.connections.count == 0


def test_listeners_may_be_let_go_while_the_queue_is_served(serve: Serve) -> None:
    asked = []

    def lets_go(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        asked.append(environ["PATH_INFO"])
        served.hub.listeners.let_go()  # as another thread of the worker does, which leads meanwhile
        return path(environ, start_response)

    served = serve(lets_go)
    first, second = served.connect(), served.connect()
    for client in (first, second):
        client.sock.sendall(b"GET /queued HTTP/1.1\r\nHost: h\r\n\r\n")
    served.hub.crew.attend()  # as a worker does that looks up from its loop
    served.hub.listeners.begin_drain()
    served.hub.crew.leave()
    assert first.read_response().body == b"/queued"
    assert asked == ["/queued"]  # the second is for whoever has the listener still


# -- descriptors that are given again


def test_event_of_a_closed_connection_is_not_taken_for_the_next_one(serve: Serve) -> None:
    served = serve(returning(Blocks([b"x" * 100] * 200)))
    client = served.connect()
    client.sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    ours = os.dup(0)  # what the next connection will have
    os.close(ours)
    # The poller reports a new connection, and the end of one that was closed in this turn.
    served.hub.turn([(served.listener.fileno(), 1), (ours, select.EPOLLERR | select.EPOLLHUP)])
    assert client.read_response().body == b"x" * 20_000
