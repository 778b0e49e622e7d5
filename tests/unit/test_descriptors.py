"""How many connections are enough for so many descriptors."""

from __future__ import annotations

import resource

import pytest

from fastfork.process import descriptors


@pytest.mark.parametrize(
    ("limit", "expected"), [(16, 5), (64, 21), (256, 96), (1024, 480), (65_536, 32_736)]
)
def test_connections_are_half_of_what_the_rest_leaves(limit: int, expected: int) -> None:
    assert descriptors.connections(limit) == expected


def test_there_is_always_one_connection() -> None:
    assert descriptors.connections(1) == 1


@pytest.mark.parametrize(
    ("soft", "hard", "expected"),
    [
        (1024, 4096, 4096),
        (1024, 1024, 1024),
        (1024, 1 << 20, descriptors.ENOUGH),
        (1024, resource.RLIM_INFINITY, descriptors.ENOUGH),
    ],
)
def test_soft_limit_is_raised_to_the_hard_one_or_to_what_is_enough(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, expected: int
) -> None:
    limits = {resource.RLIMIT_NOFILE: (soft, hard)}
    monkeypatch.setattr(resource, "getrlimit", limits.__getitem__)
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)
    assert descriptors.raise_limit() == expected
    assert limits == {resource.RLIMIT_NOFILE: (expected, hard)}


@pytest.mark.parametrize("soft", [1 << 20, resource.RLIM_INFINITY])
def test_soft_limit_that_is_higher_stays_and_is_not_counted_whole(
    monkeypatch: pytest.MonkeyPatch, soft: int
) -> None:
    limits = {resource.RLIMIT_NOFILE: (soft, soft)}
    monkeypatch.setattr(resource, "getrlimit", limits.__getitem__)
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)
    assert descriptors.raise_limit() == descriptors.ENOUGH
    assert limits == {resource.RLIMIT_NOFILE: (soft, soft)}


def test_system_that_refuses_leaves_what_there_was(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_which: int, _limits: tuple[int, int]) -> None:
        raise ValueError("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "getrlimit", lambda _which: (256, resource.RLIM_INFINITY))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert descriptors.raise_limit() == 256
