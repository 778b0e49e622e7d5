"""How often a worker looks up when no event tells it to."""

from __future__ import annotations

from typing import Any

import pytest

from fastfork.config import Config
from fastfork.workers.pace import IDLE, IDLE_BESIDE, TICK, Pace


def pace(*, shares: bool = True, **settings: Any) -> Pace:
    return Pace(Config(**settings), shares=shares)


def waits(one: Pace, *requests: int, at_work: bool = False, limit: float = 0.0) -> list[float]:
    return [one.wait(number, at_work=at_work, limit=limit) for number in requests]


def test_worker_that_nobody_asks_looks_up_seldom() -> None:
    assert waits(pace(), 0, 0, 0, 7, 7, 9) == [TICK, IDLE, IDLE, TICK, IDLE, TICK]


def test_worker_at_work_looks_up_every_second() -> None:
    assert waits(pace(), 5, 5, 5, at_work=True) == [TICK] * 3


def test_idle_worker_looks_sooner_where_connections_stay_with_a_busy_one() -> None:
    assert waits(pace(shares=False, workers=2), 0, 0) == [TICK, IDLE_BESIDE]
    assert waits(pace(shares=False, workers=1), 0, 0) == [TICK, IDLE]


@pytest.mark.parametrize(
    "settings",
    [{"reload": True}, {"statsd_host": ("localhost", 8125)}, {"certfile": "x", "tls_reload": True}],
)
def test_what_has_to_be_looked_at_is_looked_at_every_second(settings: dict[str, Any]) -> None:
    assert waits(pace(**settings), 0, 0) == [TICK, TICK]


def test_there_are_several_heartbeats_within_the_timeout() -> None:
    assert waits(pace(timeout=6.0), 0, 0) == [TICK, 2.0]
    assert waits(pace(timeout=1.5), 0, 0) == [0.5, 0.5]
    assert waits(pace(timeout=0.0), 0, 0) == [TICK, IDLE]


def test_request_that_is_over_its_limit_is_found_in_time() -> None:
    assert waits(pace(timeout=30.0), 0, 0, limit=3.0) == [TICK, 1.0]
