"""Patience with a crash loop."""

from __future__ import annotations

import pytest

from fastfork.arbiter.children.backoff import FIRST_DELAY, LONGEST_DELAY, Backoff


def test_first_worker_need_not_wait() -> None:
    assert Backoff().wait(0.0) == 0.0


def test_delay_doubles_up_to_the_longest() -> None:
    backoff, now, delays = Backoff(), 100.0, []
    for _ in range(12):
        backoff.failed(now)
        delays.append(backoff.wait(now))
        now = backoff.allowed_at
    assert delays[:4] == pytest.approx([0.1, 0.2, 0.4, 0.8])
    assert delays[-2:] == [LONGEST_DELAY, LONGEST_DELAY]


def test_each_level_is_news_once() -> None:
    backoff, now, news = Backoff(), 100.0, []
    for _ in range(13):
        news.append(backoff.failed(now))
        now = backoff.allowed_at
    assert news == [True] * 10 + [False] * 3


def test_deaths_during_the_delay_are_one_failure() -> None:
    backoff = Backoff()
    assert [backoff.failed(100.0 + n / 1000) for n in range(8)] == [True] + [False] * 7
    assert backoff.delay == FIRST_DELAY


def test_healthy_worker_younger_than_the_trouble_ends_it() -> None:
    backoff = Backoff()
    backoff.failed(100.0)
    backoff.lived(spawned_at=100.1)
    assert backoff.wait(100.1) == 0.0
    assert backoff.failed(200.0)
    assert backoff.delay == FIRST_DELAY


def test_worker_older_than_the_trouble_does_not_end_it() -> None:
    backoff = Backoff()
    backoff.failed(100.0)
    backoff.lived(spawned_at=50.0)
    assert backoff.wait(100.0) == pytest.approx(FIRST_DELAY)


def test_worker_that_leaves_in_order_is_no_failure_unless_it_goes_on_and_on() -> None:
    backoff = Backoff()
    assert [backoff.left(10.0 + number, most=2) for number in range(3)] == [True, True, False]
    assert not backoff.left(13.5, most=2)
    assert backoff.left(30.0, most=2)
