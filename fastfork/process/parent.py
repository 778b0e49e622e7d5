"""Parents and children beyond what fork(2) says: prctl(2), which only Linux has.

Runs in: both
"""

from __future__ import annotations

# Imported before the first fork, so that its pages are the arbiter's and not each worker's.
import ctypes
import sys
from typing import Final

PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>
PR_SET_CHILD_SUBREAPER: Final = 36


def signal_at_parents_death(signum: int) -> bool:
    """Have the kernel send `signum` to this process when its parent dies, however it dies.

    Returns False where there is no such thing (it is Linux's, prctl(2)).  The kernel watches
    the thread that forked and not the process: the arbiter forks in its main thread, with
    which the process ends.  A parent that died before this call sends nothing: compare
    os.getppid() afterwards.  A change of user or group takes the wish back; ask again then.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        return int(ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signum), 0, 0, 0)) == 0
    except (OSError, AttributeError):
        return False  # a C library without it: the worker still looks once a second


def adopt_orphans(wanted: bool = True) -> bool:
    """Become the parent of every descendant whose own parent ends (PR_SET_CHILD_SUBREAPER).

    Children of this process do not inherit it.  wanted: False takes it back.
    Returns False where there is no such thing.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        return int(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)) == 0
    except (OSError, AttributeError):
        return False
