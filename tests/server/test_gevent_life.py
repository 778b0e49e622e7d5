"""The gevent worker: its heartbeat, and how it ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit.server import RunningServer

START = Callable[..., RunningServer]
APP = "greenlets:app"


def start(start_server: START, *options: str, **more: str) -> RunningServer:
    return start_server(APP, "-k", "gevent", "--keep-alive", "60", *options, **more)


def test_stop_waits_for_requests_that_wait(start_server: START) -> None:
    server = start(start_server)
    waiting, other = server.connect(), server.connect()
    waiting.send_request("GET", "/wait/stop")
    assert other.request("GET", "/closed").status == 200
    other.send(b"GET /go/stop HTTP/1.1\r\n")
    server.signal("stop")
    server.log.wait_for("Stopping")
    other.send(b"Host: x\r\n\r\n")
    assert waiting.read_response().body == b"wait"
    assert server.wait_exit() == 0


@pytest.mark.parametrize(
    ("name", "options"),
    [("quit", ()), ("stop", ("--graceful-timeout", "0.3"))],
    ids=["quit", "graceful time over"],
)
def test_request_that_is_cut_hears_of_it(
    start_server: START, name: str, options: tuple[str, ...]
) -> None:
    server = start(start_server, *options)
    client = server.connect()
    client.send_request("GET", "/exit/never")
    assert server.get("/closed").status == 200
    server.signal(name)
    assert server.wait_exit() == 0
    server.log.wait_for("the wait ended with GreenletExit")
    client.expect_end()


def test_request_that_blocks_the_hub_is_found_by_timeout(start_server: START) -> None:
    server = start(start_server, "--timeout", "1")
    [pid] = server.worker_pids()
    for text in ("WORKER TIMEOUT", "Worker aborted", "Worker exited with code 1"):
        server.expect_alarm(text)
    client = server.connect()
    client.send_request("GET", "/hold")
    line = server.log.wait_for("Worker aborted")
    assert line.endswith("while serving: GET /hold HTTP/1.1")
    server.log.wait_for('gevent.monkey.get_original("time", "sleep")(LONG)')
    server.wait_for_workers(1, without=[pid])


def test_request_that_waits_for_longer_than_timeout_is_no_matter(start_server: START) -> None:
    server = start(start_server, "--timeout", "0.5")
    [pid] = server.worker_pids()
    client = server.connect()
    client.send_request("GET", "/wait/long")
    client.expect_silence(1.5)
    assert server.get("/go/long").status == 200
    assert client.read_response().body == b"wait"
    assert server.worker_pids() == [pid]


@pytest.mark.effect("request_timeout")
def test_request_timeout_replaces_the_worker_and_tells_where_it_waits(
    start_server: START,
) -> None:
    server = start(start_server, "--request-timeout", "0.5")
    [pid] = server.worker_pids()
    server.expect_alarm("REQUEST TIMEOUT")
    client, other = server.connect(), server.connect()
    assert other.request("GET", "/closed").status == 200
    client.send_request("GET", "/wait/here")
    line = server.log.wait_for("REQUEST TIMEOUT")
    assert ": GET /wait/here HTTP/1.1; the worker is replaced" in line
    server.log.wait_for("if not event(name).wait(LONG):")
    assert other.request("GET", "/go/here").status == 200
    assert client.read_response().body == b"wait"
    server.wait_for_workers(1, without=[pid])


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["loaded", "preloaded"])
@pytest.mark.parametrize("patches", [False, True], ids=["plain", "patched by the config file"])
def test_worker_that_dies_is_replaced_at_once(
    start_server: START, options: tuple[str, ...], patches: bool
) -> None:
    patching = "from gevent import monkey\nmonkey.patch_all()\n"
    server = start(start_server, *options, config=patching if patches else "")
    for _ in range(2):
        [pid] = server.worker_pids()
        server.expect_alarm(f"(Killed); perhaps out of memory (pid: {pid})")
        os.kill(pid, signal.SIGKILL)
        server.wait_for_workers(1, without=[pid])
        assert server.get("/closed").body == b"0"


def test_import_that_waits_for_too_long_is_shown(start_server: START, tmp_path: Path) -> None:
    (tmp_path / "waits.py").write_text("import time\n\ntime.sleep(60)\napp = print\n")
    server = start_server(
        "waits:app", "-k", "gevent", "--boot-timeout", "0.5", "--pythonpath", str(tmp_path),
        ready=False,
    )  # fmt: skip
    server.expect_alarm("Worker aborted")
    assert server.wait_exit() == 3
    assert "time.sleep(60)" in server.log.text()
