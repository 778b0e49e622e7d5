"""A helper process, without the process: when it is started, and what it has said."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from fastfork import clock
from fastfork.arbiter.forking.spawn import Runnable
from fastfork.arbiter.helpers import helper
from fastfork.arbiter.helpers.helper import Helper
from fastfork.ipc import Scoreboard, SignalMailbox


class NoMailbox(SignalMailbox):
    """Takes over no signal."""

    def __init__(self) -> None:
        pass


class Forks:
    """Stands for fork(2): counts, and keeps the helper's end of the pipe."""

    def __init__(self) -> None:
        self.count = 0
        self.writer = -1
        self.error: OSError | None = None

    def spawn(self, make: Callable[[], Runnable], _mailbox: SignalMailbox) -> int:
        if self.error is not None:
            raise self.error
        make()
        self.count += 1
        return 1000 + self.count

    def make(self, writer: int) -> Runnable:
        self.writer = os.dup(writer)
        os.set_blocking(self.writer, False)
        return self  # type: ignore[return-value]

    def close(self) -> None:
        if self.writer >= 0:
            os.close(self.writer)
            self.writer = -1


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time; set now[0]."""
    time = [100.0]
    monkeypatch.setattr(clock, "now", lambda: time[0])
    monkeypatch.setattr(clock, "now_ns", lambda: int(time[0] * 1e9))
    return time


@pytest.fixture
def forks(monkeypatch: pytest.MonkeyPatch) -> Iterator[Forks]:
    forks = Forks()
    monkeypatch.setattr(helper, "spawn", forks.spawn)
    monkeypatch.setattr(helper, "is_there", lambda _pid: True)
    yield forks
    forks.close()


@pytest.fixture
def watcher(forks: Forks) -> Iterator[Helper]:
    watcher = Helper("watcher", forks.make, NoMailbox())
    yield watcher
    watcher.pid = None  # no process of ours to kill
    watcher.stop()


def test_helper_is_started_once(watcher: Helper, forks: Forks, now: list[float]) -> None:
    watcher.keep()
    watcher.keep()
    assert (forks.count, watcher.pid) == (1, 1001)


def test_helper_that_dies_at_once_is_started_later_each_time(
    watcher: Helper, forks: Forks, now: list[float]
) -> None:
    delays = []
    for _ in range(4):
        watcher.keep()
        began = now[0]
        forks.close()
        assert watcher.pid is not None
        watcher.bury(watcher.pid, 9)
        while watcher.pid is None:
            now[0] += 0.05
            watcher.keep()
        delays.append(now[0] - began)
    assert delays == pytest.approx([0.1, 0.2, 0.4, 0.8], abs=0.06)


def test_helper_that_lived_is_replaced_soon(
    watcher: Helper, forks: Forks, now: list[float]
) -> None:
    for _ in range(3):
        watcher.keep()
        forks.close()
        now[0] += 60
        watcher.keep()
        assert watcher.pid is not None
        watcher.bury(watcher.pid, 9)
        now[0] += 0.11
        watcher.keep()
        assert watcher.pid is not None


def test_helper_that_is_silent_is_killed_once_and_replaced(
    forks: Forks, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, signum: killed.append((pid, signum)))
    slot = Scoreboard(1).slot(0)
    beating = Helper("admin process", forks.make, NoMailbox(), slot)
    beating.keep()
    for _ in range(20):
        now[0] += 1
        slot.beat()
        beating.keep()
    assert not killed
    for _ in range(8):
        now[0] += 1
        beating.keep()
    assert killed == [(1001, signal.SIGKILL)]
    forks.close()
    beating.bury(1001, signal.SIGKILL)
    for _ in range(4):  # the heartbeat is not the dead one's
        now[0] += 1
        beating.keep()
    assert (beating.pid, len(killed)) == (1002, 1)
    for _ in range(3):
        now[0] += 1
        beating.keep()
    assert killed[1:] == [(1002, signal.SIGKILL)]
    beating.pid = None


def test_helper_is_not_blamed_for_the_time_in_which_nobody_looked(
    forks: Forks, now: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, signum: killed.append(pid))
    beating = Helper("admin process", forks.make, NoMailbox(), Scoreboard(1).slot(0))
    beating.keep()
    now[0] += 3600  # the machine slept
    beating.keep()
    assert not killed
    beating.pid = None


def test_death_of_another_process_is_none_of_its_business(
    watcher: Helper, forks: Forks, now: list[float]
) -> None:
    watcher.keep()
    watcher.bury(7, 0)
    assert watcher.pid == 1001


def test_lines_are_read_as_they_come(watcher: Helper, forks: Forks, now: list[float]) -> None:
    assert watcher.messages() == []
    watcher.keep()
    assert watcher.messages() == []
    os.write(forks.writer, "/a.py, /ä.py\n/b.py\n".encode())
    assert watcher.messages() == ["/a.py, /ä.py", "/b.py"]
    assert watcher.messages() == []


def test_process_that_cannot_be_started_is_tried_again_later(
    watcher: Helper, forks: Forks, now: list[float]
) -> None:
    forks.error = OSError(11, "Resource temporarily unavailable")
    watcher.keep()
    forks.error = None
    watcher.keep()
    assert watcher.pid is None
    now[0] += 0.11
    watcher.keep()
    assert watcher.pid == 1001
