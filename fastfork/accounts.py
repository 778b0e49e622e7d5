"""Users and groups of this machine, by name or number.

Runs in: both
"""

from __future__ import annotations

import re

from fastfork.records import record

__all__ = ["NoSuchAccount", "User", "group", "user"]

_NUMBER = r"[0-9]{1,10}\Z"
LARGEST = 2**32 - 2  # (uid_t) -1 means "leave it as it is" to chown(2) and setreuid(2)


class NoSuchAccount(LookupError):
    """There is no such user or group; the text is "there is no user 'x'"."""


@record(frozen=True)
class User:
    """name and gid, its primary group, are None for a number that has no entry."""

    uid: int
    name: str | None
    gid: int | None


def user(text: str) -> User:
    """Return the user of this name or number.  Raises NoSuchAccount for a name without an entry."""
    import pwd  # here: most servers stay who they are

    number = _in_range("user", text) if re.match(_NUMBER, text) else None
    try:
        found = pwd.getpwnam(text) if number is None else pwd.getpwuid(number)
    except KeyError:
        if number is not None:
            return User(number, None, None)
        raise NoSuchAccount(f"there is no user {text!r}") from None
    return User(found.pw_uid, found.pw_name, found.pw_gid)


def group(text: str) -> int:
    """Return the gid of this name or number.  Raises NoSuchAccount for a name without an entry."""
    import grp

    if re.match(_NUMBER, text):
        return _in_range("group", text)
    try:
        return grp.getgrnam(text).gr_gid
    except KeyError:
        raise NoSuchAccount(f"there is no group {text!r}") from None


def _in_range(kind: str, text: str) -> int:
    if int(text) > LARGEST:
        raise NoSuchAccount(f"there is no {kind} {text}")
    return int(text)
