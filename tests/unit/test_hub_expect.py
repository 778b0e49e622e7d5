"""Expect: 100-continue (RFC 9110 section 10.1.1)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.kit.inproc import HubClient, Served
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LENGTH = b"Content-Length: 5"
CHUNKED = b"Transfer-Encoding: chunked"
BODIES = {LENGTH: b"hello", CHUNKED: b"5\r\nhello\r\n0\r\n\r\n"}


def echo(environ: Environ, start_response: Start) -> Iterable[bytes]:
    start_response("200 OK", [])
    return [environ["wsgi.input"].read()]


def head(*fields: bytes, version: bytes = b"1.1", expect: bytes = b"100-continue") -> bytes:
    lines = [b"POST / HTTP/" + version, b"Host: h", b"Expect: " + expect, *fields, b"", b""]
    return b"\r\n".join(lines)


def connected(serve: Serve, parser: str, **settings: Any) -> tuple[Served, HubClient]:
    served = serve(echo, parser=parser, **settings)
    return served, served.connect()


@pytest.mark.parametrize("framing", [LENGTH, CHUNKED])
@pytest.mark.parametrize("expect", [b"100-continue", b"100-Continue", b" 100-CONTINUE\t"])
def test_continue_is_sent_before_the_body(
    serve: Serve, http_parser: str, framing: bytes, expect: bytes
) -> None:
    _, client = connected(serve, http_parser)
    for _ in range(2):
        client.send(head(framing, expect=expect))
        assert client.packets() == [CONTINUE]
        client.send(BODIES[framing])
        answer = client.read_response()
        assert (answer.status, answer.interim, answer.body) == (200, [], b"hello")


@pytest.mark.parametrize("framing", [LENGTH, CHUNKED])
@pytest.mark.parametrize("early", [1, 3, None])
def test_continue_is_not_sent_when_body_bytes_are_here(
    serve: Serve, http_parser: str, framing: bytes, early: int | None
) -> None:
    _, client = connected(serve, http_parser)
    body = BODIES[framing]
    client.send(head(framing) + body[:early])
    if early is not None:
        client.expect_nothing()
        client.send(body[early:])
    answer = client.read_response()
    assert (answer.status, answer.interim, answer.body) == (200, [], b"hello")


def test_continue_is_sent_once_when_the_body_is_slow(serve: Serve, http_parser: str) -> None:
    _, client = connected(serve, http_parser)
    client.send(head(LENGTH))
    client.send_byte_by_byte(b"hello")
    answer = client.read_response()
    assert [one.status for one in answer.interim] == [100]
    assert answer.body == b"hello"


def test_continue_is_sent_when_the_head_came_in_pieces(serve: Serve, http_parser: str) -> None:
    _, client = connected(serve, http_parser)
    client.send_byte_by_byte(head(LENGTH))
    assert client.packets() == [CONTINUE]
    client.send(b"hello")
    assert client.read_response().body == b"hello"


@pytest.mark.parametrize("framing", [b"Content-Length: 0", b"X-Nothing: 1"])
def test_continue_is_not_sent_where_no_body_comes(
    serve: Serve, http_parser: str, framing: bytes
) -> None:
    _, client = connected(serve, http_parser)
    client.send(head(framing))
    answer = client.read_response()
    assert (answer.status, answer.interim, answer.body) == (200, [], b"")


def test_http_1_0_gets_no_continue(serve: Serve, http_parser: str) -> None:
    _, client = connected(serve, http_parser)
    client.send(head(LENGTH, version=b"1.0"))
    client.expect_nothing()
    client.send(b"hello")
    answer = client.read_response()
    assert (answer.status, answer.interim, answer.body) == (200, [], b"hello")


@pytest.mark.parametrize(
    "expect", [b"100", b"200-ok", b"100-continue2", b"100-continue, x", b"100-continue;q=1"]
)
def test_other_expectation_is_refused(serve: Serve, http_parser: str, expect: bytes) -> None:
    served, client = connected(serve, http_parser)
    client.send(head(LENGTH, expect=expect))
    answer = client.read_response()
    assert (answer.status, answer.closes) == (417, True)
    client.expect_end()
    served.logged("Invalid request")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([b"Content-Length: 5", b"Content-Length: 5"], 400),
        ([b"Content-Length: 5", CHUNKED], 400),
        ([b"Content-Length: 101"], 413),
        ([b"Transfer-Encoding: gzip, chunked"], 501),
    ],
)
def test_head_that_is_refused_gets_no_continue(
    serve: Serve, http_parser: str, fields: list[bytes], status: int
) -> None:
    served, client = connected(serve, http_parser, max_body=100)
    client.send(head(*fields))
    answer = client.read_response()
    assert (answer.status, answer.interim, answer.closes) == (status, [], True)
    client.expect_end()
    served.logged("Invalid request")


def test_continue_waits_for_the_answers_before_it(serve: Serve, http_parser: str) -> None:
    _, client = connected(serve, http_parser)
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" + head(LENGTH))
    assert client.read_response().status == 200
    assert client._reader.buffer + b"".join(client.packets()) == CONTINUE
    client._reader.buffer = b""
    client.send(b"hello" + b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
    assert [client.read_response().body for _ in range(2)] == [b"hello", b""]


def test_large_body_that_was_asked_for_is_spooled(serve: Serve, http_parser: str) -> None:
    _, client = connected(serve, http_parser, spool_after=100)
    client.send(head(b"Content-Length: 100000"))
    assert client.packets() == [CONTINUE]
    client.send(b"x" * 100_000)
    assert client.read_response().body == b"x" * 100_000
