"""`fastfork signal NAME`: the names of the table, and the pid file.

Runs in: cli
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.server import environment
from tests.kit.waiting import wait_until

APP = "supervised:app"


def tell(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "fastfork", "signal", *words],
        cwd=folder,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=30,
    )


def test_names_of_the_table_reach_the_server(start_server: Starter) -> None:
    server = start_server(APP, config="pidfile = 'here.pid'\n")
    done = tell(server.files, "more")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    server.wait_for_workers(2)
    assert tell(server.files, "SIGHUP").returncode == 0
    server.log.wait_for("Reload complete")
    assert tell(server.files.parent, "rest", "--pid", str(server.files / "here.pid")).stderr == ""
    wait_until(lambda: server.worker_pids() == [], "no worker is left")
    assert tell(server.files, "quit").returncode == 0
    assert server.wait_exit() == 0
    gone = tell(server.files, "stop")
    assert gone.returncode == 1
    assert "names no process; is the server running" in gone.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["reload"], 1, "pidfile: not set here; write --pid FILE"),
        (["jump", "--pid", "x"], 2, "'jump' is no signal's name; write one of stop, quit, reload"),
        ([], 2, "required: NAME"),
        (["stop", "--pid", "stale"], 1, "names process 4194305, which is not there any more"),
        (["stop", "--pid", "nonsense"], 1, "names no process"),
        (["stop", "--config", "absent.py"], 1, "absent.py"),
        (["--help"], 0, ""),
    ],
)
def test_what_cannot_be_told_is_one_clear_line(
    tmp_path: Path, words: list[str], code: int, said: str
) -> None:
    (tmp_path / "stale").write_text("4194305\n")  # above every pid (proc(5) pid_max)
    (tmp_path / "nonsense").write_text("what?\n")
    done = tell(tmp_path, *words)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_help_lists_every_name(tmp_path: Path) -> None:
    text = tell(tmp_path, "--help").stdout
    for name in ("stop", "quit", "reload", "reopen", "more", "fewer", "upgrade", "rest"):
        assert f"  {name} " in text
