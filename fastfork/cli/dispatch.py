<<<<<<<< Updated upstream:fastfork/cli/dispatch.py
"""What the command's words mean, and every failure in words and an exit code.

What only one way through it needs is imported on that way: a server has no use for the others.
========
"""The command's door.
>>>>>>>> Stashed changes:fastfork/cli/main.py

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Sequence

<<<<<<<< Updated upstream:fastfork/cli/dispatch.py
from fastfork.errors import BootError, ConfigError, OptionError, StartError
from fastfork.process import boot
from fastfork.process.program import Program

from . import saying
from .saying import INTERRUPTED, OK
========
from fastfork.process import streams
>>>>>>>> Stashed changes:fastfork/cli/main.py

__all__ = ["dispatch"]


<<<<<<<< Updated upstream:fastfork/cli/dispatch.py
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
========
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; `arguments` without the program's name.  Returns the exit code."""
    # First: a module that opens a file for good when it is imported would have number 0, 1 or 2
    # (libffi's memory for ctypes does since 3.5).
    streams.open_closed_ones()
    from .dispatch import dispatch
>>>>>>>> Stashed changes:fastfork/cli/main.py

    return dispatch(arguments)
