"""Parents and children beyond what fork(2) says: prctl(2), which only Linux has.

Runs in: both
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

PR_SET_PDEATHSIG: Final = 1  # <linux/prctl.h>
PR_SET_CHILD_SUBREAPER: Final = 36


def _by_ctypes(option: int, value: int) -> bool:
    """prctl(2), as long as nobody has told us of a better way."""
    import ctypes  # here: it takes half a megabyte of a process

    try:
        return int(ctypes.CDLL(None).prctl(option, value, 0, 0, 0)) == 0
    except (OSError, AttributeError):
        return False  # not Linux, or a C library without it


_set_option: list[Callable[[int, int], bool]] = [_by_ctypes]


def set_options_by(set_option: Callable[[int, int], bool]) -> None:
    """Let `set_option` call prctl(2): the workers' compiled part, which we may not import."""
    _set_option[:] = [set_option]


def signal_at_parents_death(signum: int) -> bool:
    """Have the kernel send `signum` to this process when its parent dies, however it dies.

    Returns False where there is no such thing (it is Linux's, prctl(2)).  The kernel watches
    the thread that forked and not the process: the arbiter forks in its main thread, with
    which the process ends.  A parent that died before this call sends nothing: compare
    os.getppid() afterwards.  A change of user or group takes the wish back; ask again then.
    """
    return _set_option[0](PR_SET_PDEATHSIG, int(signum))


def adopt_orphans(wanted: bool = True) -> bool:
    """Become the parent of every descendant whose own parent ends (PR_SET_CHILD_SUBREAPER).

    Children of this process do not inherit it.  wanted: False takes it back.
    Returns False where there is no such thing.
    """
    return _set_option[0](PR_SET_CHILD_SUBREAPER, int(wanted))
