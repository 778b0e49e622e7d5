"""Handshakes: those that fail, those that take their time, and what is none."""

from __future__ import annotations

import gc
import random
import ssl
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.kit.blocks import path
from tests.kit.inproc import Served
from tests.kit.response import ProtocolViolation
from tests.kit.tls import Authority, HubTlsClient
from tests.unit.conftest import Secure, Serve

GET = b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"


# -- what is no TLS


@pytest.mark.parametrize("first", [GET, b"\r\n" + GET, b"x", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
def test_plain_http_gets_a_page_in_the_clear(secure: Secure, first: bytes) -> None:
    served = secure(path, access="%(h)s %(r)s %(s)s")
    client = served.connect()
    client.send(first)
    assert client.read_response().status == 400
    client.expect_end()
    served.logged("Invalid request from ip=127.0.0.1: plain HTTP on a port that speaks TLS")
    served.hub.flush_access_log()
    assert served.access_lines[0].endswith(" 400")


def test_hello_on_a_port_without_tls_gets_400(serve: Serve, authority: Authority) -> None:
    served = serve(path)
    client = HubTlsClient(served, authority.client_context(), shakes=False)
    with pytest.raises(ssl.SSLError):
        client.shake()
    served.logged("Invalid request")


@pytest.mark.parametrize(
    "first",
    [b"\x80\x2e\x01\x03\x01" + bytes(60), bytes(100), b"\x16\x03\x01\x00\x05aaaaa"],
)
def test_what_is_neither_is_closed_with_an_alert(secure: Secure, first: bytes) -> None:
    served = secure(path)
    client = served.connect()
    client.send(first)
    said = client.packets()
    assert b"HTTP" not in b"".join(said)
    assert said[-1:] == [b""]
    served.logged("TLS with ip=127.0.0.1 failed: ")


def test_log_has_one_line_a_second_of_broken_handshakes(secure: Secure) -> None:
    served = secure(path)
    for _ in range(20):
        client = served.connect()
        client.send(bytes(50))
        assert client.packets()[-1:] == [b""]
    served.logged("TLS with ip=127.0.0.1 failed: ")


def test_record_that_was_tampered_with_ends_the_connection(
    secure: Secure, context: ssl.SSLContext
) -> None:
    served = secure(path)
    client = HubTlsClient(served, context)
    client.request()
    record = bytearray(client.sealed(GET))
    record[-1] ^= 1
    client.send_raw(bytes(record))
    with pytest.raises(ssl.SSLError, match="ALERT_BAD_RECORD_MAC"):
        client.read_response()
    served.logged("TLS with ip=127.0.0.1 failed: ")


def test_certificate_of_a_stranger_is_refused(
    secure: Secure, authority: Authority, tmp_path: Path
) -> None:
    served = secure(path, verify=2)
    stranger = Authority(tmp_path).issue("stranger")
    for shown in (None, stranger):
        context = authority.client_context(ssl.TLSVersion.TLSv1_2, shown)
        with pytest.raises(ssl.SSLError):
            HubTlsClient(served, context)
    served.logged("TLS with ip=127.0.0.1 failed: PEER_DID_NOT_RETURN_A_CERTIFICATE")


# -- handshakes that take their time


def test_handshake_has_a_deadline_that_further_bytes_do_not_move(
    secure: Secure, context: ssl.SSLContext
) -> None:
    served = secure(path, shake=0.2)
    client = HubTlsClient(served, context, shakes=False)
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.do_handshake()
    hello = client.outgoing.read()
    began, sent = time.monotonic(), 0
    while served.hub.connections.count or not sent:
        client.send_raw(hello[sent : sent + 1])
        sent += 1
        served.turn(0.01)
        assert sent < len(hello), "the whole hello was taken"
        assert time.monotonic() - began < 10
    assert b"" in client.packets()


@pytest.mark.parametrize("at_once", [False, True])
def test_client_that_says_nothing_is_closed_in_time(secure: Secure, at_once: bool) -> None:
    long, short = 60.0, 0.05
    served = secure(
        path,
        at_once=at_once,
        shake=short if at_once else long,
        first_byte=long if at_once else short,
    )
    served.connect().expect_end()


def test_handshake_that_is_at_once_serves_as_well(secure: Secure, context: ssl.SSLContext) -> None:
    served = secure(path, at_once=True)
    assert HubTlsClient(served, context).request("GET", "/x").body == b"/x"
    plain = served.connect()
    plain.send(GET)
    assert plain.read_response().status == 400
    served.logged("plain HTTP on a port that speaks TLS")


def test_no_request_after_the_handshake_ends_the_connection(
    secure: Secure, context: ssl.SSLContext
) -> None:
    HubTlsClient(secure(path, first_byte=0.1), context).expect_end()


# -- whatever may come


def in_time(served: Served, context: ssl.SSLContext, tries: int = 20) -> HubTlsClient:
    """A client that has shaken hands and had its first answer within the short times of the server.

    On a busy machine it may be held up for longer than those: then it tries again.
    """
    for _ in range(tries):
        with suppress(ssl.SSLError, ProtocolViolation, OSError):
            client = HubTlsClient(served, context)
            client.request()
            return client
    raise AssertionError(f"no answer in time, {tries} times")


@pytest.mark.parametrize("seed", range(20))
def test_bytes_at_random_in_the_handshake_end_it_and_nothing_else(
    secure: Secure, context: ssl.SSLContext, seed: int
) -> None:
    chance = random.Random(seed)
    served = secure(path, shake=0.05, first_byte=0.05, header_timeout=0.05, keepalive=60.0)
    bystander = in_time(served, context)
    for _ in range(10):
        client = HubTlsClient(served, context, shakes=False)

        def spoilt(data: bytes, client: HubTlsClient = client) -> None:
            changed = bytearray(data)
            for _ in range(chance.choice((0, 1, 1, 5))):
                at = chance.randrange(len(changed) + 1)
                changed[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
            client.send_raw(bytes(changed) or b"\0")

        try:
            client.shake(spoilt)
            client.send_raw(chance.randbytes(chance.randrange(1, 300)))
            client.packets()
        except (ssl.SSLError, ProtocolViolation, OSError):
            pass
        finally:
            client.close()
    assert bystander.request("GET", "/x").body == b"/x"
    told = ("TLS with ip=127.0.0.1 failed: ", "plain HTTP on a port")
    served.log[:] = [line for line in served.log if not any(word in line for word in told)]


# -- nothing accumulates

ROUNDS = 80
TRIES = 4  # what is lost in a round is lost in all of them; caches fill up once


def polite(served: Served, context: ssl.SSLContext) -> None:
    client = HubTlsClient(served, context)
    client.request("POST", "/x", body=bytes(20_000))
    client.goodbye()
    client.close()


def gone_in_the_handshake(served: Served, context: ssl.SSLContext) -> None:
    client = HubTlsClient(served, context, shakes=False)
    with pytest.raises(ssl.SSLWantReadError):
        client.tls.do_handshake()
    client.send_raw(client.outgoing.read())
    client.reset()


def broken_off(served: Served, context: ssl.SSLContext) -> None:
    client = HubTlsClient(served, context)
    client.send_raw(b"\x17\x03\x03\0\x05aaaaa")
    client.close()


def in_the_clear(served: Served, context: ssl.SSLContext) -> None:
    client = HubTlsClient(served, context, shakes=False)
    client.send_raw(GET)
    client.close()


@pytest.mark.usefixtures("earlier_objects_left_alone")
@pytest.mark.parametrize("way", [polite, gone_in_the_handshake, broken_off, in_the_clear])
def test_memory_stays_flat_however_connections_end(
    secure: Secure, context: ssl.SSLContext, way: Callable[[Served, ssl.SSLContext], None]
) -> None:
    served = secure(path)
    grown = []
    for _ in range(TRIES + 1):
        before = sys.getallocatedblocks()
        for _ in range(ROUNDS):
            way(served, context)
            served.turn_until(lambda: served.hub.connections.count == 0, "it is closed")
            served._clients.clear()
            served.log.clear()
        gc.collect()
        grown.append(sys.getallocatedblocks() - before)
        if grown[-1] < ROUNDS // 4:
            return
    raise AssertionError(f"memory blocks more after {ROUNDS} rounds each: {grown}")
