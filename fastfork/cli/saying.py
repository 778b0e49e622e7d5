"""What the command says on standard error, and the exit codes that go with it.

Runs in: cli, arbiter (until it is one)
"""

from __future__ import annotations

import sys
from typing import Final

from fastfork import __version__
from fastfork.errors import StartError

__all__ = ["BAD_USAGE", "FAILED", "INTERRUPTED", "OK", "PROGRAM", "VERSION", "tell", "usage"]

PROGRAM: Final = "fastfork"
# gunicorn's form, which scripts look for.
VERSION: Final = f"{PROGRAM} (version {__version__})"

# What each means: exitcodes.py.
OK: Final = 0
FAILED: Final = StartError.exit_code
BAD_USAGE: Final = 2
INTERRUPTED: Final = 130  # 128 + SIGINT, as shells say it


def usage(complaint: str) -> int:
    """Say what is wrong with the options, and where they are listed.  Returns the exit code."""
    complete = ("did you mean", "--help", "there is no option")
    is_complete = any(said in complaint for said in complete)
    tell(complaint if is_complete else f"{complaint} (fastfork --help lists the options)")
    return BAD_USAGE


def tell(text: str) -> None:
    """Say it on standard error, after the program's name."""
    print(f"{PROGRAM}: {text}", file=sys.stderr)
