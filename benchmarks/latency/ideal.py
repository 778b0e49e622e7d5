"""What a scene would give with a server that costs nothing and lets no thread wait for work.

A simulation of the queue: `workers x threads` places, every waiting request taken by the first
place that becomes free, wherever its connection is.  The order in which waiting requests are
taken makes a difference to the median where all places are often taken.

Runs in: cli
"""

from __future__ import annotations

import heapq
import random
from array import array
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from benchmarks.latency.samples import Sample
from benchmarks.latency.scenes import Scene

SLEEPING, SLEEP, THINK = 0.03, 0.1, 0.02  # as latency.c and app.py have them; seconds
SECONDS = 300.0  # that are simulated, in some 3 s
SEED = 1

# Of the waiting requests, oldest first: which is next.
ORDERS: Final[Mapping[str, Callable[[random.Random, int], int]]] = MappingProxyType(
    {
        "ideal, first come": lambda _chance, _waiting: 0,
        "ideal, any order": lambda chance, waiting: chance.randrange(waiting),
    }
)


def ideal(scene: Scene, order: str) -> Sample:
    """A sample of the simulation, without CPU."""
    queue = _Queue(scene, order)
    queue.play()
    return Sample(
        scene=scene.name,
        server=order,
        round=0,
        requests=len(queue.instant) + len(queue.slept),
        per_second=(len(queue.instant) + len(queue.slept)) / SECONDS,
        instant=array("I", sorted(queue.instant)),
        slept=array("I", sorted(queue.slept)),
    )


class _Queue:
    """instant, slept: microseconds of each answer."""

    def __init__(self, scene: Scene, order: str) -> None:
        self.instant: list[int] = []
        self.slept: list[int] = []
        self._chance = random.Random(SEED)
        self._next = ORDERS[order]
        self._free = scene.workers * scene.threads
        self._waiting: list[tuple[float, bool]] = []  # (when it was asked, whether it sleeps)
        # (when, a number that makes each differ, when it was asked, whether it sleeps); asked
        # at -1 stands for the end of a thought.
        self._events: list[tuple[float, int, float, bool]] = []
        self._count = 0
        for _ in range(scene.connections):
            self._think(0.0)

    def play(self) -> None:
        """All of it."""
        while True:
            now, _, asked, sleeps = heapq.heappop(self._events)
            if now > SECONDS:
                return
            if asked < 0:
                self._waiting.append((now, self._chance.random() < SLEEPING))
            else:
                (self.slept if sleeps else self.instant).append(round((now - asked) * 1e6))
                self._free += 1
                self._think(now)
            while self._free and self._waiting:
                self._begin(now)

    def _begin(self, now: float) -> None:
        self._free -= 1
        asked, sleeps = self._waiting.pop(self._next(self._chance, len(self._waiting)))
        self._plan(now + (SLEEP if sleeps else 0.0), asked, sleeps)

    def _think(self, now: float) -> None:
        self._plan(now + self._chance.uniform(0, THINK), -1.0, False)

    def _plan(self, when: float, asked: float, sleeps: bool) -> None:
        self._count += 1
        heapq.heappush(self._events, (when, self._count, asked, sleeps))
