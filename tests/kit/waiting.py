"""Waiting for a fact with a deadline, for facts that the kernel sends no event about.

Runs in: cli
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE = 10.0  # seconds; far above what a loaded two-core machine needs
PAUSE = 0.005  # seconds between two looks


def wait_until(
    fact: Callable[[], T], what: str | Callable[[], str], timeout: float = DEADLINE
) -> T:
    """The first true value of `fact()`.

    what: said when it never came; a callable is asked then.  timeout: seconds.
    Raises AssertionError after `timeout`.
    """
    deadline = time.monotonic() + timeout
    while True:
        if value := fact():
            return value
        if time.monotonic() > deadline:
            said = what if isinstance(what, str) else what()
            raise AssertionError(f"waited {timeout:g} s in vain: {said}")
        time.sleep(PAUSE)
