"""How many workers to start and which to retire: arithmetic on the book of children.

A reload needs nothing more than this: it makes every worker stale, and the plan replaces stale
ones, each only after its replacement is ready.

Runs in: arbiter
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fastfork.arbiter.children import Child


@dataclass(frozen=True)
class Plan:
    """The next step: start `spawn` workers, then tell those in `retire` to finish and go."""

    spawn: int
    retire: list[Child]


def plan(children: Iterable[Child], generation: int, target: int) -> Plan:
    """The step from `children`, oldest first, towards `target` workers of `generation`."""
    counted = [child for child in children if not child.leaving]
    stale = [child for child in counted if child.generation != generation]
    booting = [c for c in counted if c.generation == generation and c.ready_at is None]
    missing = max(0, target - len(counted))
    if not stale:
        return Plan(missing, counted[: max(0, len(counted) - target)])
    # Make before break: a replacement still booting allows nobody to be retired.
    surplus = max(0, len(counted) - len(booting) - target)
    if not booting and not surplus:
        missing = max(1, missing)
    return Plan(missing, stale[:surplus])
