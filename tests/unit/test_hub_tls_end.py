"""The end that a client with TLS announces (close_notify) in one read with its last bytes.

It keeps its socket open and waits for our own end, so that no further event tells of it.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.kit.blocks import path
from tests.kit.inproc import Served
from tests.kit.tls import Authority, HubTlsClient
from tests.unit.conftest import Secure

Start = Callable[..., Any]

GET = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"
BIG = b"x" * (8 << 20)  # more than the socket buffers of both sides hold
POST = b"POST /x HTTP/1.1\r\nHost: h\r\n"


def say_all(client: HubTlsClient, data: bytes, before: bytes = b"") -> None:
    """Bytes and the end, in one packet."""
    made = before + client.sealed(data)
    try:
        client.tls.unwrap()
    except (ssl.SSLWantReadError, ssl.SSLSyscallError):
        pass
    client.send_raw(made + client.outgoing.read())


def expect_gone(served: Served) -> None:
    """The connection ends now, and not when something has run out (10 s)."""
    served.settle()
    assert served.hub.connections.count == 0


def drained(served: Served, client: HubTlsClient) -> None:
    """A refused client has read its page and closes."""
    client.close()
    served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")


@pytest.mark.parametrize("count", [1, 2, 16, 17, 40])
def test_requests_before_the_end_are_answered_and_the_connection_ends(
    secure: Secure, context: ssl.SSLContext, count: int
) -> None:
    served = secure(path)
    client = HubTlsClient(served, context)
    say_all(client, GET * count)
    for _ in range(count):
        assert client.read_response().body == b"/x"
    client.expect_end()
    expect_gone(served)


def test_half_a_head_ends_the_connection(secure: Secure, context: ssl.SSLContext) -> None:
    served = secure(path)
    client = HubTlsClient(served, context)
    say_all(client, GET + GET[:20])
    assert client.read_response().body == b"/x"
    client.expect_end()
    expect_gone(served)


@pytest.mark.parametrize(
    "fields", [b"Content-Length: 10\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n5\r\nabc"]
)
def test_half_a_body_is_refused(secure: Secure, context: ssl.SSLContext, fields: bytes) -> None:
    served = secure(path)
    client = HubTlsClient(served, context)
    say_all(client, POST + fields)
    assert client.read_response().status == 400
    client.expect_end()
    drained(served, client)


def test_whole_body_is_answered(secure: Secure, context: ssl.SSLContext) -> None:
    served = secure(path)
    client = HubTlsClient(served, context)
    say_all(client, POST + b"Content-Length: 3\r\n\r\nabc")
    assert client.read_response().body == b"/x"
    client.expect_end()
    expect_gone(served)


def test_rest_of_a_body_may_bring_the_end(secure: Secure, context: ssl.SSLContext) -> None:
    served = secure(path)
    client = HubTlsClient(served, context)
    client.send(POST + b"Content-Length: 6\r\n\r\nabc")
    say_all(client, b"def")
    assert client.read_response().body == b"/x"
    client.expect_end()
    expect_gone(served)


def test_answer_that_the_client_takes_slowly_is_whole(
    secure: Secure, context: ssl.SSLContext
) -> None:
    def big(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])
        return (BIG[at : at + 65536] for at in range(0, len(BIG), 65536))

    served = secure(big)
    client = HubTlsClient(served, context, small_buffers=True)
    say_all(client, GET)
    assert len(client.read_response().body) == len(BIG)
    client.expect_end()
    expect_gone(served)


def test_end_behind_the_last_flight_of_the_handshake_is_seen(
    secure: Secure, authority: Authority
) -> None:
    served = secure(path)
    context = authority.client_context(ssl.TLSVersion.TLSv1_3)
    client = HubTlsClient(served, context, shakes=False)
    flights: list[bytes] = []

    def all_but_the_last(data: bytes) -> None:
        flights.append(data)
        if len(flights) == 1:
            client.send_raw(data)

    client.shake(all_but_the_last)
    say_all(client, GET, flights[-1])
    assert client.read_response().body == b"/x"
    client.expect_end()
    expect_gone(served)
