"""Who gives way when there is no room for one connection more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.kit.blocks import Blocks, path, returning
from tests.kit.inproc import HubClient, Served
from tests.unit.conftest import Secure, Serve

HEAD = b"GET / HTTP/1.1\r\nHost: h\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n"
MIB = 1 << 20
NO_ROOM = "WARNING No room for more than"
# One who comes waits for a quarter of a second, of which a busy machine makes more.
LONGEST = 3.0  # seconds


def newcomer(served: Served) -> float:
    """Be served on a new connection that ends at once; the seconds that took."""
    began = time.monotonic()
    client = served.connect()
    assert client.request(fields=[("Connection", "close")]).status == 200
    client.expect_end()
    client.close()
    return time.monotonic() - began


def expect_408(client: HubClient) -> None:
    answer = client.read_response()
    assert (answer.status, answer.closes) == (408, True)
    client.expect_end()


def pass_time(served: Served, seconds: float) -> None:
    """Serve for a while, whatever comes."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        served.turn(left)


@pytest.mark.parametrize("begun", [HEAD, POST], ids=["head", "body"])
def test_slow_head_or_body_gives_way_with_a_408(
    serve: Serve, http_parser: str, begun: bytes
) -> None:
    served = serve(path, parser=http_parser, connections=2)
    slow = [served.connect() for _ in range(2)]
    for client in slow:
        client.send(begun)
    assert newcomer(served) < LONGEST
    expect_408(slow[0])
    assert served.hub.connections.count == 1  # the other one may go on
    served.logged(NO_ROOM)


def test_head_that_has_just_begun_is_not_cut_off_for_a_new_one(serve: Serve) -> None:
    served = serve(path, connections=2)
    begun = [served.connect() for _ in range(2)]
    for client in begun:
        client.send(HEAD)
    late = served.connect()
    late.sock.sendall(HEAD + b"\r\n")
    served.settle()
    assert served.hub.connections.count == 2
    assert late.peek() == b""
    begun[0].send(b"\r\n")
    assert begun[0].read_response().status == 200
    assert late.read_response().status == 200  # begun[0] is idle now


def test_idle_gives_way_before_slow(serve: Serve) -> None:
    served = serve(path, connections=2, keepalive=60.0)
    slow, idle = served.connect(), served.connect()
    slow.send(HEAD)
    assert idle.request().status == 200
    pass_time(served, 0.3)
    newcomer(served)
    idle.expect_end()
    slow.send(b"\r\n")
    assert slow.read_response().status == 200


def test_upload_that_drips_gives_way_before_one_that_came_quickly(serve: Serve) -> None:
    """The quick one began earlier, and rests for a moment; the other goes on by a byte."""
    served = serve(path, connections=2)
    quick, drip = served.connect(), served.connect()
    quick.send(POST, b"x" * 500_000)
    drip.send(POST, b"x")
    pass_time(served, 0.3)
    drip.send(b"x")
    assert newcomer(served) < LONGEST
    expect_408(drip)
    quick.send(b"x" * 500_000)
    assert quick.read_response().status == 200
    served.logged(NO_ROOM)


def test_upload_that_comes_quickly_gives_way_where_there_is_no_other(serve: Serve) -> None:
    served = serve(path, connections=1)
    quick = served.connect()
    quick.send(POST, b"x" * 500_000)
    assert newcomer(served) < LONGEST
    expect_408(quick)
    served.logged(NO_ROOM)


def large_or_path(stream: Blocks) -> Callable[..., Iterable[bytes]]:
    """The stream for /large."""
    large = returning(stream)

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return (large if environ["PATH_INFO"] == "/large" else path)(environ, start_response)

    return app


def test_reader_that_takes_nothing_gives_way_where_nobody_else_is_slow(serve: Serve) -> None:
    stream = Blocks([b"x" * 65536] * 64)
    served = serve(large_or_path(stream), connections=1, small_buffers=True)
    served.connect().send_request("GET", "/large")
    served.settle()
    assert newcomer(served) < LONGEST
    assert stream.closed == 1
    served.logged(NO_ROOM)


def test_head_that_is_slow_gives_way_before_a_reader_that_takes_nothing(serve: Serve) -> None:
    stream = Blocks([b"x" * 65536] * 64)
    served = serve(large_or_path(stream), connections=2, small_buffers=True)
    reader, slow = served.connect(), served.connect()
    reader.send_request("GET", "/large")
    slow.send(HEAD)
    assert newcomer(served) < LONGEST
    expect_408(slow)
    assert reader.read_response().body == b"x" * 65536 * 64
    served.logged(NO_ROOM)


def test_handshake_that_does_not_go_on_gives_way(secure: Secure) -> None:
    served = secure(path, connections=1)
    slow, late = served.connect(), served.connect()
    slow.send(b"\x16\x03\x01\x02\x00")  # a record begins
    began = time.monotonic()
    slow.expect_end()
    assert time.monotonic() - began < LONGEST
    served.settle()
    assert served.hub.connections.count == 1
    late.expect_nothing()
    served.logged(NO_ROOM)


def test_crowd_of_slow_ones_holds_up_nobody(serve: Serve) -> None:
    """Whoever leaves is followed by the next slow one at once."""
    served = serve(path, connections=10)
    slow: list[HubClient] = []
    took = []
    for _ in range(20):
        for begun in (HEAD, POST, b""):
            slow.append(served.connect())
            slow[-1].sock.sendall(begun)
        took.append(newcomer(served))
        assert served.hub.connections.count <= 10
    assert max(took) < LONGEST
    served.log.clear()


def test_heads_of_all_connections_share_the_memory_of_the_worker(
    serve: Serve, http_parser: str
) -> None:
    """Each is within its limit; beyond 32 MiB of all those that hold most go, the oldest first."""
    served = serve(path, parser=http_parser)
    field = b"X-%d: " + b"x" * 8000 + b"\r\n"
    large = HEAD + b"".join(field % number for number in range(30))  # 240 KB; twice that is kept
    small = served.connect()
    small.send(HEAD)
    clients = [served.connect() for _ in range(150)]
    for client in clients:
        client.send(large)
    told = [bool(client.peek()) for client in clients]
    assert 5 < sum(told) < 100
    assert told == sorted(told, reverse=True)  # the first of them
    expect_408(clients[0])
    small.send(b"\r\n")
    assert small.read_response().status == 200
    clients[-1].send(b"\r\n")
    assert clients[-1].read_response().status == 200
