"""The crew's own arithmetic; what forks is tested with real processes."""

from __future__ import annotations

import logging

import pytest

from fastfork import logs
from fastfork.arbiter.children import Child
from fastfork.arbiter.crew import KILL_MARGIN, Crew
from fastfork.config import Config
from fastfork.ipc import Scoreboard, SignalMailbox, State


class NoMailbox(SignalMailbox):
    """Takes over no signal."""

    def __init__(self) -> None:
        pass


class FakeChild(Child):
    """Notes signals instead of sending them."""

    def send(self, signum: int) -> None:
        self.sent.add(signum)


@pytest.fixture
def board() -> Scoreboard:
    return Scoreboard(8)


@pytest.fixture
def crew(board: Scoreboard, monkeypatch: pytest.MonkeyPatch) -> Crew:
    monkeypatch.setattr(logs.LOGGER, "propagate", True)
    return Crew(NoMailbox(), board, lambda *_: pytest.fail("nobody is forked here"), 1)


@pytest.fixture
def child(crew: Crew, board: Scoreboard) -> FakeChild:
    child = FakeChild(pid=7, nr=0, age=1, generation=0, spawned_at=0.0, slot=board.slot(0))
    crew.children.add(child)
    return child


def test_target_leaves_half_of_the_scoreboard_for_replacements(
    crew: Crew, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "fastfork.error"):
        crew.aim_for(4)
        assert (crew.target, caplog.messages) == (4, [])
        crew.aim_for(5)
    assert crew.target == 4
    assert caplog.messages == ["Workers: 4 at most, until the server is restarted"]


def test_nothing_to_do_has_no_deadline(crew: Crew, child: FakeChild) -> None:
    assert crew.next_deadline() == float("inf")


def test_earliest_deadline_is_the_next(crew: Crew, child: FakeChild) -> None:
    child.kill_at = 50.0
    assert crew.next_deadline() == 50.0
    child.stalled_at = 40.0
    assert crew.next_deadline() == 40.0


def test_worker_that_drains_itself_leaves_and_has_a_deadline(crew: Crew, child: FakeChild) -> None:
    child.slot.state = State.DRAINING
    crew.read_scoreboard(Config(graceful_timeout=9))
    assert child.leaving
    assert not child.told
    assert child.ready_at is not None
    assert child.kill_at == pytest.approx(child.ready_at + 9 + KILL_MARGIN, abs=1)


@pytest.mark.parametrize("state", [State.EMPTY, State.BOOTING])
def test_worker_that_loads_is_not_ready(crew: Crew, child: FakeChild, state: State) -> None:
    child.slot.state = state
    crew.read_scoreboard(Config())
    assert child.ready_at is None
    assert not crew.ever_ready


def test_silent_worker_is_named_with_its_escaped_request(
    crew: Crew, child: FakeChild, caplog: pytest.LogCaptureFixture
) -> None:
    line = b"GET /a\x1b[2J HTTP/1.1\r\n"
    child.slot.view[128 : 128 + len(line)] = line
    child.slot.ints[10] = len(line)
    child.slot.in_flight_since_ns = 1
    child.slot.state = State.READY
    child.slot.heartbeat_ns = 1
    crew._silence._forgiven_until = 0.0
    crew.kill_stalled(timeout=0)
    assert child.stalled_at is None
    crew.kill_stalled(timeout=30)
    assert child.stalled_at is not None
    assert caplog.messages[0].startswith("WORKER TIMEOUT (pid: 7, worker: 0): silent for ")
    assert caplog.messages[0].endswith(r"while serving: GET /a\x1b[2J HTTP/1.1\r\n")


def test_overdue_worker_is_killed_once(crew: Crew, child: FakeChild) -> None:
    child.kill_at = 0.0
    crew.kill_overdue()
    assert len(child.sent) == 1
    child.sent.clear()
    crew.kill_overdue()
    assert not child.sent
