"""Many, slow and vanishing clients: nobody waits for them, and they leave nothing behind.

Runs in: cli
"""

from __future__ import annotations

import os
import re
import socket
import time
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.client import RawClient
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "worker_plain:app"
LARGE = b"0123456789abcdef" * (1 << 20)
HELLO = b"GET /hello?x HTTP/1.1\r\nHost: h\r\n\r\n"


def slow_client(server: RunningServer) -> RawClient:
    """Its kernel takes next to nothing while it does not read."""
    client = server.connect()
    client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
    return client


def processor_seconds(pid: int) -> float:
    """Processor time that `pid` has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_client_that_reads_slowly_holds_up_nobody(start_server: Starter) -> None:
    server = start_server(APP, "--write-timeout", "30")
    slow = [slow_client(server) for _ in range(4)]
    for client, target in zip(
        slow, ("/large", "/stream/256", "/file/16384", "/large"), strict=True
    ):
        client.send_request("GET", target)
    for client in slow:
        assert client.sock.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
    quick = server.connect()
    for _ in range(50):
        assert quick.request("GET", "/hello?quick").text == "quick"
        for client in slow:
            assert client.sock.recv(1000)
    assert processor_seconds(server.worker_pids()[0]) < 5
    for client in slow[:3]:
        size = 0
        while size < len(LARGE) - 60_000:
            size += len(client.sock.recv(1 << 20))


@pytest.mark.effect("write_timeout")
def test_client_that_stops_reading_is_given_up(start_server: Starter) -> None:
    server = start_server(APP, "--write-timeout", "0.3")
    for target in ("/large", "/stream/256", "/file/16384", "/write"):
        client = slow_client(server)
        client.send_request("GET", target)
    # `finish` of the fixture would find their descriptors; here the server must let go first.
    (pid,) = server.worker_pids()
    server.log.wait_for("Worker ready")
    wait_until(lambda: _sockets(pid) == 1, lambda: f"{_sockets(pid)} sockets, not 1")


def _sockets(pid: int) -> int:
    """TCP sockets that `pid` holds, its listener among them."""
    links = [os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir()]
    table = Path(f"/proc/{pid}/net/tcp").read_text()
    inodes = set(re.findall(r"\s(\d+) \d+ [0-9a-f]{16} ", table))
    return sum(link[8:-1] in inodes for link in links if link.startswith("socket:["))


def test_clients_that_vanish_at_any_moment_leave_nothing(
    start_server: Starter, http_parser: str
) -> None:
    server = start_server(APP, "--http-parser", http_parser)
    moments = [
        b"",
        b"G",
        HELLO[:-2],
        HELLO,
        HELLO * 30,
        b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /stream/100 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /file/5120 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /write HTTP/1.1\r\nHost: h\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\n" + b"x" * 100_000,
        b"POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"nonsense\r\n\r\n",
    ]
    for number, data in enumerate(moments * 6):
        client = server.connect()
        client.send(data)
        if number % 3 == 0 and data[-2:] == b"\r\n":
            client.sock.recv(10)
        if number % 2:
            client.reset()
        else:
            client.close()
    assert server.get("/hello?still").text == "still"


def test_thousand_connections_open_and_close_and_leave_no_descriptor(
    start_server: Starter,
) -> None:
    server = start_server(APP, "--keep-alive", "60")
    clients = [RawClient(server.endpoint) for _ in range(1000)]
    try:
        for client in clients:
            client.send(HELLO)
        for client in clients:
            assert client.read_response().text == "x"
        for client in clients[::2]:
            client.send(HELLO)
        for client in clients[::2]:
            assert client.read_response().text == "x"
    finally:
        for client in clients:
            client.close()
    assert server.get("/hello?after").text == "after"


@pytest.mark.effect("worker_connections")
def test_worker_accepts_no_more_than_its_connections(start_server: Starter) -> None:
    server = start_server(APP, "--worker-connections", "5", "--keep-alive", "60")
    clients = [server.connect() for _ in range(8)]
    for client in clients:
        client.send(HELLO)
    for client in clients[:5]:
        assert client.read_response().text == "x"
    (pid,) = server.worker_pids()
    assert _sockets(pid) == 6
    for client in clients[:3]:
        client.close()
    for client in clients[5:]:
        assert client.read_response().text == "x"


def test_worker_without_descriptors_serves_one_after_the_other_and_rests(
    start_server: Starter,
) -> None:
    """EMFILE: no crash, no busy loop, a word in the log once a second; who is idle gives way."""
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))\n"
    options = ["--keep-alive", "60", "--worker-connections", "1000"]
    server = start_server(APP, *options, config=limit)
    (pid,) = server.worker_pids()
    idlest = server.connect()
    idlest.send(HELLO)
    assert idlest.read_response().text == "x"
    clients = [server.connect() for _ in range(60)]
    for client in clients:
        client.send(HELLO)
    server.log.wait_for("cannot accept: EMFILE")
    began, used = time.monotonic(), processor_seconds(pid)
    for client in clients:
        assert client.read_response().text == "x"
    idlest.expect_end()
    clients[-1].send(HELLO)
    assert clients[-1].read_response().text == "x"
    took = time.monotonic() - began
    assert processor_seconds(pid) - used < 0.2 * took + 0.1
    assert len(server.log.lines("EMFILE")) <= took + 2
    assert server.worker_pids() == [pid]


@pytest.mark.effect("header_timeout")
def test_head_that_drips_is_ended_with_408_while_others_are_served(start_server: Starter) -> None:
    server = start_server(APP, "--header-timeout", "0.3")
    drip, other = server.connect(), server.connect()
    for byte in b"GET /hello?slow HTTP/1.1\r\nHo":
        drip.send(bytes([byte]))
        assert other.request("GET", "/hello?x").text == "x"
    answer = drip.read_response()
    assert (answer.status, answer.closes) == (408, True)
    drip.expect_end()


def test_kept_connection_expires_and_is_told_nothing(start_server: Starter) -> None:
    server = start_server(APP, "--keep-alive", "0.3")
    client = server.connect()
    assert client.request("GET", "/hello?x").closes is False
    client.expect_end()
