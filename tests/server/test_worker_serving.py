"""A whole server and its worker: everything an application does, on the wire.

Runs in: cli
"""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.client import RawClient
from tests.kit.server import RunningServer

APP = "worker_plain:app"
LARGE = b"0123456789abcdef" * (1 << 20)
SELECTORS = "import select, selectors\ndel select.epoll\nselectors.DefaultSelector = selectors."
POLLERS = {
    "epoll": None,
    "poll": SELECTORS + "PollSelector\n",
    "select": SELECTORS + "SelectSelector\n",
}


def told(data: bytes) -> str:
    """What /echo answers."""
    return f"{len(data)} {hashlib.sha256(data).hexdigest()}"


def send_chunked(client: RawClient, target: str, data: bytes) -> None:
    client.send(f"POST {target} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
    for start in range(0, len(data), 50_000):
        piece = data[start : start + 50_000]
        client.send(b"%x\r\n%s\r\n" % (len(piece), piece))
    client.send(b"0\r\n\r\n")


def serve_everything(server: RunningServer) -> None:
    """One connection does everything, twice."""
    client = server.connect()
    for _ in range(2):
        assert client.request("GET", "/hello?a=b").text == "a=b"
        assert client.request("HEAD", "/hello?a=b").get("content-length") == "3"
        assert client.request("GET", "/stream/40").body == LARGE[: 40 << 16]
        assert client.request("GET", "/file/5120").body == LARGE[: 5 << 20]
        assert client.request("GET", "/file/1").body == LARGE[: 1 << 10]
        assert client.request("GET", "/write").body == LARGE[: 1 << 20] + b"end"
        for size in (0, 1, 64 << 10, (1 << 20) + 1, 5 << 20):
            assert client.request("POST", "/echo", body=LARGE[:size]).text == told(LARGE[:size])
            send_chunked(client, "/echo", LARGE[:size])
            assert client.read_response().text == told(LARGE[:size])
        client.send(b"GET /hello?1 HTTP/1.1\r\nHost: h\r\n\r\n" * 20)
        assert [client.read_response().text for _ in range(20)] == ["1"] * 20


@pytest.mark.effect("http_parser")
def test_worker_serves_everything(start_server: Starter, http_parser: str) -> None:
    server = start_server(APP, "--http-parser", http_parser)
    serve_everything(server)


def test_worker_serves_everything_behind_wsgiref_validate(
    start_server: Starter, http_parser: str
) -> None:
    server = start_server("worker_plain:checked", "--http-parser", http_parser)
    serve_everything(server)
    assert "AssertionError" not in server.log.text()


@pytest.mark.parametrize("poller", ["poll", "select"])
def test_worker_serves_everything_without_epoll(start_server: Starter, poller: str) -> None:
    server = start_server(APP, config=POLLERS[poller])
    serve_everything(server)
    with server.connect() as one, server.connect() as two:
        one.send_request("GET", "/large")
        assert two.request("GET", "/hello?quick").text == "quick"
        assert one.read_response().body == LARGE


def test_worker_serves_on_a_unix_socket(start_server: Starter, server_files: Path) -> None:
    path = server_files / "socket"
    server = start_server(APP, "--bind", f"unix:{path}")
    serve_everything(server)
    client = server.connect()
    client.send(b"GET /environ HTTP/1.1\r\nHost: shop.example:81\r\n\r\n")
    lines = client.read_response().text.splitlines()
    assert {"REMOTE_ADDR=", "SERVER_NAME=shop.example", "SERVER_PORT=81"} <= set(lines)
    assert not any(line.startswith("REMOTE_PORT=") for line in lines)


def test_worker_serves_on_several_listeners_each_with_its_name(
    start_server: Starter, server_files: Path
) -> None:
    path = server_files / "socket"
    server = start_server(APP, "--bind", "127.0.0.1:0", "--bind", f"unix:{path}")
    with RawClient(str(path)) as client:
        assert "REMOTE_ADDR=\n" in client.request("GET", "/environ").text
    assert isinstance(server.endpoint, tuple)
    lines = server.get("/environ").text.splitlines()
    assert {"SERVER_NAME=127.0.0.1", f"SERVER_PORT={server.endpoint[1]}"} <= set(lines)


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.effect("workers")
def test_environ_says_how_many_processes_there_are(start_server: Starter, workers: int) -> None:
    server = start_server("fastfork.demo:app", workers=workers)
    page = server.get("/").text
    assert f"<th>wsgi.multiprocess</th><td>{workers > 1}</td>" in page
    assert "<th>wsgi.multithread</th><td>False</td>" in page


@pytest.mark.effect("accesslog", "access_log_format")
def test_access_log_has_a_line_for_each_request_in_order(start_server: Starter) -> None:
    server = start_server(
        APP, "--access-logfile", "-", "--access-logformat", 'access %(h)s "%(r)s" %(s)s %(B)s'
    )
    client = server.connect()
    client.request("GET", "/hello?first")
    client.send(b"GET /hello?%(r)s\xe9 HTTP/1.1\r\n\r\n")
    refused = client.read_response()
    assert refused.status == 400
    server.get("/hello?last")
    server.log.wait_for("hello?last")
    assert [line for line in server.log.lines() if line.startswith("access ")] == [
        'access 127.0.0.1 "GET /hello?first HTTP/1.1" 200 5',
        f'access 127.0.0.1 "GET /hello?%(r)s\\xE9 HTTP/1.1" 400 {len(refused.body)}',
        'access 127.0.0.1 "GET /hello?last HTTP/1.1" 200 4',
    ]


def test_access_log_in_the_usual_format(start_server: Starter, server_files: Path) -> None:
    path = server_files / "access.log"
    server = start_server(APP, "--access-logfile", str(path))
    server.connect().request(
        "GET", "/hello?x", [("User-Agent", 'Agent "9"'), ("Referer", "http://r/")]
    )
    server.signal("stop")
    assert server.wait_exit() == 0
    line = path.read_text()
    assert line.startswith("127.0.0.1 - - [")
    assert line.endswith('] "GET /hello?x HTTP/1.1" 200 1 "http://r/" "Agent \\x229\\x22"\n')


def test_large_head_of_an_answer_reaches_a_client_that_reads_a_byte_at_a_time(
    start_server: Starter,
) -> None:
    server = start_server(APP)
    client = server.connect()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.send_request("GET", "/hello?" + "x" * 2000)
    received = b""
    while not received.endswith(b"x" * 2000):
        received += client.sock.recv(1)
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
