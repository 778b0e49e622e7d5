"""The PROXY protocol in front of the first request of a connection."""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from fastfork.net.trust import TrustedPeers
from tests.kit.inproc import HubClient, Served
from tests.unit.conftest import Serve

KEYS = ("PROXY_PROTOCOL", "REMOTE_ADDR", "REMOTE_PORT", "PROXY_ADDR", "PROXY_PORT",
        "wsgi.url_scheme", "fastfork.proxy_tlvs")  # fmt: skip
SHORT = 0.1  # seconds
GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
V1 = b"PROXY TCP4 192.0.2.1 192.0.2.2 8080 80\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
ADDRESSES = bytes([192, 0, 2, 1, 192, 0, 2, 2]) + (8080).to_bytes(2) + (80).to_bytes(2)
TOLD = {"REMOTE_ADDR": "192.0.2.1", "REMOTE_PORT": "8080", "PROXY_ADDR": "192.0.2.2",
        "PROXY_PORT": "80", "PROXY_PROTOCOL": "TCP4", "wsgi.url_scheme": "http"}  # fmt: skip


def v2(command: int, family: int, block: bytes) -> bytes:
    return SIGNATURE + bytes([command, family]) + len(block).to_bytes(2) + block


def tlv(kind: int, value: bytes) -> bytes:
    return bytes([kind]) + len(value).to_bytes(2) + value


Start = Callable[..., Any]
seen: list[dict[str, Any]] = []


def noting(environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
    """Notes what the environ says of the peer."""
    seen.append({key: environ[key] for key in KEYS if key in environ})
    start_response("200 OK", [])
    return [b"noted"]


@pytest.fixture(autouse=True)
def nothing_seen() -> None:
    seen.clear()


def on(serve: Serve, versions: int = 3, allow: str = "127.0.0.1", **settings: Any) -> Served:
    trusts = TrustedPeers(allow.split()).trusts
    return serve(noting, proxy_versions=versions, is_proxy=trusts, **settings)


def answered(client: HubClient) -> dict[str, Any]:
    assert client.read_response().body == b"noted"
    return seen[-1]


@pytest.mark.parametrize(
    ("preface", "facts"),
    [
        (V1, TOLD),
        (v2(0x21, 0x11, ADDRESSES), TOLD),
        (v2(0x21, 0x11, ADDRESSES + tlv(1, b"h2") + tlv(0xEA, b"")),
         {**TOLD, "fastfork.proxy_tlvs": ((1, b"h2"), (0xEA, b""))}),
        (v2(0x21, 0x11, ADDRESSES + tlv(0x20, b"\1\0\0\0\0")),
         {**TOLD, "fastfork.proxy_tlvs": ((0x20, b"\1\0\0\0\0"),), "wsgi.url_scheme": "https"}),
        (v2(0x21, 0x11, ADDRESSES + tlv(0x20, b"\0\0\0\0\1")),
         {**TOLD, "fastfork.proxy_tlvs": ((0x20, b"\0\0\0\0\1"),)}),
        (b"PROXY TCP6 2001:db8::1 ::1 1 2\r\n",
         {**TOLD, "REMOTE_ADDR": "2001:db8::1", "REMOTE_PORT": "1", "PROXY_ADDR": "::1",
          "PROXY_PORT": "2", "PROXY_PROTOCOL": "TCP6"}),
    ],
)  # fmt: skip
def test_facts_are_those_of_every_request_however_they_come(
    serve: Serve, preface: bytes, facts: dict[str, Any]
) -> None:
    whole = preface + GET
    for cut in range(1, len(preface) + 1):
        client = on(serve).connect()
        client.send(whole[:cut], whole[cut:])
        assert answered(client) == facts
    client = on(serve).connect()
    client.send(*(whole[at : at + 1] for at in range(len(whole))), GET + GET)
    for _ in range(3):
        answered(client)
    client.send(GET)
    answered(client)
    assert seen[-4:] == [facts] * 4


def test_what_comes_with_no_address_is_kept(serve: Serve) -> None:
    client = on(serve).connect()
    client.send(v2(0x21, 0, tlv(5, b"id")) + GET)
    assert answered(client)["fastfork.proxy_tlvs"] == ((5, b"id"),)
    client = on(serve).connect()
    client.send(v2(0x20, 0, tlv(5, b"id")) + GET)
    assert "fastfork.proxy_tlvs" not in answered(client)  # section 2.2: LOCAL's are discarded


@pytest.mark.parametrize(
    ("preface", "kind"),
    [
        (b"PROXY UNKNOWN\r\n", "UNKNOWN"), (v2(0x20, 0, b""), "LOCAL"),
        (v2(0x21, 0, b""), "UNKNOWN"), (v2(0x21, 0x31, bytes(216)), "UNIX"),
    ],
)  # fmt: skip
def test_where_nobody_is_named_the_peer_is_the_client(
    serve: Serve, preface: bytes, kind: str
) -> None:
    client = on(serve).connect()
    client.send(preface + GET)
    host, port = client.sock.getsockname()
    assert answered(client) == {
        "PROXY_PROTOCOL": kind, "REMOTE_ADDR": host, "REMOTE_PORT": str(port),
        "wsgi.url_scheme": "http",
    }  # fmt: skip


def test_client_behind_a_unix_socket_is_named(serve: Serve) -> None:
    client = on(serve, allow="192.0.2.7", family=socket.AF_UNIX).connect()
    client.send(V1 + GET)
    assert answered(client) == TOLD


@pytest.mark.parametrize(
    ("first", "versions"),
    [(GET, 3), (b"P", 2), (V1, 2), (v2(0x20, 0, b""), 1), (b"\x16\x03\x01", 3),
     (b"PROXY TCP4 x y 1 2\r\n", 3), (v2(0x21, 0x11, ADDRESSES + b"\1\0\5ab"), 3),
     (b"PROXY UNKNOWN " + b"x" * 92, 3)],
)  # fmt: skip
def test_what_is_no_preface_is_refused_and_nothing_after_it_is_served(
    serve: Serve, first: bytes, versions: int
) -> None:
    served = on(serve, versions)
    client = served.connect()
    client.send(first + (b"" if first == GET else GET))
    assert client.read_response().status == 400
    client.expect_end()
    served.logged("no PROXY protocol header, or a malformed one")
    assert not seen


@pytest.mark.parametrize("first", [V1 + GET, GET, b"P", v2(0x20, 0, b"")])
def test_peers_that_are_no_proxies_are_refused(serve: Serve, first: bytes) -> None:
    served = on(serve, allow="192.0.2.0/24 ::1")
    client = served.connect()
    client.send(first)
    assert client.read_response().status == 403
    client.expect_end()
    served.logged("the peer is not in proxy_allow_ips")
    assert not seen


@pytest.mark.parametrize("cut", [0, 1, 12, len(V1) - 1])
def test_preface_has_a_deadline_that_its_bytes_do_not_move(serve: Serve, cut: int) -> None:
    served = on(serve, first_byte=0.05, header_timeout=0.05)
    client = served.connect()
    for at in range(cut):
        client.send(V1[at : at + 1])
    client.expect_end()
    assert served.hub.connections.count == 0


def test_preface_that_drips_has_no_more_time_than_one_that_stops(serve: Serve) -> None:
    served = on(serve, header_timeout=SHORT)
    client = served.connect()
    client.send(v2(0x21, 0x11, ADDRESSES + tlv(4, bytes(2000)))[:20])
    began = time.monotonic()
    while served.hub.connections.count:
        client.sock.sendall(b"\0")
        served.settle()
        select.select([client.sock], [], [], SHORT / 20)
    assert SHORT / 2 < time.monotonic() - began < 10 * SHORT


def test_after_the_preface_a_request_has_the_time_of_a_new_connection(serve: Serve) -> None:
    served = on(serve, first_byte=0.05)
    client = served.connect()
    client.send(V1)
    client.expect_end()
    half = served.connect()
    half.send(V1 + GET[:-1])
    half.send(GET[-1:])
    assert answered(half) == TOLD


def test_proxy_that_leaves_in_its_preface_is_forgotten(serve: Serve) -> None:
    served = on(serve)
    for cut in (0, 1, len(V1) - 1, len(V1)):
        client = served.connect()
        client.send(V1[:cut])
        client.close()
        served.settle()
    served.turn_until(lambda: served.hub.connections.count == 0, "all are gone")


def test_line_is_a_bad_request_when_it_is_off(serve: Serve) -> None:
    served = serve(noting)
    client = served.connect()
    client.send(V1 + GET)
    assert client.read_response().status == 400
    served.logged("Invalid request")
