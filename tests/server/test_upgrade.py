"""SIGUSR2: a new program on the same sockets, and back again when it is none.

Runs in: cli
"""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.manager import NotifySocket, activation
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "supervised:app"


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "module"
    path.write_text("first")
    return path


@pytest.fixture
def server(start_server: Starter, module: Path) -> RunningServer:
    env = {"SUPERVISED_FILE": str(module)}
    return start_server(APP, "--pid", "server.pid", workers=2, config="", env=env)


def stop_old(server: RunningServer, old: int) -> None:
    os.kill(old, signal.SIGTERM)
    line = "The old arbiter has gone; this one takes its place"
    wait_until(
        lambda: any(f"[{server.pid}]" in found for found in server.log.lines(line)), "promoted"
    )
    wait_until(
        lambda: server.process.poll() is not None or old != server.process.pid, "the old one ends"
    )


def test_new_program_takes_over_when_the_old_one_is_stopped(
    server: RunningServer, module: Path
) -> None:
    module.write_text("second")
    old_workers = server.worker_pids()
    old = server.upgrade()
    assert server.pidfile_says(old)
    assert server.pidfile_says(server.pid, "server.pid.2")
    assert {server.get("/module").text for _ in range(20)} <= {"first", "second"}
    stop_old(server, old)
    wait_until(lambda: server.pidfile_says(server.pid), "it has the pid file")
    assert not (server.files / "server.pid.2").exists()
    assert server.get("/module").text == "second"
    assert not set(old_workers) & set(server.worker_pids())


def test_new_program_reads_the_settings_of_now(server: RunningServer) -> None:
    server.write_config("raw_env = ['COLOUR=blue']")
    stop_old(server, server.upgrade())
    assert server.get("/environ/COLOUR").text == "blue"
    assert server.get("/environ/FASTFORK_UPGRADE").text == "-"


def test_new_program_that_does_not_start_leaves_the_old_one_in_charge(
    server: RunningServer, module: Path
) -> None:
    server.expect_alarm("refused on purpose")
    module.write_text("raise")
    before = server.worker_pids()
    server.signal("USR2")
    server.log.wait_for("The new arbiter ended (exit code 3")
    assert server.worker_pids() == before
    assert server.pidfile_says(server.pid)
    assert not (server.files / "server.pid.2").exists()
    assert server.get("/module").text == "first"
    module.write_text("second")
    stop_old(server, server.upgrade())
    assert server.get("/module").text == "second"


def test_workers_come_back_when_the_new_program_fails_after_winch(server: RunningServer) -> None:
    old = server.upgrade()
    os.kill(old, signal.SIGWINCH)
    wait_until(lambda: processes.children(old) == [server.pid], "no old worker is left")
    new, server.successor = server.pid, None
    os.kill(new, signal.SIGKILL)
    server.log.wait_for("The new arbiter ended (signal 9")
    server.wait_for_workers(2)
    server.log.wait_for("Worker ready", count=6)
    assert server.get("/module").text == "first"


def test_new_program_can_be_stopped_and_nothing_has_happened(server: RunningServer) -> None:
    old = server.upgrade()
    new, server.successor = server.pid, None
    os.kill(new, signal.SIGTERM)
    server.log.wait_for("The new arbiter ended (exit code 0")
    assert server.pidfile_says(old)
    assert server.get("/module").text == "first"


def test_second_upgrade_waits_for_the_first(server: RunningServer) -> None:
    old = server.upgrade()
    os.kill(old, signal.SIGUSR2)
    server.log.wait_for("SIGUSR2: an upgrade is under way already")
    server.signal("USR2")
    server.log.wait_for("SIGUSR2: this is the new program of an upgrade; stop the old one first")
    stop_old(server, old)
    stop_old(server, server.upgrade())
    assert server.get("/module").text == "first"


@pytest.mark.parametrize("bind", ["unix:server.sock", "unix:@fastfork-test-{pid}"])
def test_upgrade_keeps_unix_sockets(start_server: Starter, bind: str) -> None:
    bind = bind.format(pid=os.getpid())
    server = start_server(APP, "--bind", bind)
    place = str(server.files / "server.sock") if "@" not in bind else f"\0{bind[6:]}"
    server.endpoint = place
    idle = server.connect()
    assert idle.request("GET", "/pid").status == 200
    old = server.upgrade()
    stop_old(server, old)
    with RawClient(place) as client:
        assert client.request("GET", "/pid").text in map(str, server.worker_pids())
    if "@" not in bind:
        inode = Path(place).stat().st_ino
        stop_old(server, server.upgrade())
        assert Path(place).stat().st_ino == inode
        server.signal("stop")
        wait_until(lambda: not Path(place).exists(), "the last one removes the file")


def test_upgrade_under_socket_activation_has_the_right_descriptors(start_server: Starter) -> None:
    """The new program has no LISTEN_FDS, and the sockets all the same."""
    with socket.create_server(("127.0.0.1", 0)) as web:
        through, pass_fds = activation("web", [web])
        server = start_server(APP, through=through, pass_fds=pass_fds)
        assert server.get("/environ/LISTEN_FDS").text == "-"
        for _ in range(2):
            stop_old(server, server.upgrade())
            assert "systemd:web = " in server.log.lines("Listening at:")[-1]
            assert server.get("/pid").text in map(str, server.worker_pids())
            assert server.get("/environ/LISTEN_FDS").text == "-"
        server.endpoint = ("127.0.0.1", 0)  # it is ours, and stays open


def test_manager_is_told_which_process_is_the_server(
    start_server: Starter, server_files: Path
) -> None:
    notify = NotifySocket(str(server_files / "notify"))
    server = start_server(APP, env={"NOTIFY_SOCKET": notify.address})
    old = server.upgrade()
    stop_old(server, old)
    wait_until(
        lambda: {"MAINPID": str(server.pid)} in notify.read(), "the old one names the new one"
    )
    assert "STOPPING" not in notify.order()
    wait_until(lambda: notify.order().count("READY") == 2, "the new one says READY")
    notify.close()
