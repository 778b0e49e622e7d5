"""Random schedules, the first of them; `make schedules` plays a thousand.

Runs in: cli
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.schedules.plan import KINDS, THREADS, WORKERS, schedule
from tests.schedules.series import Series, run_series

SHAPES = [(threads, workers) for threads in THREADS for workers in WORKERS]
SECONDS = 16.0  # of all shapes together
COUNT = 25  # schedules of a shape, if there is time


@pytest.mark.slow
@pytest.mark.parametrize(("threads", "workers"), SHAPES)
def test_every_answer_is_whole_and_nothing_is_left(
    start_server: Starter, server_files: Path, threads: int, workers: int
) -> None:
    series = Series(
        threads=threads, workers=workers, first=1, count=COUNT, seconds=SECONDS / len(SHAPES)
    )
    assert run_series(series, start_server, server_files) > 1


@pytest.mark.slow
def test_no_warning_in_development_mode(start_server: Starter, server_files: Path) -> None:
    series = Series(threads=THREADS[-1], workers=1, first=1001, count=5, seconds=6.0, dev=True)
    assert run_series(series, start_server, server_files) > 1


def test_a_schedule_is_made_of_its_seed_alone() -> None:
    assert str(schedule(7, 4, 1)) == str(schedule(7, 4, 1))
    assert str(schedule(7, 4, 1)) != str(schedule(8, 4, 1))


def test_the_first_schedules_have_requests_of_every_kind() -> None:
    steps = [
        step for seed in range(1, 26) for client in schedule(seed, 1, 1).clients for step in client
    ]
    assert {one.kind for step in steps for one in step.requests} == set(KINDS)
    assert any(step.leave for step in steps)
    assert any(len(step.requests) > 1 for step in steps)
