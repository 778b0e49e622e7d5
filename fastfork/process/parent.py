"""Parents and children beyond what fork(2) says: prctl(2), which only Linux has.

Runs in: both
"""

from __future__ import annotations

from fastfork import port
from fastfork._core import ending


def signal_at_parents_death(signum: int) -> bool:
    """Have the kernel send `signum` to this process when its parent dies, however it dies.

    Returns False where there is no such thing (it is Linux's, prctl(2)).  The kernel watches
    the thread that forked and not the process: the arbiter forks in its main thread, with
    which the process ends.  A parent that died before this call sends nothing: compare
    os.getppid() afterwards.  A change of user or group takes the wish back; ask again then.
    """
    return ending.set_option(port.PARENT_DEATH_SIGNAL, int(signum))


def adopt_orphans(wanted: bool = True) -> bool:
    """Become the parent of every descendant whose own parent ends (PR_SET_CHILD_SUBREAPER).

    Children of this process do not inherit it.  wanted: False takes it back.
    Returns False where there is no such thing.
    """
    return ending.set_option(port.CHILD_SUBREAPER, int(wanted))
