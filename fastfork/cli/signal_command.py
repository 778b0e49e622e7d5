"""`fastfork signal NAME`: tell a running server something, by its pid file.

The names are those of the table in fastfork/arbiter/signals.py.

Runs in: cli
"""

from __future__ import annotations

import argparse
import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from fastfork import config
from fastfork.arbiter import SIGNALS
from fastfork.config import SETTINGS
from fastfork.errors import ConfigError, OptionError, StartError
from fastfork.process.pidfile import PidFile

__all__ = ["COMMAND", "send_signal"]

COMMAND: Final = "signal"
USAGE: Final = "fastfork signal NAME [--pid FILE] [--config FILE]"


def names() -> dict[str, int]:
    """Return what may be typed -> signal number: the words of the table, HUP and SIGHUP."""
    found: dict[str, int] = {}
    for signum, action in SIGNALS.items():
        if action.name:
            name = signal.Signals(signum).name
            found |= {name: signum, name.removeprefix("SIG"): signum}
            found.setdefault(action.name, signum)
    return found


class _Parser(argparse.ArgumentParser):
    """Where the pid file is, and the name.  Raises OptionError instead of leaving the process."""

    def __init__(self) -> None:
        lines = "\n".join(
            f"  {action.name:9}{signal.Signals(signum).name:9}{action.help}"
            for signum, action in SIGNALS.items()
            if action.name
        )
        super().__init__(
            prog="fastfork signal",
            usage=USAGE,
            epilog=f"NAME is one of, by either name:\n{lines}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        self.add_argument("name", metavar="NAME", help="what to tell the server")
        for setting in ("pidfile", "config"):
            spec = SETTINGS[setting]
            self.add_argument(*spec.flags, dest=setting, metavar="FILE", help=spec.help)

    def error(self, message: str) -> NoReturn:
        """Raise OptionError: argparse would leave the process."""
        raise OptionError(f"{message}; {USAGE}")


def send_signal(words: Sequence[str]) -> int:
    """Send the signal that `words`, what follows `fastfork signal`, ask for.  The exit code.

    The pid file is --pid, else the `pidfile` setting of the config file that a server started
    here would read.  Raises OptionError for bad usage, StartError when there is no such server.
    """
    options = {name: text for name, text in vars(_Parser().parse_args(words)).items() if text}
    given = str(options.pop("name"))
    known = names()
    signum = known.get(given) or known.get(given.upper())
    if signum is None:
        wanted = ", ".join(dict.fromkeys(action.name for action in SIGNALS.values() if action.name))
        raise OptionError(f"{given!r} is no signal's name; write one of {wanted}")
    loaded = config.load(options, dict(os.environ), Path.cwd())
    path = loaded.config.pidfile
    if path is None:
        raise ConfigError("pidfile: not set here; write --pid FILE")
    pid = PidFile(path).recorded()
    if pid is None:
        raise StartError(f"{path} names no process; is the server running, and is this its file?")
    try:
        os.kill(pid, signum)
    except ProcessLookupError:
        raise StartError(f"{path} names process {pid}, which is not there any more") from None
    except PermissionError:
        raise StartError(f"{path} names process {pid}, which belongs to another user") from None
    return 0
