"""What the settings about proxies do to a running server: whose word is taken, and for what.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tests.conftest import Starter
from tests.kit.client import RawClient
from tests.kit.server import RunningServer

APP = "worker_plain:app"
SAID = [("X-Forwarded-For", "192.0.2.1"), ("X-Forwarded-Proto", "https")]
LINE = b"PROXY TCP4 192.0.2.1 192.0.2.2 8080 80\r\n"


def environ(
    client: RawClient, fields: Iterable[tuple[str, str]] = (), target: str = "/environ"
) -> dict[str, str]:
    answer = client.request("GET", target, list(fields))
    assert answer.status == 200
    return dict(line.split("=", 1) for line in answer.text.splitlines())


def serve(start_server: Starter, *lines: str, options: Iterable[str] = ()) -> RunningServer:
    return start_server(APP, *options, config="\n".join(lines))


@pytest.mark.effect("forwarded_allow_ips", "forwarded_client")
@pytest.mark.parametrize(
    ("allow", "client", "address", "scheme"),
    [
        ("127.0.0.0/8", "x-forwarded-for", "192.0.2.1", "https"),
        ("127.0.0.0/8", "off", "127.0.0.1", "https"),
        ("192.0.2.0/24", "x-forwarded-for", "127.0.0.1", "http"),
        ("", "x-forwarded-for", "127.0.0.1", "http"),
    ],
)
def test_trusted_peer_names_the_client_if_that_is_asked_for(
    start_server: Starter, allow: str, client: str, address: str, scheme: str
) -> None:
    options = ["--forwarded-allow-ips", allow, "--forwarded-client", client]
    server = serve(start_server, options=options)
    with server.connect() as peer:
        for _ in range(2):
            seen = environ(peer, SAID)
            assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == (address, scheme)
            assert environ(peer)["REMOTE_ADDR"] == "127.0.0.1"


@pytest.mark.effect("secure_scheme_headers")
def test_fields_that_tell_the_scheme_are_those_that_are_set(start_server: Starter) -> None:
    usual = serve(start_server)
    other = serve(start_server, "secure_scheme_headers = {'X-Edge-Scheme': 'tls'}")
    for server, name, value in (
        (usual, "X-Forwarded-Proto", "https"),
        (other, "X-Edge-Scheme", "tls"),
    ):
        for one in (usual, other):
            with one.connect() as peer:
                scheme = "https" if one is server else "http"
                assert environ(peer, [(name, value)])["wsgi.url_scheme"] == scheme


@pytest.mark.effect("forwarder_headers")
def test_fields_with_an_underscore_of_a_trusted_peer_are_those_that_are_set(
    start_server: Starter,
) -> None:
    said = [("REMOTE_USER", "ann"), ("X_OTHER", "1")]
    usual = serve(start_server)
    other = serve(start_server, options=["--forwarder-headers", "SCRIPT_NAME,REMOTE_USER"])
    strict = serve(
        start_server, options=["--forwarder-headers", "remote_user", "--forwarded-allow-ips", "::1"]
    )
    with usual.connect() as one, other.connect() as two, strict.connect() as three:
        assert "HTTP_REMOTE_USER" not in environ(one, said)
        seen = environ(two, said)
        assert (seen["HTTP_REMOTE_USER"], "HTTP_X_OTHER" in seen) == ("ann", False)
        assert "HTTP_REMOTE_USER" not in environ(three, said)
        seen = environ(one, [("SCRIPT_NAME", "/shop")], "/shop/environ")
        assert (seen["SCRIPT_NAME"], seen["PATH_INFO"]) == ("/shop", "/environ")


@pytest.mark.effect("proxy_protocol", "proxy_allow_ips")
@pytest.mark.parametrize("threads", ["1", "4"])
def test_proxy_protocol_is_required_and_holds_for_every_request(
    start_server: Starter, threads: str
) -> None:
    server = serve(start_server, "proxy_protocol = 'v1'", options=["--threads", threads])
    clients = [server.connect() for _ in range(6)]
    for number, client in enumerate(clients):
        client.send(LINE.replace(b"8080", b"%d" % (8080 + number)))
    for _ in range(5):
        for number, client in enumerate(clients):
            seen = environ(client)
            assert (seen["REMOTE_ADDR"], seen["REMOTE_PORT"]) == ("192.0.2.1", str(8080 + number))
            assert (seen["PROXY_ADDR"], seen["PROXY_PORT"]) == ("192.0.2.2", "80")
    with server.connect() as client:
        assert client.request("GET", "/pid").status == 400


def test_logs_name_the_client_that_the_proxy_names(start_server: Starter) -> None:
    server = serve(start_server, options=["--proxy-protocol", "v1", "--access-logfile", "-"])
    with server.connect() as client:
        client.send(LINE)
        environ(client)
        server.log.wait_for("192.0.2.1 - - ")
        client.send(b"GET / HTTP/1.1\r\nno field\r\n\r\n")
        assert client.read_response().status == 400
        server.log.wait_for("Invalid request from ip=192.0.2.1")


@pytest.mark.effect("proxy_allow_ips")
def test_peer_that_is_no_proxy_is_refused(start_server: Starter) -> None:
    for allow, status in (("127.0.0.0/8", 200), ("192.0.2.0/24", 403)):
        server = serve(
            start_server, options=["--proxy-protocol", "v1", "--proxy-allow-from", allow]
        )
        with server.connect() as client:
            client.send(LINE)
            assert client.request("GET", "/pid").status == status


def test_id_of_a_request_is_not_taken_of_a_client_without_a_name(start_server: Starter) -> None:
    """The proxy is in forwarded_allow_ips, and passes on what anybody has sent."""
    server = serve(start_server, options=["--request-id", "--proxy-protocol", "v1"])
    for line, is_taken in ((b"PROXY UNKNOWN\r\n", False), (LINE, False),
                           (b"PROXY TCP4 127.0.0.1 192.0.2.2 8080 80\r\n", True)):  # fmt: skip
        with server.connect() as client:
            client.send(line)
            seen = environ(client, [("X-Request-Id", "mine")])
            assert (seen["fastfork.request_id"] == "mine") is is_taken
