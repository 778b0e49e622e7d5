"""Peers whose word is taken, and the others: what the application sees of their fields."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from fastfork._core.http.environ import EnvironBuilder
from fastfork.http import Leniency
from fastfork.http.forwarded import Forwarded
from fastfork.net.trust import TrustedPeers
from tests.kit.inproc import HubClient, Served
from tests.unit.conftest import Serve

V2 = b"\r\n\r\n\0\r\nQUIT\n"
SCHEMES = {"X-FORWARDED-PROTO": "https", "X-FORWARDED-SSL": "on"}
seen: list[dict[str, Any]] = []


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """What was seen refers to connections, and those to hubs."""
    yield
    seen.clear()


def noting(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Keeps the environ."""
    seen.append(dict(environ))
    start_response("200 OK", [])
    return [b"noted"]


def on(
    serve: Serve,
    allow: str = "127.0.0.1",
    *fields: str,
    forwarders: str = "SCRIPT_NAME PATH_INFO",
    header_map: str = "drop",
    **settings: Any,
) -> Served:
    peers = TrustedPeers(allow.split())
    forwarded = Forwarded(peers.trusts, walks="*" not in allow, schemes=SCHEMES, fields=fields)
    dropped: list[str] = []
    trusted = EnvironBuilder(
        on_dropped=dropped.append,
        maps_underscores=header_map == "dangerous",
        watched=forwarded.watched,
        forwarders=frozenset(forwarders.split()),
        refuses=header_map == "refuse",
    )
    return serve(
        noting, forwarded=forwarded, trusted=trusted, leniency=Leniency(header_map=header_map),
        **settings,
    )  # fmt: skip


def get(client: HubClient, *fields: tuple[str, str], target: str = "/app/x") -> dict[str, Any]:
    answer = client.request("GET", target, list(fields))
    assert (answer.status, answer.body) == (200, b"noted")
    return seen[-1]


def test_scheme_is_believed_of_a_trusted_peer_alone(serve: Serve) -> None:
    said = [("X-Forwarded-Proto", "https")]
    for allow, scheme in (("127.0.0.1", "https"), ("127.0.0.0/8", "https"), ("*", "https"),
                          ("192.0.2.1", "http"), ("", "http")):  # fmt: skip
        client = on(serve, allow).connect()
        assert get(client, *said)["wsgi.url_scheme"] == scheme
        assert get(client)["wsgi.url_scheme"] == "http"  # nothing is kept for the next request
        assert get(client, *said)["wsgi.url_scheme"] == scheme
        assert seen[-1]["HTTP_X_FORWARDED_PROTO"] == "https"


def test_what_fields_say_of_the_client_is_believed_however_often_they_come(serve: Serve) -> None:
    """Equal fields are not read again."""
    said = [("X-Forwarded-Proto", "https"), ("X-Forwarded-For", "192.0.2.7")]
    client = on(serve, "127.0.0.1", "x-forwarded-for").connect()
    for target in ("/a", "/b", "/c", "/d"):
        environ = get(client, *said, target=target)
        assert (environ["wsgi.url_scheme"], environ["REMOTE_ADDR"]) == ("https", "192.0.2.7")
    stranger = on(serve, "192.0.2.1", "x-forwarded-for").connect()
    for _ in range(4):
        environ = get(stranger, *said)
        assert (environ["wsgi.url_scheme"], environ["REMOTE_ADDR"]) == ("http", "127.0.0.1")


@pytest.mark.parametrize(
    "said",
    [[("X-Forwarded-Proto", "https"), ("X-Forwarded-Ssl", "off")],
     [("X-Forwarded-Proto", "https"), ("X-Forwarded-Proto", "http")]],
)  # fmt: skip
def test_contradiction_is_refused_of_a_trusted_peer_alone(
    serve: Serve, said: list[tuple[str, str]]
) -> None:
    assert get(on(serve, "192.0.2.1").connect(), *said)["wsgi.url_scheme"] == "http"
    served = on(serve)
    client = served.connect()
    assert client.request("GET", "/", said).status == 400
    client.expect_end()
    served.logged("fields of secure_scheme_headers contradict each other")


def test_list_in_one_field_is_no_contradiction(serve: Serve) -> None:
    client = on(serve).connect()
    assert get(client, ("X-Forwarded-Proto", "https,http"))["wsgi.url_scheme"] == "http"


def test_client_is_named_when_that_is_asked_for(serve: Serve) -> None:
    said = ("X-Forwarded-For", "6.6.6.6, 192.0.2.1")
    assert get(on(serve).connect(), said)["REMOTE_ADDR"] == "127.0.0.1"
    client = on(serve, "127.0.0.1", "x-forwarded-for").connect()
    for _ in range(2):
        environ = get(client, said)
        assert (environ["REMOTE_ADDR"], "REMOTE_PORT" in environ) == ("192.0.2.1", False)
    assert get(client)["REMOTE_ADDR"] == "127.0.0.1"
    stranger = on(serve, "192.0.2.9", "x-forwarded-for").connect()
    assert get(stranger, said)["REMOTE_ADDR"] == "127.0.0.1"


@pytest.mark.parametrize(
    ("fields", "client"),
    [
        # The client's own fields, and behind them the one that the proxy has added.
        (["6.6.6.6", "192.0.2.1"], "192.0.2.1"),
        (["6.6.6.6, 7.7.7.7", "192.0.2.1,127.0.0.2"], "192.0.2.1"),
        (["6.6.6.6", "127.0.0.3", "127.0.0.2"], "6.6.6.6"),  # all of these are our proxies
        (["192.0.2.1", "garbage"], "127.0.0.1"),
        (["192.0.2.1", ""], "127.0.0.1"),
        (["192.0.2.1, \xe9"], "127.0.0.1"),
        (["192.0.2.1, 127.0.0.2, 1.2.3.4.5"], "127.0.0.1"),
        (["192.0.2.1:x"], "127.0.0.1"),
        (["192.0.2.1" + "," * 500], "127.0.0.1"),
        (["6.6.6.6," * 500 + " 192.0.2.1"], "192.0.2.1"),
    ],
)
def test_client_is_who_came_to_the_first_proxy_of_ours_and_not_who_he_says(
    serve: Serve, fields: list[str], client: str
) -> None:
    said = [("X-Forwarded-For", value) for value in fields]
    peer = on(serve, "127.0.0.0/8", "x-forwarded-for").connect()
    for _ in range(2):
        assert get(peer, *said)["REMOTE_ADDR"] == client
    assert get(on(serve, "192.0.2.0/24", "x-forwarded-for").connect(), *said)[
        "REMOTE_ADDR"] == "127.0.0.1"  # fmt: skip


def test_open_quote_of_the_client_does_not_hide_what_the_proxy_adds(serve: Serve) -> None:
    served = on(serve, "127.0.0.1", "forwarded")
    said = [("Forwarded", 'for="6.6.6.6'), ("Forwarded", "for=192.0.2.1")]
    assert served.connect().request("GET", "/", said).status == 400
    served.logged("Forwarded is malformed")
    said = [("Forwarded", "for=6.6.6.6;proto=https"), ("Forwarded", "for=192.0.2.1")]
    environ = get(served.connect(), *said)
    assert (environ["REMOTE_ADDR"], environ["wsgi.url_scheme"]) == ("192.0.2.1", "http")


@pytest.mark.parametrize("header_map", ["drop", "dangerous"])
@pytest.mark.parametrize("name", ["X_FORWARDED_FOR", "X-Forwarded_For", "x_forwarded_for"])
def test_underscore_does_not_pass_for_the_proxys_field(
    serve: Serve, header_map: str, name: str
) -> None:
    """Proxies overwrite X-Forwarded-For and let its likes through."""
    said = [("X-Forwarded-For", "192.0.2.1"), (name, "6.6.6.6")]
    client = on(serve, "127.0.0.1", "x-forwarded-for", header_map=header_map).connect()
    for order in (said, said[::-1]):
        environ = get(client, *order)
        assert (environ["REMOTE_ADDR"], environ["HTTP_X_FORWARDED_FOR"]) == ("192.0.2.1",) * 2
    assert get(client, said[1])["REMOTE_ADDR"] == "127.0.0.1"
    own = on(serve, "127.0.0.1", "x-forwarded-for", header_map=header_map, forwarders=name.upper())
    assert get(own.connect(), *said)["REMOTE_ADDR"] == "6.6.6.6"  # asked for


def test_malformed_forwarded_is_refused(serve: Serve) -> None:
    served = on(serve, "127.0.0.1", "forwarded")
    assert get(served.connect(), ("Forwarded", 'for="192.0.2.1:7"'))["REMOTE_PORT"] == "7"
    assert served.connect().request("GET", "/", [("Forwarded", 'for="')]).status == 400
    served.logged("Forwarded is malformed")


def test_script_name_of_a_trusted_proxy_is_taken(serve: Serve) -> None:
    said = [("SCRIPT_NAME", "/app"), ("PATH_INFO", "/y"), ("Script-Name", "/evil")]
    served = on(serve)
    environ = get(served.connect(), *said)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("/app", "/x")
    assert environ["HTTP_SCRIPT_NAME"] == "/app"  # not what came with a dash
    assert environ["HTTP_PATH_INFO"] == "/y"
    assert served.connect().request("GET", "/other", said[:1]).status == 400
    served.logged("the path does not begin with the proxy's SCRIPT_NAME")
    stranger = on(serve, "192.0.2.1")
    environ = get(stranger.connect(), *said)
    assert (environ["SCRIPT_NAME"], environ["PATH_INFO"]) == ("", "/app/x")
    assert environ["HTTP_SCRIPT_NAME"] == "/evil"  # a field like any other
    assert "HTTP_PATH_INFO" not in environ
    assert stranger.dropped == ["SCRIPT_NAME", "PATH_INFO"]


LONG = "X_" + "A" * 60  # longer than the names that are remembered


@pytest.mark.parametrize("name", ["REMOTE_USER", "remote_user", LONG])
@pytest.mark.parametrize("forwarders", ["REMOTE_USER " + LONG, "*"])
def test_forwarders_field_stands_for_the_one_with_dashes(
    serve: Serve, forwarders: str, name: str
) -> None:
    dashed = name.replace("_", "-")
    key = f"HTTP_{name.upper()}"
    client = on(serve, forwarders=forwarders).connect()
    assert get(client, (dashed, "eve"), (name, "bob"), (dashed, "mallory"))[key] == "bob"
    assert get(client, (name, "bob"), (name, "ann"))[key] == "bob,ann"
    assert get(client, (dashed, "eve"))[key] == "eve"
    stranger = on(serve, "192.0.2.1", forwarders=forwarders).connect()
    assert key not in get(stranger, (name, "bob"))


@pytest.mark.parametrize("name", ["X_OTHER", LONG])
def test_header_map_refuse_leaves_a_trusted_peer_its_own_fields(serve: Serve, name: str) -> None:
    served = on(serve, header_map="refuse")
    assert get(served.connect(), ("SCRIPT_NAME", "/app"))["SCRIPT_NAME"] == "/app"
    for _ in range(2):
        assert served.connect().request("GET", "/", [(name, "1")]).status == 400
    served.logged("a field name has an underscore")
    stranger = on(serve, "192.0.2.1", header_map="refuse")
    assert stranger.connect().request("GET", "/", [("SCRIPT_NAME", "/app")]).status == 400
    stranger.logged("a field name has an underscore")


def test_what_a_trusted_peer_may_send_changes_nothing_for_a_stranger_who_is_sending(
    serve: Serve,
) -> None:
    served = on(serve, header_map="refuse", proxy_versions=1, is_proxy=lambda address: True)
    trusted, stranger = served.connect(), served.connect()
    stranger.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 8080 80\r\nGET / HTTP/1.1\r\nHost: h\r\nX")
    trusted.send(b"PROXY TCP4 127.0.0.1 192.0.2.2 8080 80\r\n")
    assert get(trusted, ("SCRIPT_NAME", "/app"))["SCRIPT_NAME"] == "/app"
    stranger.send(b"_A: 1")  # the line goes on, and has offended
    assert stranger.read_response().status == 400
    served.logged("a field name has an underscore")


def test_client_that_the_proxy_protocol_names_is_who_must_be_trusted(serve: Serve) -> None:
    said = ("X-Forwarded-Proto", "https")
    for allow, scheme in (("127.0.0.1", "http"), ("192.0.2.0/24", "https")):
        served = on(serve, allow, proxy_versions=1, is_proxy=lambda address: True)
        client = served.connect()
        client.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 8080 80\r\n")
        for _ in range(2):
            assert get(client, said)["wsgi.url_scheme"] == scheme


@pytest.mark.parametrize(
    ("preface", "allow", "scheme"),
    [
        (b"PROXY UNKNOWN\r\n", "127.0.0.1", "http"),
        (b"PROXY UNKNOWN\r\n", "*", "https"),
        (V2 + b"\x21\0\0\0", "127.0.0.1", "http"),  # UNSPEC
        (V2 + b"\x21\x31\0\xd8" + bytes(216), "127.0.0.1", "http"),  # a Unix socket of the proxy's
        (V2 + b"\x20\0\0\0", "127.0.0.1", "https"),  # LOCAL: the proxy itself
    ],
)
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_UNIX])
def test_client_whom_the_proxy_does_not_name_is_a_stranger(
    serve: Serve, preface: bytes, allow: str, scheme: str, family: int
) -> None:
    served = on(serve, allow, proxy_versions=3, is_proxy=lambda address: True, family=family)
    client = served.connect()
    client.send(preface)
    for _ in range(2):
        assert get(client, ("X-Forwarded-Proto", "https"))["wsgi.url_scheme"] == scheme
