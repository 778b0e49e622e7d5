"""Logs that go to a pipe which is read slowly, or by nobody: they cost lines, and no answer.

Runs in: cli
"""

from __future__ import annotations

import fcntl
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.conftest import Starter
from tests.kit.programs import library
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "reconfiguring:app"
SMALL = 4096  # bytes of a pipe
# One write may wait a second for its reader, and the machine is busy with other tests.
PATIENCE = 8.0  # seconds

# Puts a descriptor at a number and becomes the command that follows.
BECOME = """
import os, sys
os.dup2(int(sys.argv[1]), int(sys.argv[2]))
os.close(int(sys.argv[1]))
os.execv(sys.argv[3], sys.argv[3:])
"""
WAYS = {"one thread": [], "threads": ["--threads", "4"], "gevent": ["-k", "gevent"]}
every_way = pytest.mark.parametrize("way", WAYS)


class Pipe:
    """A small pipe, and what has been read from it."""

    def __init__(self) -> None:
        self.out, self.into = os.pipe()
        fcntl.fcntl(self.out, fcntl.F_SETPIPE_SZ, SMALL)
        os.set_blocking(self.out, False)
        self.text = ""

    def read(self, size: int = 65536) -> bool:
        """Take what is there.  Whether there was something."""
        try:
            came = os.read(self.out, size).decode()
        except BlockingIOError:
            return False
        self.text += came
        return bool(came)

    def has(self, text: str) -> bool:
        """Read on; whether that has come."""
        self.read()
        return text in self.text

    def close(self) -> None:
        for fd in (self.out, self.into):
            if fd >= 0:
                os.close(fd)
        self.out = self.into = -1


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def start(start_server: Starter, pipe: Pipe, way: str, number: int, *options: str) -> RunningServer:
    """A server whose standard output (1) or error (2) is the pipe."""
    if way == "gevent":
        library("gevent")
    server = start_server(
        APP, "--bind", "127.0.0.1:0", *WAYS[way], *options, ready=False, pass_fds=(pipe.into,),
        through=(sys.executable, "-c", BECOME, str(pipe.into), str(number)),
    )  # fmt: skip
    if number == 1:
        return server.wait_ready()
    wait_until(lambda: pipe.has("Worker ready"), "a worker", 30)
    found = re.search(r"Listening at: http://([^:]+):(\d+)", pipe.text)
    assert found, pipe.text
    server.endpoint = (found[1], int(found[2]))
    return server


def seconds_of(call: Callable[[], object]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


@every_way
@pytest.mark.parametrize("blocks", [True, False], ids=["blocking", "non-blocking"])
def test_standard_error_that_nobody_reads_costs_lines_and_no_answer(
    start_server: Starter, pipe: Pipe, way: str, *, blocks: bool
) -> None:
    os.set_blocking(pipe.into, blocks)
    server = start(start_server, pipe, way, 2)

    def ask() -> None:
        for _ in range(60):  # more than the pipe holds
            assert server.get("/errors").text == "done"
            assert server.get("/log").text == "done"

    assert seconds_of(ask) < PATIENCE
    assert server.get("/err").status == 500  # its traceback is lost too
    while pipe.read():
        pass

    def told() -> bool:
        server.get("/log")
        return pipe.has("of this log were lost: it could not be written")

    wait_until(told, "the number of lost lines")
    os.set_blocking(pipe.into, True)


@every_way
def test_standard_error_whose_reader_has_gone_costs_no_answer(
    start_server: Starter, pipe: Pipe, way: str
) -> None:
    server = start(start_server, pipe, way, 2)
    os.close(pipe.out)
    pipe.out = -1
    for path in ("/errors", "/log", "/"):
        assert server.get(path).text == "done"
    assert server.get("/err").status == 500
    server.signal("reopen")
    assert server.get("/").text == "done"


@every_way
def test_slow_reader_of_the_access_log_holds_nobody_up(
    start_server: Starter, pipe: Pipe, way: str
) -> None:
    """It takes 4 KiB now and then, as a log driver that blocks does."""
    server = start(start_server, pipe, way, 1, "--access-logfile", "-", "--timeout", "6")
    over = threading.Event()

    def read_slowly() -> None:
        while not over.wait(0.5):
            pipe.read(SMALL)

    reader = threading.Thread(target=read_slowly)
    reader.start()
    try:
        for _ in range(3):
            assert seconds_of(lambda: _ask_many(server)) < PATIENCE
    finally:
        over.set()
        reader.join()
    assert "WORKER TIMEOUT" not in server.log.text()
    server.log.wait_for("Access log on standard output: ")
    assert seconds_of(lambda: _stop(server)) < PATIENCE


def _ask_many(server: RunningServer) -> None:
    request = b"GET /" + b"p" * 300 + b" HTTP/1.1\r\nHost: h\r\n\r\n"
    clients = [server.connect() for _ in range(8)]
    for client in clients:
        client.send(request * 50)
    for client in clients:
        for _ in range(50):
            assert client.read_response().text == "done"
        client.close()


def _stop(server: RunningServer) -> None:
    server.signal("stop")
    assert server.wait_exit() == 0
