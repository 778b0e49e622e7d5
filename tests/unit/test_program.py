"""What an upgrade hands over, what a terminal says, and what /proc says of memory."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from pathlib import Path

import pytest

from fastfork.arbiter.children.child import Child
from fastfork.arbiter.children.memory import LOOK_EVERY, MemoryWatch, resident
from fastfork.ipc import Scoreboard
from fastfork.process.program import VARIABLE, Inheritance, Program
from fastfork.process.terminal import Terminal


def test_inheritance_survives_its_variable() -> None:
    given = Inheritance(7, (("http://127.0.0.1:0", (3, 5)), ("unix:/run/ä b.sock", (6,))))
    assert Inheritance.from_text(given.to_text()) == given


@pytest.mark.parametrize("text", ["", "{}", "[1]", "[1, [[2]]]", "no json", '["x", []]', "null"])
def test_variable_that_is_not_ours_is_no_inheritance(text: str) -> None:
    assert Inheritance.from_text(text) is None


def test_variable_is_taken_out_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    given = Inheritance(7, (("unix:@a", (3,)),))
    monkeypatch.setenv(VARIABLE, given.to_text())
    program = Program.current()
    assert program.inheritance == given
    assert VARIABLE not in os.environ
    assert VARIABLE not in program.environ
    assert Program.current().inheritance is None


def test_program_remembers_where_it_was_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLOUR", "red")
    program = Program.current()
    monkeypatch.setenv("COLOUR", "blue")
    assert (program.directory, program.environ["COLOUR"]) == (str(tmp_path), "red")


def test_terminal_of_another_size_has_sent_the_signal() -> None:
    leader, follower = os.openpty()
    try:
        set_size(leader, 24, 80)
        terminal = Terminal(os.ttyname(follower))
        assert not terminal.was_resized()
        set_size(leader, 50, 120)
        assert terminal.was_resized()
        assert not terminal.was_resized()
    finally:
        os.close(leader)
        os.close(follower)


def set_size(descriptor: int, rows: int, columns: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def test_without_a_terminal_nobody_has_resized_it(tmp_path: Path) -> None:
    assert not Terminal(str(tmp_path / "absent")).was_resized()


def test_resident_memory_is_the_second_number_in_pages(tmp_path: Path) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "statm").write_text("1000 25 3 1 0 40 0\n")
    assert resident(7, tmp_path) == 25 * os.sysconf("SC_PAGE_SIZE")
    assert resident(8, tmp_path) == 0
    (tmp_path / "7" / "statm").write_text("")
    assert resident(7, tmp_path) == 0


def test_memory_is_looked_at_every_few_seconds_and_told_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fastfork.arbiter.children.memory.resident", lambda _pid: 100)
    slot = Scoreboard(1).slot(0)
    child = Child(
        pid=7, nr=0, age=1, generation=0, spawned_at=0.0, slot=slot, ready_at=1.0, leaving=False
    )
    watch = MemoryWatch()
    assert watch.look([child], 50, 10.0) == [child]
    assert watch.look([child], 50, 10.1) == []
    assert watch.look([child], 50, 10.0 + LOOK_EVERY) == []
    assert slot.rss_bytes == 100


@pytest.mark.parametrize("leaving", [True, False])
def test_worker_that_loads_or_leaves_is_not_replaced_for_its_size(
    monkeypatch: pytest.MonkeyPatch, leaving: bool
) -> None:
    monkeypatch.setattr("fastfork.arbiter.children.memory.resident", lambda _pid: 100)
    child = Child(
        pid=7,
        nr=0,
        age=1,
        generation=0,
        spawned_at=0.0,
        slot=Scoreboard(1).slot(0),
        ready_at=1.0 if leaving else None,
        leaving=leaving,
    )
    assert MemoryWatch().look([child], 50, 10.0) == []
