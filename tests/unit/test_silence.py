"""Who counts as silent, and in which steps a silent worker is ended."""

from __future__ import annotations

import signal

import pytest

from fastfork.arbiter.children import stalled
from fastfork.arbiter.children.child import Child
from fastfork.arbiter.children.stalled import ARBITER_LATE, SilenceWatch
from fastfork.ipc import Scoreboard, State


class FakeChild(Child):
    """Notes signals instead of sending them."""

    def send(self, signum: int) -> None:
        self.sent.add(signum)


@pytest.fixture
def child() -> FakeChild:
    slot = Scoreboard(1).slot(0)
    return FakeChild(pid=1, nr=0, age=1, generation=0, spawned_at=100.0, slot=slot)


def beat(child: Child, state: State, at: float) -> None:
    child.slot.state = state
    child.slot.heartbeat_ns = int(at * 1e9)


def test_silence_is_measured_from_the_heartbeat(child: FakeChild) -> None:
    watch = SilenceWatch(100.0)
    beat(child, State.READY, 120.0)
    assert watch.silence(child, 131.5) == pytest.approx(11.5)


def test_worker_without_a_heartbeat_is_silent_since_the_fork(child: FakeChild) -> None:
    assert SilenceWatch(100.0).silence(child, 131.5) == pytest.approx(31.5)


def test_worker_that_loads_the_application_is_not_silent(child: FakeChild) -> None:
    beat(child, State.BOOTING, 100.0)
    assert SilenceWatch(100.0).silence(child, 9999.0) == 0.0


@pytest.mark.parametrize("state", [State.DRAINING, State.EXITING])
def test_worker_on_its_way_out_can_be_silent(child: FakeChild, state: State) -> None:
    beat(child, state, 100.0)
    assert SilenceWatch(100.0).silence(child, 140.0) == pytest.approx(40.0)


def test_silence_while_the_arbiter_was_stopped_is_forgiven(child: FakeChild) -> None:
    watch = SilenceWatch(100.0)
    beat(child, State.READY, 100.0)
    watch.look(101.0)
    watch.look(101.0 + ARBITER_LATE + 60)
    assert watch.silence(child, 101.0 + ARBITER_LATE + 60) == 0.0
    assert watch.silence(child, 101.0 + ARBITER_LATE + 65) == pytest.approx(5.0)


def test_signals_follow_each_other_once(child: FakeChild) -> None:
    child.stalled_at = 200.0
    seen = []
    for now in (200.0, 200.5, 200.8, 200.9, 201.0, 205.0):
        stalled.escalate(child, now)
        seen.append(set(child.sent))
        child.sent.clear()
    assert seen == [
        {signal.SIGABRT},
        set(),
        {signal.SIGUSR2},
        set(),
        {signal.SIGKILL},
        set(),
    ]
    assert stalled.next_signal_at(child) is None


def test_next_signal_is_known_ahead(child: FakeChild) -> None:
    assert stalled.next_signal_at(child) is None
    child.stalled_at = 200.0
    stalled.escalate(child, 200.0)
    assert stalled.next_signal_at(child) == pytest.approx(200.8)


def test_healthy_child_gets_nothing(child: FakeChild) -> None:
    stalled.escalate(child, 1e9)
    assert not child.sent
