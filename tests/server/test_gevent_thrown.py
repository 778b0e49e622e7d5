"""What gevent throws into a greenlet whose response waits is that response's, nobody else's."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.server import RunningServer

MODULE = """
import gevent

def blocks(told):
    try:
        for _ in range(20000):
            yield b"x" * 100000
    finally:
        print("CLOSED", told, flush=True)

def app(environ, start_response):
    name = environ["PATH_INFO"].strip("/")
    if name == "timeout":
        gevent.Timeout(0.3).start()
    if name == "kill":
        gevent.spawn_later(0.3, gevent.getcurrent().kill, block=False)
    if name == "exit":
        gevent.spawn_later(0.3, gevent.getcurrent().kill, gevent.GreenletExit, block=False)
    if name == "own":
        class Own(BaseException): pass
        gevent.spawn_later(0.3, gevent.getcurrent().kill, Own, block=False)
    start_response("200 OK", [("Content-Type", "text/plain")])
    if name == "beside":
        gevent.sleep(1)
        return [b"served"]
    return blocks(name) if name else [b"ok"]
"""


@pytest.fixture
def server(start_server: Starter, tmp_path: Path) -> RunningServer:
    (tmp_path / "thrown.py").write_text(MODULE)
    return start_server("thrown:app", "-k", "gevent", "--pythonpath", str(tmp_path))


@pytest.mark.parametrize("name", ["timeout", "kill", "exit", "own"])
@pytest.mark.parametrize("reads", [True, False], ids=["reads slowly", "does not read"])
def test_what_is_thrown_at_a_parked_stream_ends_that_stream(
    server: RunningServer, name: str, reads: bool
) -> None:
    server.expect_alarm(f"GET /{name}")
    pids = server.worker_pids()
    stream, beside = server.connect(), server.connect()
    stream.send_request(target=f"/{name}")
    beside.send_request(target="/beside")
    deadline = time.monotonic() + 10
    while reads and f"CLOSED {name}" not in server.log.text():
        assert time.monotonic() < deadline
        stream.sock.recv(10000)
    server.log.wait_for(f"CLOSED {name}")
    server.log.wait_for(f"Error handling request GET /{name}")
    assert beside.read_response().text == "served"
    assert server.get("/").text == "ok"
    assert server.worker_pids() == pids
    stream.reset()
