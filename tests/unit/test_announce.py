"""The first lines of the log: what is not as it is elsewhere."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator

import pytest

from fastfork import port
from fastfork.arbiter import announce
from fastfork.errors import StartError


class Kept(logging.Handler):
    """Keeps the lines."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def lines() -> Iterator[list[str]]:
    log, handler = announce.log, Kept()
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler.lines
    log.removeHandler(handler)
    log.setLevel(level)


def free_threaded(monkeypatch: pytest.MonkeyPatch, lock_is_on: bool) -> None:
    monkeypatch.setattr(sys, "abiflags", "t")
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: lock_is_on, raising=False)


def test_free_threaded_python_has_its_lock_on(
    monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    free_threaded(monkeypatch, lock_is_on=True)
    announce.starting()
    assert lines[-1] == (
        "This Python is free-threaded; its lock is on, because the server needs it"
    )


@pytest.mark.usefixtures("lines")
def test_lock_that_was_forced_off_ends_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    free_threaded(monkeypatch, lock_is_on=False)
    with pytest.raises(StartError, match=r"PYTHON_GIL=0 .* leave that out"):
        announce.starting()


def test_what_is_linuxs_alone_is_said_to_be_left_out(
    monkeypatch: pytest.MonkeyPatch, lines: list[str]
) -> None:
    monkeypatch.setattr(port, "IS_LINUX", False)
    announce.starting()
    assert lines[-1] == f"For development, without what is Linux's alone: {port.ABSENT}"
    for setting in ("max_rss", "preload_app", "refork"):
        assert setting in lines[-1]


def test_on_linux_there_is_one_line(monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    monkeypatch.setattr(port, "IS_LINUX", True)
    monkeypatch.setattr(sys, "abiflags", "")
    announce.starting()
    assert len(lines) == 1
