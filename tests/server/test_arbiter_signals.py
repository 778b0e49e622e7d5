"""Signals to a running server: stop, quit, more, fewer, reopen, and the ones refused."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.server import RunningServer
from tests.kit.uptime import age
from tests.kit.waiting import wait_until

APP = "supervised:app"


@pytest.fixture
def server(start_server: Starter) -> RunningServer:
    return start_server(APP, "--graceful-timeout", "5", workers=2)


def keep_busy(server: RunningServer, target: str) -> None:
    """Send a request that never ends, and wait until the application has it."""
    server.connect().send_request(target=target)
    server.log.wait_for(f"The application gets {target}")


@pytest.mark.parametrize("name", ["TERM", "INT", "QUIT"])
def test_idle_server_stops_at_once_with_exit_code_0(server: RunningServer, name: str) -> None:
    began = time.monotonic()
    server.signal(name)
    assert server.wait_exit() == 0
    assert time.monotonic() - began < 3


def test_running_request_is_answered_before_the_server_stops(
    start_server: Starter, tmp_path: Path
) -> None:
    module = tmp_path / "module"
    module.write_text("wait")
    server = start_server(APP, env={"SUPERVISED_FILE": str(module)})
    client = server.connect()
    client.send_request(target="/wait")
    server.log.wait_for("The application gets /wait")
    server.signal("TERM")
    server.log.wait_for("Stopping; running requests have 30 s")
    module.write_text("go")
    assert client.read_response().status == 200
    assert server.wait_exit() == 0


def test_second_term_shortens_a_graceful_stop(start_server: Starter) -> None:
    server = start_server(APP, "--graceful-timeout", "60")
    keep_busy(server, "/block")
    server.signal("TERM")
    server.log.wait_for("Stopping; running requests have 60 s")
    # Far enough from the first to be a second wish.
    now = age(server.pid)
    wait_until(lambda: age(server.pid) > now + 0.5, "half a second has passed")
    server.signal("TERM")
    server.log.wait_for("Quick shutdown requested")
    assert server.wait_exit(10) == 0


@pytest.mark.parametrize("name", ["INT", "QUIT"])
def test_quit_shortens_a_graceful_stop(start_server: Starter, name: str) -> None:
    server = start_server(APP, "--graceful-timeout", "60")
    keep_busy(server, "/block")
    server.signal("TERM")
    server.log.wait_for("Stopping; running requests have 60 s")
    server.signal(name)
    assert server.wait_exit(10) == 0


def test_term_sent_twice_at_once_is_one_wish(server: RunningServer) -> None:
    server.signal("TERM")
    server.signal("TERM")
    assert server.wait_exit() == 0
    assert "Quick" not in server.log.text()


def test_worker_that_does_not_finish_is_killed_after_graceful_timeout(
    start_server: Starter,
) -> None:
    server = start_server(APP, "--graceful-timeout", "0.5")
    keep_busy(server, "/stuck")
    server.signal("TERM")
    assert server.wait_exit(10) == 0
    line = server.log.wait_for("Worker did not finish in time; killing it")
    assert line.endswith("while serving: GET /stuck HTTP/1.1")
    assert "SIGKILL (Killed), sent by the arbiter" in server.log.text()


def test_quick_stop_kills_a_worker_stuck_in_c(start_server: Starter) -> None:
    server = start_server(APP, "--graceful-timeout", "60")
    keep_busy(server, "/stuck")
    server.signal("INT")
    assert server.wait_exit(10) == 0
    server.log.wait_for("Worker did not finish in time; killing it")


def test_signal_to_the_whole_group_is_a_normal_stop(server: RunningServer) -> None:
    os.killpg(server.pid, signal.SIGINT)  # Ctrl-C in a terminal
    assert server.wait_exit() == 0
    assert "Traceback" not in server.log.text()


def test_more_and_fewer_workers(server: RunningServer) -> None:
    first = server.worker_pids()
    server.signal("more")
    assert set(first) < set(server.wait_for_workers(3))
    server.log.wait_for("Workers wanted: 3 (before: 2)")
    server.log.wait_for("Worker ready", count=3)
    server.signal("fewer")
    server.wait_for_workers(2, without=first[:1])  # the oldest goes
    server.signal("fewer")
    server.wait_for_workers(1)
    server.signal("fewer")
    server.signal("more")  # handled after it
    server.log.wait_for("Workers wanted: 2 (before: 1)")
    server.signal("fewer")
    server.log.wait_for("Workers wanted: 1 (before: 2)", count=2)
    server.wait_for_workers(1)
    assert server.get("/pid").text == str(server.worker_pids()[0])


@pytest.mark.parametrize("name", ["HUP", "WINCH", "TTIN", "TTOU"])
def test_signal_for_the_arbiter_does_a_worker_no_harm(server: RunningServer, name: str) -> None:
    before = server.worker_pids()
    for pid in before:
        os.kill(pid, getattr(signal, f"SIG{name}"))
    assert {server.get("/pid").status for _ in range(4)} == {200}
    assert server.worker_pids() == before


def test_worker_that_is_told_to_finish_is_replaced(server: RunningServer) -> None:
    victim, other = server.worker_pids()
    os.kill(victim, signal.SIGTERM)
    assert other in server.wait_for_workers(2, without=[victim])


@pytest.mark.effect("errorlog")
def test_log_files_are_reopened_by_everyone(start_server: Starter, server_files: Path) -> None:
    log, moved = server_files / "error.log", server_files / "moved.log"
    server = start_server(APP, "--error-logfile", str(log), workers=2, ready=False)
    wait_until(lambda: log.exists() and log.read_text().count("Worker ready") == 2, "ready")
    log.rename(moved)
    server.signal("reopen")
    wait_until(log.exists, "the log file is made again")
    everyone = [server.pid, *server.worker_pids()]
    wait_until(
        lambda: not any(str(moved) in " ".join(processes.descriptors(pid)) for pid in everyone),
        "nobody writes to the moved file",
    )
    server.signal("TERM")
    assert server.wait_exit() == 0
    assert "Stopping" in log.read_text()


def test_stop_after_a_storm_of_signals_is_a_stop(server: RunningServer) -> None:
    for name in ["more", "fewer", "reload", "reopen", "CHLD"] * 20:
        server.signal(name)
    server.signal("TERM")
    assert server.wait_exit() == 0
