"""In the background: what the terminal gets to see, and what is left of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.server import environment
from tests.kit.waiting import wait_until

APP = "supervised:app"
Run = Callable[..., "subprocess.CompletedProcess[str]"]


class Daemon:
    """Starts the command and knows the daemon by its pid file."""

    def __init__(self, files: Path) -> None:
        self.files = files
        self.log = files / "error.txt"
        self.sock = files / "app.sock"

    def start(self, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
        """Run `fastfork --daemon` until it gives the terminal back.

        A terminal that the daemon still had open would keep this from returning.
        """
        command = [sys.executable, "-P", "-m", "fastfork", "--daemon", "--pid", "pid"]
        return subprocess.run(
            [*command, "--bind", f"unix:{self.sock}", *options, APP],
            cwd=self.files,
            env=environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    @property
    def pid(self) -> int:
        return int((self.files / "pid").read_text())

    def stop(self) -> None:
        """End the daemon, if it is there, and wait until it is gone."""
        if (self.files / "pid").exists():
            pid = self.pid
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not processes.alive(pid), "the daemon is gone")


@pytest.fixture
def daemon(server_files: Path) -> Iterator[Daemon]:
    daemon = Daemon(server_files)
    yield daemon
    daemon.stop()


def get(path: Path, target: str) -> int:
    with RawClient(str(path)) as client:
        return client.request("GET", target, [("Connection", "close")]).status


@pytest.mark.effect("daemon")
def test_command_returns_when_the_server_answers(daemon: Daemon) -> None:
    done = daemon.start("--error-logfile", str(daemon.log), "--workers", "2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert get(daemon.sock, "/pid") == 200
    for pid in (daemon.pid, *processes.children(daemon.pid)):
        shown = processes.descriptors(pid)
        assert {f"{number} -> /dev/null" for number in range(3)} <= set(shown)
        # A session of its own, and not its leader: it can get no terminal any more.
        assert os.getsid(pid) not in (pid, os.getsid(0))
    assert f" ({daemon.pid})\n" in daemon.log.read_text()


def test_log_on_the_terminal_is_told_to_end_there(daemon: Daemon) -> None:
    done = daemon.start()
    assert done.returncode == 0
    assert "errorlog: the log ends with the terminal; set --error-logfile" in done.stderr
    assert "Using worker: " in done.stderr
    assert get(daemon.sock, "/pid") == 200


def test_failed_start_is_told_with_its_exit_code(daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "module").write_text("raise")
    done = daemon.start(SUPERVISED_FILE=str(tmp_path / "module"))
    assert done.returncode == 3
    assert "refused on purpose" in done.stderr
    assert not (daemon.files / "pid").exists()


def test_address_in_use_is_told_with_its_exit_code(daemon: Daemon) -> None:
    daemon.sock.write_text("no socket")
    done = daemon.start("--error-logfile", str(daemon.log))
    assert done.returncode == 1
    assert "is there and is no socket; remove it" in done.stderr


def test_daemon_that_dies_without_a_word_is_told(daemon: Daemon) -> None:
    config = daemon.files / "fastfork.conf.py"
    config.write_text("import os\ndef when_ready(server): os._exit(7)\n")
    done = daemon.start()
    assert done.returncode == 1
    assert "fastfork: the server ended before it was ready (pid: " in done.stderr
    (daemon.files / "pid").unlink()


def test_interrupt_while_waiting_ends_the_server(daemon: Daemon, tmp_path: Path) -> None:
    (tmp_path / "module").write_text("hang")
    log = tmp_path / "log"
    with log.open("w") as output:
        command = [sys.executable, "-P", "-m", "fastfork", "-D", "-b", f"unix:{daemon.sock}", APP]
        waiting = subprocess.Popen(
            command,
            cwd=daemon.files,
            env=environment({"SUPERVISED_FILE": str(tmp_path / "module")}),
            stdin=subprocess.DEVNULL,
            stderr=output,
        )
    wait_until(lambda: "Using worker: " in log.read_text(), "the arbiter runs")
    pid = int(log.read_text().split("Listening at: ")[1].split("(")[1].split(")")[0])
    waiting.send_signal(signal.SIGINT)
    assert waiting.wait(10) == 130
    wait_until(lambda: not processes.alive(pid), "the daemon is gone")


@pytest.mark.effect("enable_stdio_inheritance")
def test_streams_are_kept_when_that_is_asked_for(daemon: Daemon, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("w") as output:
        command = [sys.executable, "-P", "-m", "fastfork", "-D", "-R", "--pid", "pid"]
        done = subprocess.run(
            [*command, "-b", f"unix:{daemon.sock}", APP],
            cwd=daemon.files,
            env=environment({}),
            stdin=subprocess.DEVNULL,
            stderr=output,
            timeout=30,
            check=False,
        )
    assert done.returncode == 0
    for pid in (daemon.pid, *processes.children(daemon.pid)):
        assert f"2 -> {log}" in processes.descriptors(pid)


def test_upgrade_of_a_daemon_stays_in_the_background(daemon: Daemon) -> None:
    assert daemon.start("--error-logfile", str(daemon.log)).returncode == 0
    old = daemon.pid
    os.kill(old, signal.SIGUSR2)
    second = daemon.files / "pid.2"
    wait_until(lambda: daemon.log.read_text().count("Worker ready") == 2, "the new one is ready")
    new = int(second.read_text())
    os.kill(old, signal.SIGTERM)
    wait_until(lambda: not processes.alive(old), "the old one is gone")
    wait_until(lambda: not second.exists(), "the new one has the pid file")
    assert daemon.pid == new
    assert get(daemon.sock, "/pid") == 200


def test_exit_handlers_of_the_config_file_are_for_the_end_of_the_daemon(daemon: Daemon) -> None:
    (daemon.files / "fastfork.conf.py").write_text(
        "import atexit, os, tempfile\nfolder = tempfile.TemporaryDirectory(dir='.')\n"
        "def note():\n    with open('notes', 'a') as file:\n        print(os.getpid(), file=file)\n"
        "atexit.register(note)\n"
    )
    assert daemon.start("--error-logfile", str(daemon.log)).returncode == 0
    pid = daemon.pid
    assert not (daemon.files / "notes").exists()
    assert [path for path in daemon.files.iterdir() if path.is_dir()]
    daemon.stop()
    assert (daemon.files / "notes").read_text() == f"{pid}\n"
    assert not [path for path in daemon.files.iterdir() if path.is_dir()]
