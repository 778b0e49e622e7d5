"""Clients that people use: curl, http.client, requests, httpx, h11, ab and wrk.

Runs in: cli
"""

from __future__ import annotations

import hashlib
import http.client
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import h11
import httpx
import pytest
import requests

from tests.conftest import Starter
from tests.kit.programs import run
from tests.kit.server import RunningServer

LARGE = b"0123456789abcdef" * (1 << 20)  # what /large sends
UPLOAD = bytes(range(256)) * (12 << 10)  # 3 MiB


@pytest.fixture
def server(borrow_server: Starter, http_parser: str) -> RunningServer:
    return borrow_server("worker_plain:app", "--http-parser", http_parser, "--keep-alive", "30")


@pytest.fixture
def upload(tmp_path: Path) -> str:
    """The path of a file with UPLOAD."""
    path = tmp_path / "upload"
    path.write_bytes(UPLOAD)
    return str(path)


def told(data: bytes) -> str:
    """What /echo answers."""
    return f"{len(data)} {hashlib.sha256(data).hexdigest()}"


def pieces() -> Iterator[bytes]:
    """UPLOAD in pieces of a length that nobody knows beforehand."""
    for start in range(0, len(UPLOAD), 100_000):
        yield UPLOAD[start : start + 100_000]


def curl(*arguments: str, given: bytes = b"") -> str:
    """What curl writes."""
    return run("curl", "-sS", "--max-time", "30", *arguments, given=given).text


# -- curl


@pytest.mark.parametrize("version", ["--http1.0", "--http1.1"])
def test_curl_gets_a_page_in_both_versions(server: RunningServer, version: str) -> None:
    head, _, body = curl("-i", version, f"{server.url}/hello?curl").partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert body == "curl"
    assert ("Connection: close" in head) == (version == "--http1.0")


@pytest.mark.parametrize("version", ["--http1.0", "--http1.1"])
@pytest.mark.parametrize("target", ["/large", "/stream/256", "/file/16384"])
def test_curl_downloads_16_mebibytes(server: RunningServer, version: str, target: str) -> None:
    done = run("curl", "-sS", "--max-time", "30", version, f"{server.url}{target}")
    assert done.out == LARGE


@pytest.mark.parametrize("version", ["--http1.0", "--http1.1"])
def test_curl_uploads_a_file(server: RunningServer, upload: str, version: str) -> None:
    assert curl(version, "-T", upload, f"{server.url}/echo") == told(UPLOAD)


def test_curl_asks_before_it_uploads_and_is_told_to_continue(
    server: RunningServer, upload: str
) -> None:
    done = run(
        "curl", "-sSv", "--max-time", "30", "--expect100-timeout", "20",
        "-H", "Expect: 100-continue", "-T", upload, f"{server.url}/echo",
    )  # fmt: skip
    assert "> Expect: 100-continue" in done.said
    assert "< HTTP/1.1 100 Continue" in done.said
    assert done.text == told(UPLOAD)


def test_curl_uploads_chunks_from_its_standard_input(server: RunningServer) -> None:
    assert curl("-T", "-", f"{server.url}/echo", given=UPLOAD) == told(UPLOAD)


def test_curl_posts_a_form(server: RunningServer) -> None:
    form = b"a=1&b=2"
    assert curl("--data", form.decode(), f"{server.url}/echo") == told(form)


def test_curl_asks_for_the_head_alone(server: RunningServer) -> None:
    head = curl("-I", f"{server.url}/hello?12345")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert "\r\nContent-Length: 5\r\n" in head
    assert head.endswith("\r\n\r\n")


def test_curl_gets_several_pages_over_one_connection(server: RunningServer) -> None:
    urls = [f"{server.url}{target}" for target in ("/hello?1", "/stream/2", "/file/40", "/write")]
    options = [part for url in urls for part in ("-o", "/dev/null", url)]
    assert curl("-w", "%{num_connects}", *options) == "1000"


# -- libraries


def test_http_client_keeps_its_connection(server: RunningServer) -> None:
    assert not isinstance(server.endpoint, str)
    connection = http.client.HTTPConnection(*server.endpoint, timeout=20)
    for number in range(20):
        connection.request("GET", f"/hello?{number}")
        assert connection.getresponse().read() == str(number).encode()
    connection.request("HEAD", "/hello?12345")
    answer = connection.getresponse()
    assert (answer.read(), answer.getheader("Content-Length")) == (b"", "5")
    sock = connection.sock
    connection.request("POST", "/echo", body=UPLOAD)
    assert connection.getresponse().read() == told(UPLOAD).encode()
    connection.request("POST", "/echo", body=pieces(), encode_chunked=True)
    assert connection.getresponse().read() == told(UPLOAD).encode()
    connection.request("GET", "/stream/256")
    assert connection.getresponse().read() == LARGE
    assert connection.sock is sock
    connection.close()


def test_requests_uploads_and_downloads_in_one_session(server: RunningServer) -> None:
    with requests.Session() as session:
        for number in range(5):
            assert session.get(f"{server.url}/hello?{number}", timeout=20).text == str(number)
        assert (
            session.head(f"{server.url}/file/40", timeout=20).headers["Content-Length"] == "40960"
        )
        assert session.post(f"{server.url}/echo", data=UPLOAD, timeout=20).text == told(UPLOAD)
        assert session.post(f"{server.url}/echo", data=pieces(), timeout=20).text == told(UPLOAD)
        with session.get(f"{server.url}/stream/256", stream=True, timeout=20) as answer:
            assert b"".join(answer.iter_content(70_000)) == LARGE
        assert session.get(f"{server.url}/write", timeout=20).content == LARGE[: 1 << 20] + b"end"


def test_httpx_uploads_and_downloads_with_one_client(server: RunningServer) -> None:
    with httpx.Client(base_url=server.url, timeout=20) as client:
        answers = [client.get(f"/hello?{number}") for number in range(5)]
        assert [answer.text for answer in answers] == list("01234")
        assert {answer.http_version for answer in answers} == {"HTTP/1.1"}
        assert client.head("/file/40").headers["content-length"] == "40960"
        assert client.post("/echo", content=UPLOAD).text == told(UPLOAD)
        assert client.post("/echo", content=pieces()).text == told(UPLOAD)
        with client.stream("GET", "/stream/256") as answer:
            assert b"".join(answer.iter_bytes()) == LARGE
        # A client that stops in the middle of an answer gives the connection up.
        with client.stream("GET", "/large") as answer:
            assert next(answer.iter_bytes())
        assert client.get("/hello?after").text == "after"


class H11Client:
    """h11 at the other end of a socket."""

    def __init__(self, server: RunningServer) -> None:
        assert not isinstance(server.endpoint, str)
        self.sock = socket.create_connection(server.endpoint, 20)
        self.state = h11.Connection(h11.CLIENT)

    def send(self, *events: h11.Event) -> None:
        for event in events:
            data = self.state.send(event)
            if data:
                self.sock.sendall(data)

    def next(self) -> h11.Event:
        """The next event; asks the socket as often as h11 wants."""
        while True:
            event = self.state.next_event()
            if event is not h11.NEED_DATA:
                assert isinstance(event, h11.Event)
                return event
            self.state.receive_data(self.sock.recv(100_000))

    def answer(self) -> tuple[int, bytes]:
        """Status and body of the next final answer; then ready for the next request."""
        body = bytearray()
        status = 0
        while not isinstance(event := self.next(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
        self.state.start_next_cycle()
        return status, bytes(body)


def request(method: str, target: str, *fields: tuple[str, str]) -> h11.Request:
    return h11.Request(method=method, target=target, headers=[("Host", "h"), *fields])


def test_h11_reads_every_kind_of_answer_on_one_connection(server: RunningServer) -> None:
    client = H11Client(server)
    wanted = {
        "/hello?x": b"x",
        "/stream/3": LARGE[: 3 << 16],
        "/stream/0": b"",
        "/file/40": LARGE[: 40 << 10],
        "/write": LARGE[: 1 << 20] + b"end",
    }
    for method in ("GET", "HEAD"):
        for target, body in wanted.items():
            client.send(request(method, target), h11.EndOfMessage())
            assert client.answer() == (200, body if method == "GET" else b"")
    client.sock.close()


def test_h11_uploads_and_waits_for_100_continue(server: RunningServer) -> None:
    client = H11Client(server)
    chunked = ("Transfer-Encoding", "chunked")
    client.send(request("POST", "/echo", ("Expect", "100-continue"), chunked))
    event = client.next()
    assert isinstance(event, h11.InformationalResponse)
    assert event.status_code == 100
    client.send(*(h11.Data(data=piece) for piece in pieces()), h11.EndOfMessage())
    assert client.answer() == (200, told(UPLOAD).encode())
    client.sock.close()


# -- load


@pytest.mark.parametrize("keep_alive", [True, False])
def test_ab_sees_no_failed_request(server: RunningServer, keep_alive: bool) -> None:
    options = ["-k"] if keep_alive else []
    said = run("ab", "-q", *options, "-n", "2000", "-c", "16", f"{server.url}/hello?x").text
    assert re.search(r"Complete requests: +2000\n", said), said
    assert re.search(r"Failed requests: +0\n", said), said
    assert "Non-2xx" not in said
    assert bool(re.search(r"Keep-Alive requests: +2000\n", said)) == keep_alive


def test_ab_uploads(server: RunningServer, upload: str) -> None:
    said = run("ab", "-q", "-k", "-n", "50", "-c", "4", "-p", upload, f"{server.url}/echo").text
    assert re.search(r"Complete requests: +50\n", said), said
    assert re.search(r"Failed requests: +0\n", said), said


@pytest.mark.parametrize("target", ["/hello?x", "/stream/2"])
def test_wrk_sees_no_error(server: RunningServer, target: str) -> None:
    said = run("wrk", "-t", "1", "-c", "16", "-d", "1s", f"{server.url}{target}").text
    found = re.search(r"(\d+) requests in", said)
    assert found, said
    assert int(found[1]) > 0
    assert "Socket errors" not in said
    assert "Non-2xx" not in said
