"""The command line of fastfork: the options of the settings table, and MODULE:APP.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fastfork import __version__
from fastfork.config.options import ARGUMENTS, OptionError, OptionParser, read

__all__ = ["USAGE", "VERSION", "CommandLineParser", "OptionError"]

PROGRAM: Final = "fastfork"
USAGE: Final = f"{PROGRAM} [OPTIONS] MODULE:APP"
# gunicorn's form, which scripts look for.
VERSION: Final = f"{PROGRAM} (version {__version__})"
_EPILOG: Final = (
    "MODULE:APP names a WSGI application: shop:app is the object `app` of the module `shop`, "
    "'shop:create_app()' calls a factory. Durations are seconds, or 500ms, 2m; sizes are bytes, "
    "or 512M. `fastfork signal NAME` tells a running server something: fastfork signal --help."
)


class CommandLineParser(OptionParser):
    """OptionParser with --help, --version and the application."""

    def __init__(self) -> None:
        super().__init__(prog=PROGRAM, usage=USAGE, epilog=_EPILOG)
        general = self.add_argument_group("General")
        general.add_argument("-h", "--help", action="help", help="show this and exit")
        general.add_argument(
            "-v", "--version", action="version", version=VERSION, help="show the version and exit"
        )
        self.add_argument(ARGUMENTS, nargs="*", metavar="MODULE:APP", help="what to serve")

    def options(self, words: Sequence[str]) -> dict[str, object]:
        """Settings as they were typed; the application is `wsgi_app`.

        Raises OptionError with one line.  --help and --version print and raise SystemExit.
        """
        options = read(self, words)
        arguments = options.pop(ARGUMENTS, None)
        if isinstance(arguments, list) and arguments:
            if len(arguments) > 1:
                raise OptionError(self.suggest(arguments[1:]))
            options["wsgi_app"] = arguments[0]
        return options
