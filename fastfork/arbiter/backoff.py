"""Patience with workers that die as soon as they start.

Runs in: arbiter
"""

from __future__ import annotations

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

    def lived(self, spawned_at: float) -> None:
        """A worker started at `spawned_at` is healthy: one younger than the trouble ends it."""
        if spawned_at > self._failed_at:
            self.delay = self.allowed_at = 0.0

    def wait(self, now: float) -> float:
        """Seconds until a worker may be started; 0 = now."""
        return max(0.0, self.allowed_at - now)
