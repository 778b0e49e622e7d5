"""What completes the command in a shell, made by shtab from the parser.

Runs in: cli
"""

from __future__ import annotations

import argparse
import importlib
import re
from typing import Any, Final

from fastfork.config import SETTINGS
from fastfork.config.kinds.basic import FOLDER, LOG_PATH, PATH
from fastfork.errors import OptionError, StartError

from . import signal_command

__all__ = ["CONFIG_VERBS", "SHELLS", "script"]

SHELLS: Final = ("bash", "zsh", "tcsh")
CONFIG_VERBS: Final = ("show", "explain", "check", "init")  # of configure.py, which imports us


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """Return the script for `shell`.  Changes `parser`, so give it one of its own.

    Raises OptionError for a shell that is none of SHELLS, StartError without shtab.
    """
    if shell not in SHELLS:
        raise OptionError(f"{shell!r} is no shell that can be served; write {', '.join(SHELLS)}")
    try:
        shtab: Any = importlib.import_module("shtab")
    except ImportError:
        raise StartError(
            "completion needs shtab; install it with: pip install 'fastfork[completion]'"
        ) from None
    _say_what_completes(shtab, parser)
    return str(shtab.complete(parser, shell))


def _say_what_completes(shtab: Any, parser: argparse.ArgumentParser) -> None:
    """Give each option the values it may have: files, directories, words."""
    parser._actions[:] = [action for action in parser._actions if action.option_strings]
    for action in parser._actions:
        spec = SETTINGS.get(action.dest)
        if spec is None:
            continue
        action.help = spec.help
        if spec.kind in (PATH, LOG_PATH):
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif spec.kind is FOLDER:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        elif words := re.findall(r"`([^`]+)`", spec.kind.name):
            action.choices = words
    commands = parser.add_subparsers(parser_class=argparse.ArgumentParser)
    shown = commands.add_parser("status", help="show what a running server does")
    for flag in ("--watch", "--json"):
        shown.add_argument(flag, action="store_true")
    signals = commands.add_parser(signal_command.COMMAND, help="tell a running server something")
    signals.add_argument("name", choices=sorted(signal_command.names()))
    verbs = commands.add_parser("config", help="what is set, and what it means").add_subparsers()
    for verb in CONFIG_VERBS:
        # shtab leaves out what has no help.
        verbs.add_parser(verb, help="see `fastfork config --help`")
    verbs.choices["explain"].add_argument("setting", choices=list(SETTINGS))
