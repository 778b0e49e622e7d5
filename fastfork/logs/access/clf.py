"""Date and time as in the Common Log Format, whatever the locale of the process is.

Runs in: both
"""

from __future__ import annotations

import time
from typing import Final

__all__ = ["date"]

# Not strftime's %b: an application may have called setlocale(3), and log analysers know these.
MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def date(at: time.struct_time) -> str:
    """`[29/Nov/2026:06:21:04 +0000]`."""
    return time.strftime(f"[%d/{MONTHS[at.tm_mon - 1]}/%Y:%H:%M:%S %z]", at)
