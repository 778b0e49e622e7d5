"""The arithmetic of Workers; what forks is tested with real processes."""

from __future__ import annotations

import logging
import signal

import pytest

from fastfork import logs
from fastfork.arbiter.children import memory
from fastfork.arbiter.children.child import REMIND_AFTER, Child
from fastfork.arbiter.children.workers import KILL_MARGIN, Workers
from fastfork.config import Config
from fastfork.ipc import Order, Scoreboard, State
from fastfork.ipc.scoreboard import PLACES_AT, REQUEST_LINE_AT


class FakeChild(Child):
    """Notes signals instead of sending them."""

    def send(self, signum: int) -> None:
        self.sent.add(signum)


@pytest.fixture
def board() -> Scoreboard:
    return Scoreboard(8)


@pytest.fixture
def workers(board: Scoreboard, monkeypatch: pytest.MonkeyPatch) -> Workers:
    monkeypatch.setattr(logs.LOGGER, "propagate", True)
    return Workers(board, lambda *_: pytest.fail("nobody is forked here"), 1)


@pytest.fixture
def child(workers: Workers, board: Scoreboard) -> FakeChild:
    child = FakeChild(pid=7, nr=0, age=1, generation=0, spawned_at=0.0, slot=board.slot(0))
    workers.children.add(child)
    return child


def test_target_leaves_half_of_the_scoreboard_for_replacements(
    workers: Workers, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "fastfork.error"):
        workers.aim_for(4)
        assert (workers.target, caplog.messages) == (4, [])
        workers.aim_for(5)
    assert workers.target == 4
    assert caplog.messages == ["Workers: 4 at most, until the server is restarted"]


def test_nothing_to_do_has_no_deadline(workers: Workers, child: FakeChild) -> None:
    assert workers.next_deadline() == float("inf")


def test_earliest_deadline_is_the_next(workers: Workers, child: FakeChild) -> None:
    child.kill_at = 50.0
    assert workers.next_deadline() == 50.0
    child.stalled_at = 40.0
    assert workers.next_deadline() == 40.0


def test_worker_that_drains_itself_leaves_and_has_a_deadline(
    workers: Workers, child: FakeChild
) -> None:
    child.slot.state = State.DRAINING
    workers.read_scoreboard(Config(graceful_timeout=9))
    assert child.leaving
    assert not child.told
    assert child.ready_at is not None
    assert child.kill_at == pytest.approx(child.ready_at + 9 + KILL_MARGIN, abs=1)


@pytest.mark.parametrize("state", [State.EMPTY, State.BOOTING])
def test_worker_that_loads_is_not_ready(workers: Workers, child: FakeChild, state: State) -> None:
    child.slot.state = state
    workers.read_scoreboard(Config())
    assert child.ready_at is None
    assert not workers.ever_ready


def test_silent_worker_is_named_with_its_escaped_request(
    workers: Workers, child: FakeChild, caplog: pytest.LogCaptureFixture
) -> None:
    line = b"GET /a\x1b[2J HTTP/1.1\r\n"
    start = PLACES_AT + REQUEST_LINE_AT
    child.slot.view[start : start + len(line)] = line
    child.slot.ints[PLACES_AT // 8] = 1
    child.slot.ints[PLACES_AT // 8 + 1] = len(line)
    child.slot.state = State.READY
    child.slot.heartbeat_ns = 1
    workers._silence._forgiven_until = 0.0
    workers.kill_stalled(timeout=0)
    assert child.stalled_at is None
    workers.kill_stalled(timeout=30)
    assert child.stalled_at is not None
    assert caplog.messages[0].startswith("WORKER TIMEOUT (pid: 7, worker: 0): silent for ")
    assert caplog.messages[0].endswith(r"while serving: GET /a\x1b[2J HTTP/1.1\r\n")


def test_overdue_worker_is_killed_once(workers: Workers, child: FakeChild) -> None:
    child.kill_at = 0.0
    workers.kill_overdue()
    assert len(child.sent) == 1
    child.sent.clear()
    workers.kill_overdue()
    assert not child.sent


def test_worker_that_has_not_heard_is_told_once_more(
    workers: Workers, child: FakeChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("fastfork.clock.now", lambda: now)
    child.slot.state = State.READY
    child.leave(signal.SIGTERM, 130.0)
    child.sent.clear()
    workers.kill_overdue()
    assert not child.sent
    now += REMIND_AFTER
    workers.kill_overdue()
    assert child.sent == {signal.SIGTERM}
    child.sent.clear()
    workers.kill_overdue()
    assert not child.sent


def test_worker_that_has_heard_is_left_alone(
    workers: Workers, child: FakeChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr("fastfork.clock.now", lambda: now)
    child.leave(signal.SIGTERM, 130.0)
    child.slot.state = State.DRAINING
    child.sent.clear()
    now += 2 * REMIND_AFTER
    workers.kill_overdue()
    assert not child.sent


def test_worker_that_asks_for_a_replacement_serves_on(workers: Workers, child: FakeChild) -> None:
    child.slot.state = State.SPENT
    workers.read_scoreboard(Config())
    assert (child.is_spent, child.leaving) == (True, False)
    assert child.is_outdated(workers.generation)


def test_worker_that_loads_for_too_long_is_ended(
    workers: Workers, child: FakeChild, caplog: pytest.LogCaptureFixture
) -> None:
    workers.watch_loading(timeout=0, boot_timeout=0)
    assert not child.overslept
    workers.watch_loading(timeout=0, boot_timeout=30)
    assert child.overslept
    assert child.stalled_at is not None
    assert "more than boot_timeout, 30 s" in caplog.messages[0]


def test_worker_above_max_rss_is_to_be_replaced(
    workers: Workers, child: FakeChild, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "resident", lambda _pid: 700 << 20)
    child.slot.state = State.READY
    child.observe(1.0)
    workers.watch_memory(0)
    assert child.slot.rss_bytes == 700 << 20
    assert not child.is_spent
    workers._memory = memory.MemoryWatch()
    workers.watch_memory(512 << 20)
    assert (child.is_spent, child.leaving) == (True, False)


def test_worker_told_last_finds_the_order_before_the_signal(child: FakeChild) -> None:
    child.leave(15, 1.0, Order.LAST)
    assert child.slot.order == Order.LAST
    child.leave(3, 1.0)
    assert child.slot.order == Order.LAST
