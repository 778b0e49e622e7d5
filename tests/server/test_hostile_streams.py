"""Streams to clients that leave: the application learns it, and soon.

Runs in: cli
"""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "hostile_streams:app"
PAUSE = 0.05  # seconds between two blocks of /events
SOON = 1.0  # seconds after the next block; the promise


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """The file in which the application says what happened to it."""
    path = tmp_path / "told"
    path.touch()
    return path


def start(start_server: Starter, told: Path, *options: str) -> RunningServer:
    return start_server(APP, *options, env={"HOSTILE_FILE": str(told)})


def wait_for_line(told: Path, beginning: str) -> float:
    """The time at which the first such line was written, once it is there."""

    def found() -> list[str]:
        return [line for line in told.read_text().splitlines() if line.startswith(beginning)]

    return float(wait_until(found, f"{beginning!r} is told")[0].split()[-1])


def leave(client: RawClient, how: str) -> None:
    if how == "reset":
        client.reset()
    else:
        client.close()


@pytest.mark.parametrize("how", ["close", "reset"])
def test_stream_of_events_is_closed_soon_after_its_client_left(
    start_server: Starter, told: Path, how: str
) -> None:
    server = start(start_server, told)
    client = server.connect()
    client.send_request("GET", "/events/one")
    assert client.sock.recv(65536).startswith(b"HTTP/1.1 200 ")
    leave(client, how)
    left = time.monotonic()
    closed = wait_for_line(told, "closed one")
    blocks = [float(line.split()[-1]) for line in told.read_text().splitlines() if "block" in line]
    next_block = min(moment for moment in blocks if moment > left - PAUSE)
    assert closed - next_block < SOON
    assert server.get("/").text == "ok"
    assert told.read_text().count("closed one") == 1


@pytest.mark.parametrize("how", ["close", "reset"])
def test_stream_that_waits_for_its_reader_is_closed_when_the_reader_leaves(
    start_server: Starter, told: Path, how: str
) -> None:
    server = start(start_server, told, "--write-timeout", "60")
    client = server.connect()
    client.send_request("GET", "/flood/one")
    wait_for_line(told, "began one")
    (pid,) = server.worker_pids()
    wait_until(lambda: processes.rests(pid), "the stream waits for its reader")
    assert "closed" not in told.read_text()
    assert server.get("/").text == "ok"
    leave(client, how)
    wait_for_line(told, "closed one")
    assert server.worker_pids() == [pid]


def test_stream_goes_on_for_a_client_that_has_only_stopped_sending(
    start_server: Starter, told: Path
) -> None:
    """A half-closed connection still reads (RFC 9112 section 9.6)."""
    server = start(start_server, told)
    client = server.connect()
    client.send_request("GET", "/events/one")
    client.half_close()
    wait_for_line(told, "block one 10 ")
    received = b""
    while received.count(b"data: now") < 10:
        received += client.sock.recv(65536)
    assert "closed" not in told.read_text()
    client.reset()
    wait_for_line(told, "closed one")


def test_worker_serves_others_beside_a_stream_that_never_ends(
    start_server: Starter, told: Path
) -> None:
    server = start(start_server, told)
    readers = [server.connect() for _ in range(3)]
    for number, client in enumerate(readers):
        client.send_request("GET", f"/events/{number}")
    for client in readers:
        assert client.sock.recv(65536)
    for _ in range(5):
        assert server.get("/").text == "ok"
    for number, client in enumerate(readers):
        client.reset()
        wait_for_line(told, f"closed {number}")


def test_reset_while_the_application_runs_costs_nobody_else(
    start_server: Starter, told: Path
) -> None:
    server = start(start_server, told)
    (pid,) = server.worker_pids()
    before = processes.sockets(pid)
    gone = server.connect()
    gone.send_request("GET", "/hold/one")
    wait_for_line(told, "began one")
    waiting = server.connect()  # accepted by the kernel, not yet by the worker
    waiting.send_request("GET", "/")
    queued = [server.connect() for _ in range(5)]
    for client in queued[:3]:
        client.send_request("GET", "/hold/never-run")
    for client in queued:
        client.reset()
    gone.reset()
    Path(f"{told}.go").touch()
    assert waiting.read_response().text == "ok"
    assert server.worker_pids() == [pid]
    wait_until(lambda: processes.sockets(pid) <= before + 1, "the connections are gone")


def test_urgent_data_is_not_part_of_a_request(start_server: Starter, told: Path) -> None:
    """MSG_OOB before a head, in it, before a body, in it, and on an idle connection."""
    server = start(start_server, told, "--keep-alive", "60")
    (pid,) = server.worker_pids()
    client, other = server.connect(), server.connect()
    pieces = (
        b"GET / HTTP/1.1\r\nHo",
        b"st: h\r\n\r\n",
        b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc",
        b"def",
    )
    for piece in pieces:
        client.sock.send(b"!", socket.MSG_OOB)
        client.send(piece)
        assert other.request("GET", "/").text == "ok"  # by now the piece has been read
    assert client.read_response().text == "ok"
    assert client.read_response().text == "6"
    client.sock.send(b"!", socket.MSG_OOB)
    wait_until(lambda: processes.rests(pid), "the worker rests")
    assert client.request("GET", "/").text == "ok"


def test_flood_of_urgent_data_is_refused_like_any_other(start_server: Starter, told: Path) -> None:
    """Only the last urgent byte is kept apart; tcp(7) makes the others ordinary ones."""
    server = start(start_server, told)
    (pid,) = server.worker_pids()
    client = server.connect()
    for _ in range(300):
        client.sock.send(b"!", socket.MSG_OOB)
    client.send(b"\r\n\r\n")
    assert client.read_response().status == 400
    client.expect_end()
    wait_until(lambda: processes.rests(pid), "the worker rests")
    assert server.get("/").text == "ok"
    assert server.worker_pids() == [pid]
