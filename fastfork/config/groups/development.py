"""Settings for the time in which the application is written.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from fastfork.records import record

from ..kinds.basic import FLAG, PATHS, choice
from ..kinds.spec import setting

__all__ = ["DevelopmentSettings"]


@record(frozen=True, kw_only=True)
class DevelopmentSettings:
    """Development."""

    reload: bool = setting(
        False,
        FLAG,
        "Replace the workers when the application's code changes.",
        flags="--reload",
        reload="server",
        more="One process watches the files of the modules that the workers have imported; those "
        "of virtualenvs, of Python and of caches are left out. Workers are replaced as on a "
        "reload, one at a time, but the settings are not read again: send SIGHUP for that. An "
        "application that fails to load is answered for with a page that shows the traceback "
        "(status 500), until a file of it is saved. Not together with `preload_app`, and not "
        "for production: the page shows your code to everybody.",
    )
    reload_engine: str = setting(
        "auto",
        choice("auto", "poll", "inotify"),
        "How changes are noticed: auto, poll or inotify.",
        flags="--reload-engine",
        reload="server",
        more="`inotify` is told by the system, through watchfiles (`pip install "
        "fastfork[reload]`). `poll` looks at the files twice a second. `auto` is inotify when "
        "watchfiles is installed, else poll.",
    )
    reload_extra_files: tuple[str, ...] = setting(
        (),
        PATHS,
        "Another file, or glob, to watch for changes; may be repeated.",
        flags="--reload-extra-file",
        reload="server",
        more="Relative ones start in `chdir`. `**` stands for any number of directories. A glob "
        "is expanded again all the time: a new file that it matches is a change.",
    )
    spew: bool = setting(
        False,
        FLAG,
        "Print each line of Python that is executed.",
        flags="--spew",
        reload="workers",
        more="FILE:LINE and the source, on standard error, from when a worker loads the "
        "application; lines of fastfork and of the import system are left out. Very slow.",
    )
