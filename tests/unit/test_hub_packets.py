"""What leaves together in one send(2): on a unix socket of packets each send is seen.

Batching has time limits, and on a loaded machine the worker may be stopped for longer than
they allow.  So each test has some tries, and one of them must do it.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

from tests.kit.blocks import Blocks, path, returning
from tests.kit.inproc import App
from tests.unit.conftest import Serve

TRIES = 30
GET = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\n"


def expect_packets(
    serve: Serve, app: App, data: bytes, wanted: Callable[[list[bytes]], bool], **more: Any
) -> None:
    """Assert that the answers to `data` come in packets as wanted."""
    for _ in range(TRIES):
        client = serve(app, family=socket.AF_UNIX, kind=socket.SOCK_SEQPACKET, **more).connect()
        client.sock.sendall(data)
        packets = client.packets()
        if wanted(packets):
            return
    raise AssertionError(f"not in {TRIES} tries; the last: {packets}")


def test_head_and_small_body_are_one_packet(serve: Serve, http_parser: str) -> None:
    expect_packets(
        serve,
        path,
        GET,
        lambda packets: len(packets) == 1 and packets[0].endswith(b"\r\n\r\n/x"),
        parser=http_parser,
    )


def test_head_and_large_body_are_one_packet(serve: Serve) -> None:
    body = b"x" * 50_000
    expect_packets(
        serve,
        returning([body]),
        GET,
        lambda packets: len(packets) == 1 and packets[0].endswith(b"\r\n\r\n" + body),
    )


def test_answers_to_sixteen_requests_are_one_packet(serve: Serve, http_parser: str) -> None:
    expect_packets(
        serve,
        path,
        GET * 16,
        lambda packets: [packet.count(OK) for packet in packets] == [16],
        parser=http_parser,
    )


def test_answers_to_forty_requests_are_three_packets(serve: Serve) -> None:
    """At most sixteen requests of one connection are answered in a turn."""
    expect_packets(
        serve,
        path,
        GET * 40,
        lambda packets: [packet.count(OK) for packet in packets] == [16, 16, 8],
    )


def test_quick_blocks_and_the_last_chunk_are_one_packet(serve: Serve) -> None:
    """A last chunk alone would wake the client twice."""
    expect_packets(
        serve,
        lambda *args: returning(Blocks([b"one", b"two"]))(*args),
        GET,
        lambda packets: len(packets) == 1 and packets[0].endswith(b"3\r\ntwo\r\n0\r\n\r\n"),
    )


def test_interim_answer_leaves_before_the_final_one(serve: Serve) -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        environ["wsgi.early_hints"]([("Link", "x")])
        return path(environ, start_response)

    expect_packets(
        serve,
        app,
        GET,
        lambda packets: [packet[:12] for packet in packets] == [b"HTTP/1.1 103", b"HTTP/1.1 200"],
    )
