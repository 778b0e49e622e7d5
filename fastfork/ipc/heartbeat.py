"""A worker's heartbeat, as hooks see it: gunicorn has a file for it, here it is in a slot.

Runs in: both
"""

from __future__ import annotations

from fastfork.ipc.scoreboard import Slot

__all__ = ["Heartbeat"]


class Heartbeat:
    """`worker.tmp`."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    def notify(self) -> None:
        """Say that the worker is alive."""
        self._slot.beat()

    def last_update(self) -> float:
        """When it last said so, in seconds of time.monotonic(); 0 before the first time."""
        return self._slot.heartbeat_ns / 1e9

    def close(self) -> None:
        """Nothing: the slot is the server's."""
