"""Patience with workers that die as soon as they start, before they have served anybody.

It protects the machine from a start that fails again and again.  A worker that has been given
a request shows that the start works: see exits.py.

Runs in: arbiter
"""

from __future__ import annotations

from collections import deque
from typing import Final

FIRST_DELAY: Final = 0.1  # seconds; doubled with every further death
LONGEST_DELAY: Final = 30.0
# A worker that served this long was healthy: what killed it is no crash loop.
HEALTHY_AFTER: Final = 5.0  # seconds since it was ready


class Backoff:
    """When the next worker may be started.  Times are seconds of `fastfork.clock`."""

    def __init__(self) -> None:
        self.delay = 0.0
        self.allowed_at = 0.0
        self._failed_at = 0.0
        self._left: deque[float] = deque()

    def failed(self, now: float) -> bool:
        """A worker died early.  Returns whether the delay grew, which is worth a log line.

        Deaths during the delay belong to the same burst: eight workers that a full disk ends
        at once are one failure, not eight doublings.
        """
        self._failed_at = now
        if now < self.allowed_at:
            return False
        before = self.delay
        self.delay = min(self.delay * 2 or FIRST_DELAY, LONGEST_DELAY)
        self.allowed_at = now + self.delay
        return self.delay > before

    def left(self, now: float, most: int) -> bool:
        """A worker left early and in order.  Returns whether that is no failure.

        Once in a while somebody has told it to go.  More than `most` within HEALTHY_AFTER
        seconds are workers that end themselves as soon as they serve.
        """
        self._left.append(now)
        while self._left[0] < now - HEALTHY_AFTER or len(self._left) > most + 1:
            self._left.popleft()
        return len(self._left) <= most

    def lived(self, spawned_at: float) -> None:
        """A worker started at `spawned_at` is healthy: one younger than the trouble ends it."""
        if spawned_at > self._failed_at:
            self.delay = self.allowed_at = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until a worker may be started; 0 = now."""
        return max(0.0, self.allowed_at - now)
