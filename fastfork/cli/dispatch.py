"""What the command's words mean, and every failure in words and an exit code.

What only one way through it needs is imported on that way: a server has no use for the others.

Runs in: cli, arbiter (until it is one)
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from fastfork.errors import BootError, ConfigError, OptionError, StartError
from fastfork.process import boot, collector
from fastfork.process.program import Program

from . import saying
from .saying import INTERRUPTED, OK

__all__ = ["dispatch"]


def dispatch(arguments: Sequence[str] | None) -> int:
    """Run the command; see `main`."""
    program = Program.current()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _command(words, program)
    except OptionError as error:
        return saying.usage(str(error))
    except ConfigError as error:
        print(error, file=sys.stderr)  # a line for each setting, which begins with its name
        return error.exit_code
    except BootError as error:
        saying.tell(boot.describe(error))
        return error.exit_code
    except StartError as error:
        saying.tell(str(error))
        return error.exit_code
    except SystemExit as leaving:  # --help and the like
        return leaving.code if isinstance(leaving.code, int) else OK
    except KeyboardInterrupt:
        return INTERRUPTED


def _command(words: list[str], program: Program) -> int:
    match words:
        case ["-v" | "--version"]:
            print(saying.VERSION)
            return OK
        case ["signal", *options]:
            from .signal_command import send_signal

            return send_signal(options)
        case ["status", *options]:
            from .status import status

            return status(options)
        case ["config", *options]:
            from .configure import configure
            from .start import check, loader

            return configure(options, loader, check)
    with collector.paused():
        from .start import start

    return start(words, program)
