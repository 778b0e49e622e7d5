"""How long a process has lived: something to wait for where nothing else happens.

Runs in: cli
"""

from __future__ import annotations

import os
import time
from pathlib import Path

# Field 22 of proc_pid_stat(5); the state, right of the name in brackets, is field 3.
START_TIME = 22 - 3


def age(pid: int) -> float:
    """Seconds since `pid` was forked.  Raises FileNotFoundError when it is gone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[START_TIME])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
