"""The pid file: stale or live, ours or another's, never half-written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from fastfork.errors import ConfigError, StartError
from fastfork.process import pidfile
from fastfork.process.pidfile import PidFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "app.pid"


@pytest.fixture
def alive(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    pids: set[int] = set()
    monkeypatch.setattr(pidfile, "_is_alive", pids.__contains__)
    return pids


def test_file_holds_our_pid_and_everyone_may_read_it(path: Path) -> None:
    PidFile(path).write()
    assert path.read_text() == f"{os.getpid()}\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_nothing_else_is_left_in_the_directory(path: Path) -> None:
    PidFile(path).write()
    assert list(path.parent.iterdir()) == [path]


def test_live_process_in_the_file_is_refused(path: Path, alive: set[int]) -> None:
    alive.add(4242)
    path.write_text("4242\n")
    with pytest.raises(StartError, match=r"already running: .*app\.pid names process 4242"):
        PidFile(path).write()
    assert path.read_text() == "4242\n"


@pytest.mark.parametrize("text", ["4242\n", "", "four\n", "-1\n", "0\n", "9" * 30, "\xff"])
def test_stale_or_broken_file_is_replaced(path: Path, text: str, alive: set[int]) -> None:
    assert not alive
    path.write_bytes(text.encode("latin-1"))
    PidFile(path).write()
    assert PidFile(path).recorded() == os.getpid()


@pytest.mark.parametrize("pid", [-1, 0, 10**30])
def test_number_that_is_no_pid_is_not_alive(pid: int) -> None:
    assert not pidfile._is_alive(pid)


def test_our_own_pid_is_stale_as_in_a_container_that_restarts(path: Path) -> None:
    path.write_text(f"{os.getpid()}\n")
    PidFile(path).check()


def test_process_of_another_user_is_alive() -> None:
    assert pidfile._is_alive(1)
    assert pidfile._is_alive(os.getpid())


def test_refused_kill_means_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_pid: int, _signum: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", refused)
    assert pidfile._is_alive(4242)


def test_removed_only_if_it_is_ours(path: Path) -> None:
    file = PidFile(path)
    file.write()
    path.write_text("4242\n")
    file.remove()
    assert path.read_text() == "4242\n"
    file.path.write_text(f"{os.getpid()}\n")
    file.remove()
    assert not path.exists()
    file.remove()


def test_relative_path_survives_a_change_of_directory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(path.parent)
    file = PidFile("app.pid")
    file.write()
    monkeypatch.chdir("/")
    file.remove()
    assert not path.exists()


@pytest.mark.parametrize("name", ["missing/app.pid", "."])
def test_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"^pidfile: [^\n]+$"):
        PidFile(tmp_path / name).write()
    assert list(tmp_path.iterdir()) == []
