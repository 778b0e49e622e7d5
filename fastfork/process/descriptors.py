"""How many descriptors this process may have, and how many connections that is enough for.

Runs in: worker
"""

from __future__ import annotations

import resource
from contextlib import suppress
from typing import Final

# More than a worker needs; old programs that close every descriptor up to the limit, which they
# inherit, are not held up by so many.
ENOUGH: Final = 65_536
# For the server and for what the application opens: so many, or a third of a few.
OTHERS: Final = 64
# A connection may need a second one, for a file with its body or with its answer.
EACH: Final = 2


def raise_limit() -> int:
    """Raise the soft limit to the hard one, to ENOUGH at most.  Returns what it is now.

    The soft limit is 1024 nearly everywhere because of select(2), and a process that does
    without is meant to raise it (systemd.exec(5), LimitNOFILE).
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= ENOUGH:
        return ENOUGH
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    with suppress(OSError, ValueError):  # a system may have a lower limit than it tells
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def connections(limit: int) -> int:
    """Return what a worker that may have `limit` descriptors holds at most, 1 at least."""
    return max(1, (limit - min(OTHERS, limit // 3)) // EACH)
