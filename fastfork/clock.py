"""The one clock: monotonic, so that stepping the wall clock kills no worker.

Deadlines are absolute values of this clock; timeouts are durations in seconds.

Runs in: both
"""

from __future__ import annotations

from time import monotonic as now
from time import monotonic_ns as now_ns

__all__ = ["now", "now_ns"]
