"""What the unit tests take for granted of processes: shared memory, and pids that are gone."""

from __future__ import annotations

import os
from pathlib import Path

from fastfork.ipc import Scoreboard
from fastfork.process.pidfile import PidFile


def forked(pid: int) -> int:
    """End the child at once, wait for it in the parent."""
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return pid


def test_child_writes_on_the_scoreboard_and_parent_reads() -> None:
    slot = Scoreboard(1).slot(0)
    pid = os.fork()
    if pid == 0:
        slot.requests = 42
    forked(pid)
    assert slot.requests == 42


def test_pid_file_of_a_process_that_ended_is_stale(tmp_path: Path) -> None:
    path = tmp_path / "app.pid"
    path.write_text(f"{forked(os.fork())}\n")
    PidFile(path).write()
    assert PidFile(path).recorded() == os.getpid()
