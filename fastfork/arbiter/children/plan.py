"""How many workers to start and which to retire: arithmetic on the book of children.

A reload needs nothing more than this: it makes every worker outdated, and the plan replaces
those, each only after its replacement is ready.  A worker that has served enough or grown too
large is outdated too.

Runs in: arbiter
"""

from __future__ import annotations

from collections.abc import Iterable

from fastfork.arbiter.children.child import Child
from fastfork.records import record


@record(frozen=True)
class Plan:
    """The next step: start `spawn` workers, then tell those in `retire` to finish and go."""

    spawn: int
    retire: list[Child]


def plan(children: Iterable[Child], generation: int, target: int, parallel: int = 1) -> Plan:
    """Return the step from `children`, oldest first, towards `target` workers of `generation`.

    parallel: how many replacements may load the application at the same time.
    """
    counted = [child for child in children if not child.leaving]
    outdated = [child for child in counted if child.is_outdated(generation)]
    # With reuse_port, those whose listening socket is given up first; else the oldest.
    counted.sort(key=lambda child: child.socket_index < target)
    if not outdated:
        return Plan(max(0, target - len(counted)), counted[: max(0, len(counted) - target)])
    fresh = [child for child in counted if not child.is_outdated(generation)]
    booting = [child for child in fresh if child.ready_at is None]
    # Make before break: a replacement still booting allows nobody to be retired.
    surplus = max(0, len(counted) - len(booting) - target)
    # Then those whose socket has a new worker already.
    relieved = {child.socket_index for child in fresh if child.ready_at is not None}
    outdated.sort(
        key=lambda child: (child.socket_index < target, child.socket_index not in relieved)
    )
    missing = max(0, target - len(counted))
    replacements = min(parallel, target, len(outdated) - surplus) - len(booting)
    return Plan(max(missing, replacements), outdated[:surplus])


def socket_index_for(children: Iterable[Child], generation: int, count: int) -> int:
    """Return which of `count` listening sockets a new worker gets, when each worker has its own.

    The one with the fewest workers that stay, and of those the one that is left soonest.
    """
    stay, all_of_them = [0] * count, [0] * count
    for child in children:
        if child.socket_index < count and not child.leaving:
            all_of_them[child.socket_index] += 1
            stay[child.socket_index] += not child.is_outdated(generation)
    return min(
        range(count), key=lambda socket_index: (stay[socket_index], all_of_them[socket_index])
    )
