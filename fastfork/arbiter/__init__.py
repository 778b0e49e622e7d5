"""The arbiter: one process, one thread, one loop that keeps the workers alive.

Runs in: arbiter
"""

from __future__ import annotations

from fastfork.arbiter.arbiter import Arbiter
from fastfork.arbiter.signals import SIGNALS, Action

__all__ = ["SIGNALS", "Action", "Arbiter"]
