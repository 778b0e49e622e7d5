"""The arithmetic of starting and retiring workers."""

from __future__ import annotations

import itertools

import pytest

from fastfork.arbiter.children.child import Child, Children
from fastfork.arbiter.children.plan import plan, socket_index_for
from fastfork.ipc import Scoreboard

PIDS = itertools.count(1000)
SLOT = Scoreboard(1).slot(0)


def child(
    generation: int = 1, *, ready: bool = True, leaving: bool = False, socket_index: int = 0
) -> Child:
    return Child(
        pid=next(PIDS),
        nr=0,
        age=0,
        generation=generation,
        spawned_at=0.0,
        slot=SLOT,
        ready_at=1.0 if ready else None,
        leaving=leaving,
        socket_index=socket_index,
    )


def step(children: list[Child], target: int) -> tuple[int, list[int]]:
    found = plan(children, 1, target)
    return found.spawn, [children.index(child) for child in found.retire]


@pytest.mark.parametrize(
    ("children", "target", "spawn", "retire"),
    [
        ([], 3, 3, []),
        ([child()], 3, 2, []),
        ([child(), child()], 2, 0, []),
        ([child(ready=False)], 1, 0, []),
        ([child(), child(), child()], 1, 0, [0, 1]),
        ([child(), child(leaving=True)], 2, 1, []),
        ([child(leaving=True), child(), child()], 2, 0, []),
    ],
)
def test_count_is_kept_and_the_oldest_go_first(
    children: list[Child], target: int, spawn: int, retire: list[int]
) -> None:
    assert step(children, target) == (spawn, retire)


@pytest.mark.parametrize(
    ("children", "target", "spawn", "retire"),
    [
        # A reload begins: one replacement, nobody retired.
        ([child(0), child(0)], 2, 1, []),
        # The replacement boots: wait.
        ([child(0), child(0), child(ready=False)], 2, 0, []),
        # It is ready: the oldest goes, and the next replacement starts.
        ([child(0), child(0), child()], 2, 1, [0]),
        # The next one; the retired worker is still finishing.
        ([child(0, leaving=True), child(0), child()], 2, 1, []),
        # The last old one goes.
        ([child(0), child(), child()], 2, 0, [0]),
        # An old worker died meanwhile: the count is kept.
        ([child(0), child(ready=False)], 3, 1, []),
        # Fewer are wanted now: the surplus goes at once, whether or not something boots.
        ([child(0), child(0), child(0), child(ready=False)], 1, 0, [0, 1]),
        # More are wanted now.
        ([child(0), child(0)], 4, 2, []),
        # All are wanted gone.
        ([child(0)], 0, 0, [0]),
    ],
)
def test_reload_makes_before_it_breaks(
    children: list[Child], target: int, spawn: int, retire: list[int]
) -> None:
    assert step(children, target) == (spawn, retire)


@pytest.mark.parametrize("target", [1, 2, 5])
@pytest.mark.parametrize("before", [1, 2, 5])
def test_reload_ends_with_the_target_and_never_serves_with_fewer(before: int, target: int) -> None:
    children = [child(0) for _ in range(before)]
    for _ in range(100):
        found = plan(children, 1, target)
        if not found.spawn and not found.retire:
            break
        for retired in found.retire:
            children.remove(retired)
        assert len(children) >= min(before, target)
        assert len(children) + found.spawn <= max(before, target) + 1
        children += [child() for _ in range(found.spawn)]
    assert [c.generation for c in children] == [1] * target


def test_lowest_free_number_is_given_out() -> None:
    book = Children()
    for nr in (0, 1, 3):
        entry = child()
        entry.nr = nr
        book.add(entry)
    assert book.free_nr(5) == 2
    assert book.free_nr(2) is None


@pytest.mark.parametrize("parallel", [1, 2, 3])
def test_so_many_replacements_boot_at_the_same_time(parallel: int) -> None:
    children = [child(0) for _ in range(5)]
    most = 0
    for _ in range(100):
        found = plan(children, 1, 5, parallel)
        if not found.spawn and not found.retire:
            break
        children = [one for one in children if one not in found.retire]
        assert len([one for one in children if one.ready_at is not None]) >= 5 - parallel
        children += [child(ready=False) for _ in range(found.spawn)]
        booting = [one for one in children if one.ready_at is None]
        most = max(most, len(booting))
        assert len(children) <= 5 + parallel
        for one in booting:
            one.ready_at = 1.0
    assert most == parallel
    assert [one.generation for one in children] == [1] * 5


def test_worker_that_asks_for_it_is_replaced_like_an_old_one() -> None:
    spent = child()
    spent.is_spent = True
    assert step([spent, child()], 2) == (1, [])
    assert step([spent, child(), child(ready=False)], 2) == (0, [])
    assert step([spent, child(), child()], 2) == (0, [0])


def test_replacement_takes_the_socket_of_the_one_it_relieves() -> None:
    old = [child(0, socket_index=0), child(0, socket_index=1)]
    assert socket_index_for(old, 1, 2) == 0
    both = [*old, child(socket_index=1)]
    assert step(both, 2) == (1, [1])
    assert socket_index_for(both, 1, 2) == 0


def test_worker_whose_socket_is_given_up_goes_first() -> None:
    assert step([child(socket_index=0), child(socket_index=1), child(socket_index=2)], 2) == (
        0,
        [2],
    )
