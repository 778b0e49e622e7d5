"""Becoming another user, for good: what a worker does before it loads the application.

Runs in: worker
"""

from __future__ import annotations

import os

from fastfork import accounts, port
from fastfork.errors import ConfigError

__all__ = ["become", "identity"]


def identity(user: str | None, group: str | None) -> tuple[int, int]:
    """Return the uid and gid that a process with these settings has.

    A user without a group brings its primary group: leaving the process in root's would give
    away what root's group may do.  Raises ConfigError when that group is not known.
    """
    uid, gid = os.geteuid(), os.getegid()
    try:
        if user is not None:
            found = accounts.user(user)
            uid = found.uid
            if group is None and uid != os.geteuid():
                if found.gid is None:
                    raise ConfigError(f"user: {user} has no entry and no group; set group too")
                gid = found.gid
        if group is not None:
            gid = accounts.group(group)
    except accounts.NoSuchAccount as error:
        raise ConfigError(f"user, group: {error}") from None
    return uid, gid


def become(user: str | None, group: str | None, *, initgroups: bool) -> bool:
    """Have uid and gid of `identity()`, and no other groups than wanted, from now on.

    initgroups: the user's supplementary groups; else none is left, least of all root's.
    Returns whether anything was changed; the kernel then forgets PR_SET_PDEATHSIG.
    Raises ConfigError when that is not allowed.
    """
    uid, gid = identity(user, group)
    if (uid, gid) == (os.geteuid(), os.getegid()) and not (initgroups and os.geteuid() == 0):
        return False
    try:
        _set_groups(uid, gid, initgroups=initgroups)
        # Groups first: afterwards it is not allowed any more.
        port.become(uid, gid)
    except OSError as error:
        raise ConfigError(
            f"user, group: this process cannot become {uid}:{gid}: {error.strerror}; start it as "
            "root, or leave them out"
        ) from None
    return True


def _set_groups(uid: int, gid: int, *, initgroups: bool) -> None:
    if os.geteuid() != 0:
        return
    name = accounts.user(str(uid)).name
    if initgroups and name is not None:
        os.initgroups(name, gid)
    else:
        os.setgroups([])
