"""A connection that is in the middle of two things at once: an answer on its way out, and a
request half read.  Each was once a bug found by review.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from fastfork.http import Limits
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]

BIG = b"x" * (8 << 20)  # more than the socket buffers of both sides hold
LONG = 16_000  # a Content-Length under what is copied, for a block over it


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode()


def post(path: str, length: int) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n".encode()


def big_or_small(environ: Environ, start_response: Start) -> Iterable[bytes]:
    start_response("200 OK", [])
    if environ["PATH_INFO"] == "/big":
        return [BIG]
    return [environ["PATH_INFO"].encode() + b" " + environ["wsgi.input"].read()]


def test_body_behind_an_answer_that_does_not_fit_is_not_read_as_a_request(
    serve: Serve, http_parser: str
) -> None:
    client = serve(big_or_small, parser=http_parser).connect()
    smuggled = get("/smuggled")
    client.send(get("/big"))
    client.send(post("/post", len(smuggled)))
    assert len(client.read_response().body) == len(BIG)
    client.send(smuggled)
    assert client.read_response().body == b"/post " + smuggled
    client.expect_nothing()


def test_body_whose_head_comes_with_the_request_for_a_big_answer_stays_a_body(
    serve: Serve, http_parser: str
) -> None:
    client = serve(big_or_small, parser=http_parser).connect()
    smuggled = get("/smuggled")
    client.send(get("/big") + post("/post", len(smuggled)))
    assert len(client.read_response().body) == len(BIG)
    client.send(smuggled)
    assert client.read_response().body == b"/post " + smuggled


def test_half_a_head_behind_a_big_answer_does_not_keep_the_loop_busy(serve: Serve) -> None:
    served = serve(big_or_small)
    client = served.connect()
    client.send(get("/big") + b"GET /next HT")
    assert len(client.read_response().body) == len(BIG)
    served.settle()  # raises when the hub does not come to rest
    client.send(b"TP/1.1\r\nHost: h\r\n\r\n")
    assert client.read_response().body == b"/next "


def test_request_that_comes_while_a_response_takes_turns_is_answered_at_once(
    serve: Serve,
) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])
        return (b"y" for _ in range(200)) if environ["PATH_INFO"] == "/gen" else [b"ok"]

    served = serve(app, keepalive=30.0)
    client = served.connect()
    client.sock.sendall(get("/gen") + get("/a"))
    served.turn(0.1)  # takes 64 of the blocks
    client.sock.sendall(get("/b"))
    began = time.monotonic()
    bodies = [client.read_response().body for _ in range(3)]
    assert bodies == [b"y" * 200, b"ok", b"ok"]
    assert time.monotonic() - began < 10


def test_last_blocks_reach_a_client_that_was_full_when_the_turn_ended(serve: Serve) -> None:
    blocks = [b"z" * 10] * 112 + [b"z" * (400 << 10)] * 16
    total = sum(map(len, blocks))

    def app(_environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", str(total))])
        return iter(blocks)

    client = serve(app, small_buffers=True, keepalive=0.2).connect()
    client.send(get("/"))
    assert len(client.read_response().body) == total


def test_wait_for_a_reader_is_not_cut_by_the_wait_before_it(serve: Serve) -> None:
    """The application takes longer than `keepalive`, and then gives more than fits."""

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])
        if environ["PATH_INFO"] == "/":
            return [b""]

        def blocks() -> Iterable[bytes]:
            ends = time.monotonic() + 0.15
            while time.monotonic() < ends:  # computes, as an application may
                pass
            yield from itertools.repeat(b"w" * (1 << 20), 12)

        return blocks()

    client = serve(app, keepalive=0.1).connect()
    client.send(get("/") + get("/blocks"))
    assert client.read_response().status == 200
    assert len(client.read_response().body) == 12 << 20


def test_block_that_is_cut_to_what_is_copied_has_room(serve: Serve) -> None:
    """A head of 320 KB in front, so that the batch's buffer is only just large enough."""

    def app(_environ: Environ, start_response: Start) -> Iterable[bytes]:
        fields = [(f"X-{i}", "h" * 8000) for i in range(40)]
        start_response("200 OK", [*fields, ("Content-Length", str(LONG))])
        return [b"x" * (1 << 20)]

    served = serve(app)
    client = served.connect()
    client.send(get("/"))
    assert client.read_response().body == b"x" * LONG
    served.logged("longer than its Content-Length")


def test_access_log_is_written_while_a_response_streams_for_ever(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])
        return itertools.repeat(b"x" * 100) if environ["PATH_INFO"] == "/s" else [b"ok"]

    served = serve(app, access="%(r)s")
    streaming, quick = served.connect(), served.connect()
    streaming.sock.sendall(get("/s"))
    quick.sock.sendall(get("/q"))
    served.turn_until(lambda: "GET /q HTTP/1.1" in served.access_lines, "the line of /q")


def test_bytes_that_came_during_a_slow_call_are_not_too_late(
    serve: Serve, http_parser: str
) -> None:
    late = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/slow":
            for client, rest in late:
                client.sock.sendall(rest)
            ends = time.monotonic() + 0.15
            while time.monotonic() < ends:
                pass
        start_response("200 OK", [])
        return [environ["wsgi.input"].read()]

    served = serve(app, parser=http_parser, header_timeout=0.1, body_timeout=0.1)
    head, body, slow = served.connect(), served.connect(), served.connect()
    head.send(b"GET /late HT")
    body.send(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nab")
    late += [(head, b"TP/1.1\r\nHost: h\r\n\r\n"), (body, b"cd")]
    slow.sock.sendall(get("/slow"))
    assert slow.read_response().status == 200
    assert head.read_response().status == 200
    assert body.read_response().body == b"abcd"


def test_verdict_on_a_bad_byte_does_not_wait_for_its_line_to_end(
    serve: Serve, http_parser: str
) -> None:
    served = serve(big_or_small, parser=http_parser)
    client = served.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\n", b"X: a", b"\x00")
    assert client.read_response().status == 400
    served.logged("Invalid request")


def test_refusal_of_a_head_request_has_no_body(serve: Serve, http_parser: str) -> None:
    served = serve(big_or_small, parser=http_parser)
    client = served.connect()
    client.send(b"HEAD / HTTP/1.1\r\nHost: h\r\nExpect: miracle\r\n\r\n")
    answer = client.read_response(method="HEAD")
    assert answer.status == 417
    client.expect_end()
    served.logged("Invalid request")


def test_offence_in_drops_of_a_line_is_answered_when_the_client_ends(
    serve: Serve, http_parser: str
) -> None:
    served = serve(big_or_small, parser=http_parser, limits=Limits(fields=2))
    client = served.connect()
    client.send_byte_by_byte(get("/small")[:-2] + b"A: b\r\nToo-Many")
    client.half_close()
    assert client.read_response().status == 431
    client.expect_end()
    served.logged("Invalid request")


def test_half_a_head_in_drops_is_no_offence_when_the_client_ends(
    serve: Serve, http_parser: str
) -> None:
    client = serve(big_or_small, parser=http_parser).connect()
    client.send_byte_by_byte(get("/small")[:-2] + b"A: b")
    client.half_close()
    client.expect_end()


@pytest.mark.parametrize("streams", [1, 20])
def test_streams_that_take_their_time_do_not_add_up_to_a_long_turn(
    serve: Serve, streams: int
) -> None:
    """Whoever has sent a request meanwhile waits for one block, not for some of each stream."""
    made = 0

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        nonlocal made
        start_response("200 OK", [])
        while True:
            yield b"x"
            made += 1
            time.sleep(0.011)  # longer than a turn is meant to be

    served = serve(app)
    clients = [served.connect() for _ in range(streams)]
    for client in clients:
        client.sock.sendall(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    served.turn_until(lambda: made >= 2 * streams, "all streams have begun")
    for _ in range(5):
        before = made
        served.turn()
        assert made - before <= 2
    for client in clients:
        client.reset()
    served.turn_until(lambda: served.hub.connections.count == 0, "all streams are closed")
