"""Silent workers: found, named with the request they serve, made to tell where they are, ended."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.server import RunningServer
from tests.kit.uptime import age
from tests.kit.waiting import wait_until

APP = "supervised:app"


def victim_of(server: RunningServer, target: str) -> int:
    """Make the only worker busy for ever.  Returns its pid."""
    (pid,) = server.worker_pids()
    server.connect().send_request(target=target)
    server.log.wait_for(f"The application gets {target}")
    return pid


@pytest.mark.effect("timeout")
def test_blocked_worker_tells_its_request_and_stacks_and_is_replaced(
    start_server: Starter,
) -> None:
    server = start_server(APP, "--timeout", "1")
    pid = victim_of(server, "/block")
    line = server.log.wait_for("WORKER TIMEOUT")
    assert "[CRITICAL]" in line
    assert f"(pid: {pid}, worker: 0): silent for " in line
    assert line.endswith("while serving: GET /block HTTP/1.1")
    server.log.wait_for(f"Worker aborted (pid: {pid}) while serving: GET /block HTTP/1.1")
    server.log.wait_for("Thread MainThread, most recent call last:")
    assert "threading.Event().wait(FOREVER)" in server.log.text()
    server.log.wait_for(f"Worker exited with code 1 (aborted) (pid: {pid})")
    server.wait_for_workers(1, without=[pid])
    assert server.get("/pid").status == 200


def test_worker_stuck_in_c_prints_its_stacks_and_is_killed(start_server: Starter) -> None:
    server = start_server(APP, "--timeout", "1")
    pid = victim_of(server, "/stuck")
    server.log.wait_for("WORKER TIMEOUT")
    server.log.wait_for(", sent by the arbiter")
    text = server.log.text()
    assert "Current thread 0x" in text
    assert "in stuck" in text
    server.wait_for_workers(1, without=[pid])


def test_stopped_worker_is_killed(start_server: Starter) -> None:
    server = start_server(APP, "--timeout", "1", workers=2)
    victim, other = server.worker_pids()
    os.kill(victim, signal.SIGSTOP)
    assert server.log.wait_for("WORKER TIMEOUT").endswith("while serving: no request")
    server.log.wait_for(", sent by the arbiter")
    assert other in server.wait_for_workers(2, without=[victim])


def test_application_may_load_for_longer_than_the_timeout(
    start_server: Starter, tmp_path: Path
) -> None:
    module = tmp_path / "module"
    module.write_text("hang")
    server = start_server(
        APP, "--timeout", "0.5", ready=False, env={"SUPERVISED_FILE": str(module)}
    )
    server.log.wait_for("Using worker")
    (pid,) = server.wait_for_workers(1)
    wait_until(lambda: age(pid) > 3, "three seconds of loading")
    server.log.wait_for("Worker is still loading the application after ", count=2)
    assert server.worker_pids() == [pid]
    assert "TIMEOUT" not in server.log.text()


def test_time_in_which_the_whole_server_was_stopped_is_forgiven(start_server: Starter) -> None:
    server = start_server(APP, "--timeout", "1", workers=2)
    before = server.worker_pids()
    os.killpg(server.pid, signal.SIGSTOP)
    born = age(server.pid)
    wait_until(lambda: age(server.pid) > born + 4, "four seconds of Ctrl-Z")
    os.killpg(server.pid, signal.SIGCONT)
    server.signal("more")
    server.log.wait_for("Worker ready", count=3)
    assert server.get("/pid").status == 200
    assert server.worker_pids()[:2] == before
    assert "TIMEOUT" not in server.log.text()


def test_timeout_0_waits_for_ever(start_server: Starter) -> None:
    server = start_server(APP, "--timeout", "0", "--graceful-timeout", "0.1")
    pid = victim_of(server, "/block")
    wait_until(lambda: age(pid) > 3, "three seconds")
    assert "TIMEOUT" not in server.log.text()
    assert server.worker_pids() == [pid]
    os.kill(pid, signal.SIGKILL)
    server.wait_for_workers(1, without=[pid])


def test_idle_worker_beats_often_enough_for_a_short_timeout(start_server: Starter) -> None:
    server = start_server(APP, "--timeout", "0.5", workers=2)
    before = server.worker_pids()
    wait_until(lambda: age(before[-1]) > 5, "five idle seconds")
    assert "TIMEOUT" not in server.log.text()
    assert server.worker_pids() == before
