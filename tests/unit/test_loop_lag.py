"""How late an asyncio loop comes to what is due, as it is counted on the scoreboard."""

from __future__ import annotations

import time

import pytest

from fastfork._core.loop.looplag import LoopLag
from fastfork.ipc import Scoreboard, Slot, counters

ROUND = 0.002  # seconds
SAMPLE = 0.01


@pytest.fixture
def slot() -> Slot:
    return Scoreboard(1).slot(0)


@pytest.fixture
def lag(slot: Slot) -> LoopLag:
    return LoopLag(slot.view)


def counted(slot: Slot) -> int:
    return sum(slot.ints[counters.LAGS : counters.LAGS + counters.BUCKETS])


def spend(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


def test_round_is_counted_from_taking_events_to_the_next_look(slot: Slot, lag: LoopLag) -> None:
    lag.took()
    spend(ROUND)
    lag.looks()
    assert slot.ints[counters.LAG_SUM] >= ROUND * 1e9
    assert counted(slot) == 1


def test_time_that_the_loop_waits_is_no_lag(slot: Slot, lag: LoopLag) -> None:
    lag.looks()
    spend(ROUND)
    lag.took()
    assert (slot.ints[counters.LAG_SUM], counted(slot)) == (0, 0)


def test_longest_is_that_since_it_was_last_published(slot: Slot, lag: LoopLag) -> None:
    for seconds in (0.0, ROUND, 0.0):
        lag.took()
        spend(seconds)
        lag.looks()
    longest = lag.publish()
    assert ROUND * 1e9 <= longest == slot.ints[counters.LAG_LONGEST]
    assert lag.publish() == slot.ints[counters.LAG_LONGEST] == 0


def test_sample_is_wanted_when_the_last_is_over_and_some_time_has_gone_by(
    slot: Slot, lag: LoopLag
) -> None:
    assert lag.wants_sample()
    spend(SAMPLE)
    assert not lag.wants_sample()
    lag.looks()
    assert slot.ints[counters.LAG_SUM] >= SAMPLE * 1e9
    assert lag.wants_sample()
    lag.looks()
    assert not lag.wants_sample()


def test_counts_outlive_the_worker_and_words_of_the_server_stay_what_they_are() -> None:
    board = Scoreboard(1)
    slot = board.claim(0)
    slot.ints[counters.LAGS + counters.BUCKETS - 1] = slot.ints[counters.LAG_SUM] = 5
    slot.ints[counters.TASKS] = slot.ints[counters.LAG_LONGEST] = 7
    slot.clear()
    server = board.server
    assert (server[counters.LAG_SUM], server[counters.LAGS + counters.BUCKETS - 1]) == (5, 5)
    assert (server[counters.TASKS], server[counters.LAG_LONGEST]) == (0, 0)
    assert set(counters.COUNTED).isdisjoint(
        range(counters.EDITS, counters.ENDS + len(counters.Reason))
    )
