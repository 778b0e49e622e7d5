"""Many connections that say nothing or half of something, and accepts that fail.

Runs in: cli
"""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.faults import failing_accepts
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "worker_plain:app"
HELLO = b"GET /hello?x HTTP/1.1\r\nHost: h\r\n\r\n"
HALF_HEAD = b"GET /hello?x HTTP/1.1\r\nHost: h\r\nX-Drip: "
POST = b"POST /echo HTTP/1.1\r\nHost: h\r\n"
SILENT = 1000
HALF = 800
HEAD_BYTES = 4096  # of server memory for each half-sent head at most
UPLOAD = 1_000_000  # bytes; below body_buffer
UPLOADS = 200
MEMORY_OF_ALL = 100 << 20  # bytes for them; 64 MiB in memory, chunked ones in larger blocks
GREEDY = 50
GREEDY_BYTES = 256 << 10  # of server memory for each client that only asks
IDLE_SHARE = 0.02  # of a core that an idle worker may use: it looks up once a second


@contextmanager
def crowd(server: RunningServer, count: int) -> Iterator[list[RawClient]]:
    """So many connections, closed at the end."""
    with ExitStack() as stack:
        yield [stack.enter_context(RawClient(server.endpoint)) for _ in range(count)]


def wait_until_held(pid: int, count: int) -> None:
    wait_until(
        lambda: processes.sockets(pid) >= count,
        lambda: f"{processes.sockets(pid)} sockets of {count}",
    )


def cpu_share_until_end(pid: int, client: RawClient) -> float:
    """Share of a core that the worker uses until it ends this connection, for idleness."""
    wait_until(lambda: processes.rests(pid), "the worker rests")
    began, used = time.monotonic(), processes.cpu_seconds(pid)
    client.expect_end()
    return (processes.cpu_seconds(pid) - used) / (time.monotonic() - began)


def test_thousand_silent_connections_cost_no_cpu_and_hold_up_nobody(start_server: Starter) -> None:
    server = start_server(APP, "--worker-connections", "2000", "--keep-alive", "2")
    (pid,) = server.worker_pids()
    before = processes.sockets(pid)
    with crowd(server, SILENT):
        wait_until_held(pid, SILENT)
        other = server.connect()
        for _ in range(50):
            assert other.request("GET", "/hello?x").text == "x"
        assert cpu_share_until_end(pid, other) < IDLE_SHARE
        assert server.get("/hello?still").text == "still"
    wait_until(lambda: processes.sockets(pid) == before, "the silent ones are gone")
    assert server.get("/hello?after").text == "after"
    assert server.worker_pids() == [pid]


def test_new_connection_that_stays_silent_is_closed_after_ten_seconds(
    start_server: Starter,
) -> None:
    server = start_server(APP)
    client = server.connect(timeout=15.0)
    client.expect_end()
    assert not client.received


def test_half_sent_heads_are_small_and_all_gone_by_their_deadline_though_they_drip(
    start_server: Starter, http_parser: str
) -> None:
    timeout = 3.0
    server = start_server(
        APP, "--http-parser", http_parser, "--header-timeout", str(timeout), "--keep-alive", "60"
    )
    (pid,) = server.worker_pids()
    other = server.connect()
    assert other.request("GET", "/hello?x").text == "x"
    before, held = processes.memory(pid), processes.sockets(pid)
    with crowd(server, HALF) as clients:
        for client in clients:
            client.send(HALF_HEAD)
        began = time.monotonic()
        wait_until_held(pid, HALF)
        assert other.request("GET", "/hello?x").text == "x"
        assert (processes.memory(pid) - before) / HALF < HEAD_BYTES
        while time.monotonic() - began < timeout / 2:
            for client in clients:
                client.send(b"a")
            assert other.request("GET", "/hello?x").text == "x"
        for client in clients:
            assert client.read_response().status == 408
        assert time.monotonic() - began < timeout + 1.0 + 2.0  # a second, and a busy machine
        for client in clients:
            client.expect_end()
    wait_until(lambda: processes.sockets(pid) == held, "the worker lets go")
    assert server.worker_pids() == [pid]


def test_worker_with_64_descriptors_and_150_connects_rests_and_recovers(
    start_server: Starter,
) -> None:
    """The limit is lowered behind its back, so that it runs into it."""
    server = start_server(APP, "--keep-alive", "3")
    (pid,) = server.worker_pids()
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (64, 64))
    with crowd(server, 150):
        server.log.wait_for("cannot accept: EMFILE")
        other = server.connect()
        assert other.request("GET", "/hello?x").text == "x"  # the silent ones gave way
        began, used = time.monotonic(), processes.cpu_seconds(pid)
        other.expect_end()  # the end of its keep-alive, or it gives way too
        for _ in range(5):
            assert server.get("/hello?new").text == "new"
        share = (processes.cpu_seconds(pid) - used) / (time.monotonic() - began)
        assert share < 0.2  # a busy loop would be 1
    assert server.get("/hello?after").text == "after"
    assert server.worker_pids() == [pid]


@pytest.mark.parametrize("number", [errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EMFILE])
def test_shortage_of_the_system_is_told_and_waited_out(
    start_server: Starter, tmp_path: Path, number: int
) -> None:
    server = start_server(APP, env=failing_accepts(tmp_path, (number, 3)))
    (pid,) = server.worker_pids()
    client = server.connect()
    client.send(HELLO)
    server.log.wait_for(f"cannot accept: {errno.errorcode[number]}")
    assert client.read_response().text == "x"
    assert server.worker_pids() == [pid]
    assert len(server.log.lines("cannot accept")) == 1


@pytest.mark.parametrize("number", [errno.ECONNABORTED, errno.EPROTO, errno.EINTR, errno.EPERM])
def test_connection_that_died_in_the_queue_is_passed_over(
    start_server: Starter, tmp_path: Path, number: int
) -> None:
    server = start_server(APP, env=failing_accepts(tmp_path, (number, 40)))
    (pid,) = server.worker_pids()
    client = server.connect()
    assert client.request("GET", "/hello?x").text == "x"
    assert server.worker_pids() == [pid]
    assert not server.log.lines("cannot accept")


def test_connections_reset_in_the_queue_leave_nothing(start_server: Starter) -> None:
    """The peer is gone before getpeername, or before the first read."""
    server = start_server(APP)
    (pid,) = server.worker_pids()
    before = processes.sockets(pid)
    for number in range(300):
        with socket.create_connection(server.endpoint, 10) as sock:  # type: ignore[arg-type]
            if number % 2:
                sock.sendall(HELLO)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    wait_until(lambda: processes.sockets(pid) == before, "all are gone")
    assert server.get("/hello?after").text == "after"
    assert server.worker_pids() == [pid]


def test_uploads_that_are_held_back_share_the_memory_of_the_worker(
    start_server: Starter, http_parser: str
) -> None:
    """Each is small enough for memory, all of them are not: the disk takes what is too much."""
    server = start_server(APP, "--http-parser", http_parser)
    (pid,) = server.worker_pids()
    assert server.get("/hello?x").text == "x"
    body = os.urandom(UPLOAD)
    digest = hashlib.sha256(body).hexdigest()
    before = processes.memory(pid)
    with crowd(server, UPLOADS) as clients:
        for number, client in enumerate(clients):
            if number % 2:
                client.send(POST + b"Content-Length: %d\r\n\r\n" % UPLOAD, body[:-1])
            else:
                client.send(POST + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % UPLOAD, body[:-1])
        other = server.connect()
        for _ in range(20):
            assert other.request("POST", "/echo", body=b"small").text.startswith("5 ")
        assert processes.memory(pid) - before < MEMORY_OF_ALL
        for number, client in enumerate(clients):
            client.send(body[-1:] if number % 2 else body[-1:] + b"\r\n0\r\n\r\n")
            assert client.read_response().text == f"{UPLOAD} {digest}"
    assert server.worker_pids() == [pid]


def test_clients_that_pipeline_and_never_read_take_little_memory(
    start_server: Starter, http_parser: str
) -> None:
    server = start_server(APP, "--http-parser", http_parser, "--write-timeout", "30")
    (pid,) = server.worker_pids()
    assert server.get("/hello?x").text == "x"
    before = processes.memory(pid)
    request = b"GET /stream/100 HTTP/1.1\r\nHost: h\r\n\r\n" * 1000
    with crowd(server, GREEDY) as clients:
        for client in clients:
            client.sock.settimeout(0)
            with suppress(BlockingIOError):
                for _ in range(100):
                    client.sock.send(request)
        wait_until(lambda: processes.rests(pid), "the worker rests")
        assert server.get("/hello?x").text == "x"
        assert (processes.memory(pid) - before) / GREEDY < GREEDY_BYTES
    assert server.worker_pids() == [pid]
