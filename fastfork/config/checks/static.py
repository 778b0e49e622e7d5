"""Checks between the settings of static files, and of their directories.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..values import Problem

if TYPE_CHECKING:
    from ..settings import Config

__all__ = ["check_static"]

# They say how files are served, and nothing without any.
_ABOUT_FILES = ("static_max_age", "static_index", "static_follow", "static_fields")


def check_static(cfg: Config) -> Iterator[Problem]:
    """Yield a problem for each directory that is not there, or that nobody should serve."""
    if not cfg.static_path:
        for name in _ABOUT_FILES:
            if getattr(cfg, name):
                yield Problem(name, "has no effect without static_path", fatal=False)
        return
    for prefix, directory in cfg.static_path.items():
        place = os.path.join(cfg.chdir, directory)
        if not os.path.isdir(place):
            yield Problem(
                "static_path",
                f"{prefix}={directory}: that is not a directory; write one that exists, or make "
                "it first (Django: manage.py collectstatic)",
            )
        elif not os.access(place, os.R_OK | os.X_OK):
            yield Problem(
                "static_path",
                f"{prefix}={directory}: that directory cannot be read; change its permissions",
            )
        elif os.path.realpath(place) == "/":
            yield Problem(
                "static_path",
                f"{prefix}={directory}: that is every file of the machine; write the directory "
                "that has the files which are meant",
            )
        elif os.path.samefile(place, cfg.chdir):
            yield Problem(
                "static_path",
                f"{prefix}={directory}: that is where the application is, with its source and "
                "perhaps its secrets; write a directory that has nothing else in it",
                fatal=False,
            )
