"""The way down: drain_delay, who is served last, and WINCH, after which nothing serves.

Runs in: cli
"""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.server import RunningServer
from tests.kit.uptime import age
from tests.kit.waiting import wait_until

APP = "supervised:app"


@pytest.fixture
def go(tmp_path: Path) -> Path:
    path = tmp_path / "go"
    path.write_text("wait")
    return path


def wait_until_later(server: RunningServer) -> None:
    """Signals that come at once are one wish."""
    now = age(server.pid)
    wait_until(lambda: age(server.pid) > now + 0.5, "half a second has passed")


@pytest.mark.effect("drain_delay")
def test_server_serves_on_while_it_drains(start_server: Starter) -> None:
    server = start_server(APP, "--drain-delay", "1", workers=2)
    began = time.monotonic()
    server.signal("stop")
    server.log.wait_for("Draining: not ready any more, and serving for 1 s")
    served = 0
    while "Stopping; running requests" not in server.log.text():
        answer = server.get("/pid")
        assert (answer.status, answer.closes) == (200, True)
        served += 1
    assert time.monotonic() - began >= 0.9
    assert served > 1
    assert server.wait_exit() == 0


@pytest.mark.parametrize("threads", ["1", "4"])
def test_server_that_drains_asks_its_clients_to_come_back_on_another_connection(
    start_server: Starter, threads: str
) -> None:
    """A balancer without health checks learns by it, one connection after the other."""
    options = ("--drain-delay", "60", "--keep-alive", "60", "--threads", threads)
    server = start_server(APP, *options, workers=2)
    kept, idle = server.connect(), server.connect()
    for client in (kept, idle):
        assert not client.request("GET", "/pid").closes
    server.signal("stop")
    server.log.wait_for("Draining: ")
    assert kept.request("GET", "/pid").closes
    kept.expect_end()
    new = server.connect()
    assert new.request("POST", "/pid", body=b"new").closes
    new.expect_end()
    assert idle.request("GET", "/pid").closes
    wait_until_later(server)
    server.signal("stop")
    assert server.wait_exit(10) == 0


def test_worker_that_dies_while_the_server_drains_is_replaced(start_server: Starter) -> None:
    server = start_server(APP, "--drain-delay", "60")
    before = server.worker_pids()
    server.signal("stop")
    server.log.wait_for("Draining: ")
    server.connect().send_request(target="/exit/7")
    server.wait_for_workers(1, without=before)
    server.log.wait_for("Worker ready", count=2)
    assert server.get("/pid").status == 200
    wait_until_later(server)
    server.signal("stop")
    assert server.wait_exit(10) == 0


def test_second_stop_ends_the_drain_and_not_the_requests(start_server: Starter, go: Path) -> None:
    server = start_server(APP, "--drain-delay", "60", env={"SUPERVISED_FILE": str(go)})
    client = server.connect()
    client.send_request(target="/wait")
    server.log.wait_for("The application gets /wait")
    server.signal("stop")
    server.log.wait_for("Draining: ")
    wait_until_later(server)
    server.signal("stop")
    server.log.wait_for("Stopping; running requests have")
    go.write_text("go")
    assert client.read_response().text == "ok"
    client.close()
    assert server.wait_exit() == 0
    assert "Quick" not in server.log.text()


def test_queue_beyond_worker_connections_is_served_before_the_end(
    start_server: Starter, go: Path
) -> None:
    """One at a time has room; the others were let in by the kernel before the stop."""
    options = ["--worker-connections", "1"]
    server = start_server(APP, *options, env={"SUPERVISED_FILE": str(go)})
    first = server.connect()
    first.send_request(target="/wait")
    server.log.wait_for("The application gets /wait")
    queued = [server.connect() for _ in range(20)]
    for client in queued:
        client.send_request(target="/random")
    server.signal("stop")
    server.log.wait_for("Stopping; running requests have")
    go.write_text("go")
    assert first.read_response().text == "ok"
    first.close()
    for client in queued:
        assert client.read_response().status == 200
        client.close()
    assert server.wait_exit() == 0


def test_nobody_new_comes_in_once_the_stop_has_begun(start_server: Starter, go: Path) -> None:
    server = start_server(APP, env={"SUPERVISED_FILE": str(go)})
    client = server.connect()
    client.send_request(target="/wait")
    server.log.wait_for("The application gets /wait")
    server.signal("stop")
    server.log.wait_for("Stopping; running requests have")
    with socket.socket() as late:
        late.settimeout(0.5)
        with pytest.raises((TimeoutError, ConnectionRefusedError)):
            late.connect(server.endpoint)
    go.write_text("go")
    assert client.read_response().text == "ok"
    client.close()
    assert server.wait_exit() == 0


def test_winch_lets_the_workers_go_and_a_reload_brings_them_back(start_server: Starter) -> None:
    server = start_server(APP, workers=2)
    server.signal("WINCH")
    wait_until(lambda: server.worker_pids() == [], "no worker is left")
    server.log.wait_for("Workers finish and go; SIGHUP brings them back")
    # Clients wait in the queue meanwhile.
    client = server.connect()
    client.send_request(target="/pid")
    server.signal("reload")
    workers = server.wait_for_workers(2)
    assert int(client.read_response().text) in workers
    server.log.wait_for("Worker ready", count=4)
    server.signal("WINCH")
    wait_until(lambda: server.worker_pids() == [], "no worker is left")
    server.signal("more")
    server.wait_for_workers(1)
    server.log.wait_for("Worker ready", count=5)


def test_server_without_workers_can_be_stopped(start_server: Starter) -> None:
    server = start_server(APP)
    server.signal("WINCH")
    wait_until(lambda: server.worker_pids() == [], "no worker is left")
    server.signal("stop")
    assert server.wait_exit(5) == 0


def test_readiness_is_said_on_the_scoreboard(start_server: Starter) -> None:
    """Through a hook, which sees the arbiter's memory."""
    config = """
import os
from fastfork.ipc import ServerState
drain_delay = 60
def child_exit(server, worker):
    server.log.info("state %s", server._arbiter.scoreboard.server_state.name)
"""
    server: RunningServer = start_server(APP, config=config)
    server.get("/pid")
    server.connect().send_request(target="/exit/7")
    server.log.wait_for("state READY")
    server.log.wait_for("Worker ready", count=2)
    server.signal("stop")
    server.log.wait_for("Draining: ")
    server.connect().send_request(target="/exit/7")
    server.log.wait_for("state DRAINING")
    server.log.wait_for("Worker ready", count=3)
    server.signal("quit")
    assert server.wait_exit() == 0
    server.log.wait_for("state STOPPING")
