"""What openssl and curl see of a server with TLS.

Runs in: cli
"""

from __future__ import annotations

import json
import re
import select
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.client import RawClient
from tests.kit.programs import program
from tests.kit.server import RunningServer
from tests.kit.tls import NAME, Authority, Pair, TlsClient, s_client, talk

QUESTION = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
UPLOAD = bytes(range(256)) * (32 << 10)  # 8 MiB
# Lets openssl and curl speak what is older than TLS 1.2, which Debian's own settings forbid.
ANCIENT = "DEFAULT:@SECLEVEL=0"


@pytest.fixture(scope="module")
def pair(authority: Authority) -> Pair:
    return authority.issue("server")


@pytest.fixture
def server(borrow_server: Starter, pair: Pair) -> RunningServer:
    """Two workers with TLS."""
    return start_tls(borrow_server, pair, workers=2)


@pytest.fixture
def own_server(start_server: Starter, pair: Pair) -> RunningServer:
    """One for a test that looks for a line of the log, which comes once in a while only."""
    return start_tls(start_server, pair, workers=2)


def start_tls(
    start_server: Starter, pair: Pair, *options: str, app: str = "mirror:app", workers: int = 1
) -> RunningServer:
    files = ("--certfile", str(pair.certificate), "--keyfile", str(pair.key))
    return start_server(app, *files, *options, workers=workers)


def mirrored(text: str) -> dict[str, str]:
    """What the application saw, out of the text of its answer."""
    found = re.search(r"Mirror: (\{.*\})", text)
    assert found, text
    seen: dict[str, str] = json.loads(found[1])
    return seen


def ask(server: RunningServer, *options: str) -> str:
    """What s_client shows of a question that is answered."""
    return s_client(server.endpoint, *options, "-ign_eof", said=QUESTION)


def curl(server: RunningServer, authority: Authority, target: str, *options: str) -> bytes:
    assert not isinstance(server.endpoint, str)
    port = server.endpoint[1]
    command = [
        program("curl"),
        "-sS",
        "--fail",
        "--cacert",
        str(authority.path),
        "--max-time",
        "30",
    ]
    command += ["--resolve", f"{NAME}:{port}:127.0.0.1", *options]
    done = subprocess.run(
        [*command, f"https://{NAME}:{port}{target}"], capture_output=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# -- versions


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_openssl_and_curl_speak_every_version_that_is_safe(
    server: RunningServer, authority: Authority, version: str
) -> None:
    said = ask(server, f"-tls{version.replace('.', '_')}", "-CAfile", str(authority.path))
    assert "Verify return code: 0 (ok)" in said
    seen = mirrored(said)
    assert (seen["SSL_PROTOCOL"], seen["wsgi.url_scheme"]) == (f"TLSv{version}", "https")
    assert seen["SERVER_PORT"] == str(server.endpoint[1])
    exactly = ("--tls-max", version, f"--tlsv{version}")
    head = curl(server, authority, "/", *exactly, "--head").decode()
    assert mirrored(head)["SSL_PROTOCOL"] == f"TLSv{version}"


@pytest.mark.parametrize("version", ["1", "1_1"])
def test_older_versions_are_refused(own_server: RunningServer, version: str) -> None:
    said = ask(own_server, f"-tls{version}", "-cipher", ANCIENT)
    assert "alert protocol version" in said
    assert "HTTP/1.1" not in said
    own_server.log.wait_for("TLS with ip=127.0.0.1 failed: UNSUPPORTED_PROTOCOL")


@pytest.mark.effect("tls_min_version")
def test_oldest_version_can_be_raised(start_server: Starter, pair: Pair) -> None:
    server = start_tls(start_server, pair, "--tls-min-version", "TLSv1.3")
    assert "alert protocol version" in ask(server, "-tls1_2")
    assert mirrored(ask(server, "-tls1_3"))["SSL_PROTOCOL"] == "TLSv1.3"


@pytest.mark.effect("ciphers")
def test_ciphers_are_those_that_are_named(start_server: Starter, pair: Pair) -> None:
    name = "ECDHE-ECDSA-CHACHA20-POLY1305"
    server = start_tls(start_server, pair, "--ciphers", name)
    assert mirrored(ask(server, "-tls1_2"))["SSL_CIPHER"] == name
    assert "HTTP/1.1" not in ask(server, "-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256")


@pytest.mark.parametrize(
    ("offered", "chosen"), [("http/1.1", "http/1.1"), ("h2,http/1.1", "http/1.1"), ("h2", None)]
)
def test_http_1_1_is_what_is_agreed_on(
    server: RunningServer, offered: str, chosen: str | None
) -> None:
    said = ask(server, "-alpn", offered)
    wanted = "No ALPN negotiated" if chosen is None else f"ALPN protocol: {chosen}"
    assert wanted in said
    assert "200 OK" in said


# -- what is sent and answered


def test_curl_gets_back_what_it_sends(
    start_server: Starter, pair: Pair, authority: Authority, tmp_path: Path
) -> None:
    server = start_tls(start_server, pair, app="worker_plain:app")
    (tmp_path / "upload").write_bytes(UPLOAD)
    data = ("--data-binary", f"@{tmp_path / 'upload'}")
    for options in ((), ("-H", "Transfer-Encoding: chunked"), ("-H", "Expect: 100-continue")):
        told = curl(server, authority, "/echo", *data, *options).decode()
        assert told.startswith(str(len(UPLOAD)))
    large = b"0123456789abcdef" * (1 << 20)
    for target in ("/large", "/stream/256", "/file/16384"):
        assert curl(server, authority, target) == large
    assert curl(server, authority, "/write") == large[: 1 << 20] + b"end"


def test_connection_is_kept_and_pipelined_on(server: RunningServer, authority: Authority) -> None:
    with TlsClient(server.endpoint, authority.client_context()) as client:
        client.send(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\nGET /b HTTP/1.1\r\nHost: h\r\n\r\n")
        targets = [mirrored(client.read_response().raw.decode())["RAW_URI"] for _ in range(2)]
        assert targets == ["/a", "/b"]
        for _ in range(20):
            assert client.request().status == 200


def test_keys_may_be_renewed(server: RunningServer) -> None:
    """K asks for new keys of both sides, on which TLS 1.3 goes on."""
    steps = [(b"K\n", "KEYUPDATE"), (QUESTION, "Mirror: ")]
    assert "200 OK" in talk(server.endpoint, steps, "-tls1_3")


def test_nothing_is_negotiated_again(server: RunningServer) -> None:
    """R asks for another handshake on the connection, which TLS 1.2 has and nobody needs."""
    steps = [(b"R\n", "RENEGOTIATING"), (b"", "no renegotiation")]
    assert "200 OK" not in talk(server.endpoint, steps, "-tls1_2")


# -- those who show a certificate


@pytest.mark.effect("cert_reqs", "ca_certs")
@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("asked", ["none", "optional", "required"])
def test_client_certificates_are_taken_as_they_are_asked_for(
    start_server: Starter,
    pair: Pair,
    authority: Authority,
    tmp_path: Path,
    asked: str,
    version: str,
) -> None:
    options = ("--cert-reqs", asked, "--ca-certs", str(authority.path))
    server = start_tls(start_server, pair, *options)
    known = authority.issue("client", "alice@shop.test", common_name="alice")
    stranger = Authority(tmp_path).issue("stranger")
    answers = {
        name: ask(server, version, *shown)
        for name, shown in (
            ("nobody", ()),
            ("known", ("-cert", str(known.certificate), "-key", str(known.key))),
            ("stranger", ("-cert", str(stranger.certificate), "-key", str(stranger.key))),
        )
    }
    served = {name: "200 OK" in said for name, said in answers.items()}
    assert served == {"nobody": asked != "required", "known": True, "stranger": asked == "none"}
    seen = mirrored(answers["known"])
    if asked == "none":
        assert "SSL_CLIENT_VERIFY" not in seen
        return
    assert seen["SSL_CLIENT_VERIFY"] == "SUCCESS"
    assert seen["SSL_CLIENT_S_DN"].startswith("CN=alice,")
    assert seen["SSL_CLIENT_CERT"] in known.certificate.read_text()
    if asked == "optional":
        assert mirrored(answers["nobody"])["SSL_CLIENT_VERIFY"] == "NONE"
    server.log.wait_for("TLS with ip=127.0.0.1 failed: ")


# -- what is no TLS


def test_plain_http_on_the_port_gets_a_page(own_server: RunningServer) -> None:
    answer = own_server.get("/")
    assert (answer.status, answer.closes) == (400, True)
    own_server.log.wait_for(
        "Invalid request from ip=127.0.0.1: plain HTTP on a port that speaks TLS"
    )


def test_tls_on_a_plain_port_gets_400(start_server: Starter) -> None:
    server = start_server("mirror:app")
    with RawClient(server.endpoint) as client:
        client.send(b"\x16\x03\x01\x00\xca\x01\x00\x00\xc6\x03\x03" + bytes(200))
        assert client.read_response().status == 400
    assert "wrong version number" in ask(server)


def test_proxy_protocol_comes_before_the_handshake(
    start_server: Starter, pair: Pair, authority: Authority
) -> None:
    server = start_tls(start_server, pair, "--proxy-protocol", "v1")
    for split in (False, True):
        with RawClient(server.endpoint) as client:
            client.send(b"PROXY TCP4 192.0.2.1 192.0.2.2 8080 443\r\n")
            if split:
                client.expect_silence(0.05)
            context = authority.client_context()
            client.sock = context.wrap_socket(client.sock, server_hostname=NAME)
            seen = mirrored(client.request().raw.decode())
            assert (seen["REMOTE_ADDR"], seen["PROXY_PROTOCOL"]) == ("192.0.2.1", "TCP4")
            assert (seen["SSL_PROTOCOL"], seen["wsgi.url_scheme"]) == ("TLSv1.3", "https")


def test_unix_socket_speaks_tls_too(
    start_server: Starter, pair: Pair, authority: Authority, server_files: Path
) -> None:
    path = server_files / "socket"
    start_tls(start_server, pair, "--bind", f"unix:{path}")
    with TlsClient(str(path), authority.client_context()) as client:
        seen = mirrored(client.request().raw.decode())
    assert (seen["SERVER_NAME"], seen["SERVER_PORT"]) == ("test", "443")


# -- broken and stalled handshakes


@pytest.mark.effect("tls_handshake_timeout")
def test_crowd_that_stalls_in_the_handshake_delays_nobody(
    start_server: Starter, pair: Pair, authority: Authority
) -> None:
    crowd = 300
    server = start_tls(start_server, pair, "--tls-handshake-timeout", "2")
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40)  # its first tenth
    stalled = [server.connect() for _ in range(crowd)]
    for client in stalled:
        client.send(hello)
    context = authority.client_context()
    for _ in range(20):
        with TlsClient(server.endpoint, context) as client:
            assert client.request().status == 200
    ended = select.select([client.sock for client in stalled], [], [], 0)[0]
    assert not ended, "one was given up before the others were served"
    for client in stalled:
        client.expect_end()
