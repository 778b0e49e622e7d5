"""Workers that have grown too large: looked up in /proc, replaced like any outdated worker.

Runs in: arbiter
"""

from __future__ import annotations

import logging
import os
from typing import Final

from fastfork import port
from fastfork.arbiter.children.child import Child

log = logging.getLogger("fastfork.error")

LOOK_EVERY: Final = 2.0  # seconds; a read of one small file a worker
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


def resident(pid: int, proc: str = port.PROC) -> int:
    """Return the bytes of memory that process `pid` has resident (proc(5) statm); 0 when nobody
    knows.

    What it shares with other workers counts in full.
    """
    try:
        with open(f"{proc}/{pid}/statm") as file:
            return int(file.read().split()[1]) * _PAGE
    except (OSError, ValueError, IndexError):
        return 0  # gone meanwhile, or no Linux


class MemoryWatch:
    """Measures the workers every few seconds."""

    def __init__(self) -> None:
        self._next = 0.0

    def look(self, children: list[Child], most: int, now: float) -> list[Child]:
        """Write sizes on the scoreboard; returns who is over `most` bytes since this look.

        most: 0 = no limit.  now: seconds of `fastfork.clock`.
        """
        if now < self._next:
            return []
        self._next = now + LOOK_EVERY
        grown = []
        for child in children:
            child.slot.rss_bytes = size = resident(child.pid)
            may_be_replaced = child.ready_at is not None and not (child.leaving or child.is_spent)
            if most and size > most and may_be_replaced:
                child.is_spent = child.is_too_large = True
                log.warning(
                    "Worker has %d MiB, more than max_rss; it serves until its replacement is "
                    "ready (pid: %d)",
                    size >> 20,
                    child.pid,
                )
                grown.append(child)
        return grown
