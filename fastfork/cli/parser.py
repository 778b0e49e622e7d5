"""The command line of fastfork: the options of the settings table, and MODULE:APP.

Runs in: cli
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any, Final

from fastfork.config.sources.options import OptionParser, read
from fastfork.config.sources.words import ARGUMENTS
from fastfork.errors import OptionError

from . import helptext
from .saying import PROGRAM, VERSION

__all__ = ["USAGE", "VERSION", "CommandLineParser", "OptionError"]

USAGE: Final = f"{PROGRAM} [OPTIONS] MODULE:APP"
COMMANDS: Final = ("config", "signal", "status")  # of configure.py, tell.py and status.py
VERBOSE: Final = "--verbose"


class _Print(argparse.Action):
    """Prints what `text` makes of the option's value, and leaves by SystemExit.

    text(None) for an option without a value.
    """

    def __init__(self, *, text: Callable[[Any], str], **keywords: Any) -> None:
        super().__init__(**keywords)
        self.text = text

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,  # noqa: ARG002 - argparse's signature
        values: object,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        print(self.text(values), end="")
        parser.exit()


class CommandLineParser(OptionParser):
    """OptionParser with --help, --version and the application."""

    def __init__(self) -> None:
        super().__init__(prog=PROGRAM, usage=USAGE)
        self._words: Sequence[str] = ()
        self._add("-h", "--help", text=lambda _: helptext.render(self, everything=False))
        self._add("--help-all", text=lambda _: helptext.render(self, everything=True))
        self._add("-v", "--version", text=self._version)
        self.add_argument(VERBOSE, dest=VERBOSE, action="store_true")
        self._add(
            helptext.COMPLETION,
            text=_completion,
            nargs=None,
            metavar="SHELL",
        )
        self.add_argument(ARGUMENTS, nargs="*", metavar="MODULE:APP", help="what to serve")

    def options(self, words: Sequence[str]) -> dict[str, object]:
        """Return the settings as they were typed; the application is `wsgi_app`.

        Raises OptionError with one line.  --help and the like print and raise SystemExit.
        """
        self._words = words
        options = read(self, words)
        arguments = options.pop(ARGUMENTS, None)
        if isinstance(arguments, list) and arguments:
            if len(arguments) > 1:
                raise OptionError(self._too_many(arguments))
            options["wsgi_app"] = arguments[0]
        if VERBOSE in words:
            raise OptionError(f"{VERBOSE} is for --version; for a talkative log: --log-level debug")
        return options

    def _too_many(self, arguments: Sequence[str]) -> str:
        near = get_close_matches(arguments[0], COMMANDS, n=1)
        if near:
            return f"{arguments[0]} is no command; did you mean {PROGRAM} {near[0]}?"
        return self.suggest(arguments[1:])

    def _add(self, *flags: str, text: Callable[[Any], str], **keywords: Any) -> None:
        defaults = {"nargs": 0, "dest": flags[-1], "default": argparse.SUPPRESS}
        self.add_argument(*flags, action=_Print, text=text, **{**defaults, **keywords})

    def _version(self, _value: object) -> str:
        # Wherever it stands: the action of --version runs as soon as that is read.
        if VERBOSE not in self._words:
            return f"{VERSION}\n"
        from .facts import render  # here: it asks the whole environment

        return render()


def _completion(shell: str) -> str:
    from .completion import script

    return script(shell, CommandLineParser())
