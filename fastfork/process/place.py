"""Where this process was started, by the name that it was given.

Deploy tools keep a symbolic link to the release that is served and switch it.  The kernel only
knows the directory that the link led to; the shell has the link's name in $PWD.

Runs in: both
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress

__all__ = ["start_directory", "through_link"]


def start_directory(environ: Mapping[str, str]) -> str:
    """Return the current directory: $PWD where that is the same one, as getcwd(3) says it
    elsewhere.

    An old value does no harm: it must lead here (POSIX has the same rule for `pwd -L`).
    Raises OSError when the directory was removed.
    """
    real = os.getcwd()
    named = environ.get("PWD", "")
    if named.startswith("/") and ".." not in named.split("/"):
        with suppress(OSError):  # there is no such directory any more
            if os.path.samefile(named, real):
                return "/" + "/".join(part for part in named.split("/") if part not in ("", "."))
    return real


def through_link(path: str, named: str, real: str) -> str:
    """`path`, by the name of the directory `named` where it begins with what that is now."""
    if path == real or path.startswith(real.rstrip(os.sep) + os.sep):
        return named + path[len(real) :]
    return path
