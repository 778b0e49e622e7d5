"""No room on the disk for a body or an answer: told, answered, survived.

Runs in: cli
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.programs import program
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "hostile_streams:app"
MIB = 1 << 20
ROOM = 4 * MIB  # bytes; bodies go to the disk beyond one MiB
FITS, FULL = b"x" * (2 * MIB), b"x" * (6 * MIB)


@pytest.fixture(params=["a full disk", "a file that may not grow"])
def cramped(
    request: pytest.FixtureRequest, start_server: Starter, tmp_path: Path
) -> Iterator[RunningServer]:
    """A server whose temporary files have room for 4 MiB."""
    env = {"HOSTILE_FILE": str(tmp_path / "told")}
    if request.param == "a file that may not grow":  # EFBIG; needs no rights
        limit = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({ROOM}, {ROOM}))\n"
        yield start_server(APP, config=limit, env=env)
        return
    if os.getuid() != 0:
        pytest.skip("only root may mount a file system of 4 MiB")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = [program("mount"), "-t", "tmpfs", "-o", f"size={ROOM}", "tmpfs", str(disk)]
    subprocess.run(mount, check=True, timeout=10)
    try:
        yield start_server(APP, "--tmp-upload-dir", str(disk), env=env)
    finally:
        # Lazily: the server, which ends after this fixture, may still have it open.
        subprocess.run(["umount", "-l", str(disk)], check=True, timeout=10)


def chunked(body: bytes) -> bytes:
    pieces = [body[at : at + 60_000] for at in range(0, len(body), 60_000)]
    return b"".join(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces) + b"0\r\n\r\n"


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_request_that_finds_no_room_is_answered_507_and_logged(
    cramped: RunningServer, framing: str
) -> None:
    (pid,) = cramped.worker_pids()
    for _ in range(3):
        client = cramped.connect()
        head = b"POST /echo HTTP/1.1\r\nHost: h\r\n"
        if framing == "length":
            client.send(head + b"Content-Length: %d\r\n\r\n" % len(FULL))
        else:
            client.send(head + b"Transfer-Encoding: chunked\r\n\r\n")
        try:
            client.send(FULL if framing == "length" else chunked(FULL))
        except OSError:
            pass  # it sends far more than is drained; what it reads is what counts
        answer = client.read_response()
        assert (answer.status, answer.closes) == (507, True)
        client.close()
        # The room is given back, and the worker goes on.
        assert cramped.connect().request("POST", "/echo", body=FITS).text == str(len(FITS))
    assert len(cramped.log.lines("a request body cannot be kept")) == 3
    assert cramped.worker_pids() == [pid]


@pytest.mark.parametrize("options", [(), ("--threads", "2"), ("-k", "gevent")], ids=str)
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("beyond", [1, 4000])
def test_body_whose_last_bytes_find_no_room_is_answered_507(
    start_server: Starter, tmp_path: Path, options: tuple[str, ...], framing: str, beyond: int
) -> None:
    """They wait in the buffer of the file until it is read."""
    limit = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({ROOM}, {ROOM}))\n"
    env = {"HOSTILE_FILE": str(tmp_path / "told")}
    server = start_server(APP, *options, config=limit, env=env)
    client = server.connect()
    body = b"x" * (ROOM + beyond)
    head = b"POST /echo HTTP/1.1\r\nHost: h\r\n"
    if framing == "length":
        client.send(head + b"Content-Length: %d\r\n\r\n" % len(body), body)
    else:
        client.send(head + b"Transfer-Encoding: chunked\r\n\r\n", chunked(body))
    answer = client.read_response()
    assert (answer.status, answer.closes) == (507, True)
    client.expect_end()
    assert len(server.log.lines("a request body cannot be kept")) == 1
    assert server.connect().request("POST", "/echo", body=FITS).text == str(len(FITS))


def test_answer_that_finds_no_room_is_cut_and_logged(cramped: RunningServer) -> None:
    (pid,) = cramped.worker_pids()
    before = processes.sockets(pid)
    client = cramped.connect()
    client.send_request("GET", "/push/30")
    cramped.log.wait_for("cannot be kept")
    assert cramped.get("/").text == "ok"
    wait_until(lambda: processes.sockets(pid) == before, "the connection is closed")
    received = b""
    try:
        while piece := client.sock.recv(MIB):
            received += piece
    except ConnectionResetError:
        pass
    assert received.startswith(b"HTTP/1.1 200 ")
    assert not received.endswith(b"0\r\n\r\n")  # the client can tell that it was cut
    assert cramped.get("/").text == "ok"
    assert cramped.worker_pids() == [pid]
