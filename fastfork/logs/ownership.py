"""Log files whose workers run as another user: made before, and given to that user.

A worker that opens its logs again (SIGUSR1) has no right to make a file in a directory of
root's; the arbiter makes it first.

Runs in: arbiter
"""

from __future__ import annotations

import os
import stat

from fastfork.config import Config

from .base.logstreams import open_descriptor
from .base.serverlogger import LOGGER
from .error.errorlog import STANDARD_STREAM

__all__ = ["give_to"]


def give_to(cfg: Config, uid: int, gid: int) -> None:
    """Make sure that the log files of `cfg` are there, and belong to this user and group.

    Does nothing unless this process is root and the user is not.  Never raises.
    """
    if os.geteuid() != 0 or (uid, gid) == (0, 0):
        return
    for setting in ("errorlog", "accesslog"):
        path: str | None = getattr(cfg, setting)
        if path is not None and path != STANDARD_STREAM:
            _give(path, setting, uid, gid)


def _give(path: str, setting: str, uid: int, gid: int) -> None:
    """Change the owner of a plain file.

    A symbolic link, or a file that has a second name, is left alone: whoever may write to the
    directory could have put there a name of a file that must stay root's.
    """
    try:
        fd = open_descriptor(path, setting)
    except Exception as error:
        LOGGER.error("%s", error)
        return
    try:
        found = os.fstat(fd)
        named = os.lstat(path)
        is_plain = stat.S_ISREG(found.st_mode) and found.st_nlink == 1
        is_named = (found.st_dev, found.st_ino) == (named.st_dev, named.st_ino)
        if is_plain and is_named and (found.st_uid, found.st_gid) != (uid, gid):
            os.fchown(fd, uid, gid)
    except OSError as error:
        LOGGER.warning("%s: %s cannot be given to user %d: %s", setting, path, uid, error.strerror)
    finally:
        os.close(fd)
