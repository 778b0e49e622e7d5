"""The three standard descriptors, when whoever started us had closed them.

Runs in: both
"""

from __future__ import annotations

import os
import sys


def open_closed_ones() -> None:
    """Put the null device where descriptor 0, 1 or 2 is closed.

    The next socket or log file would get its number, and with it what is printed.  Raises
    nothing: without a null device things stay as they are.
    """
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            _open(descriptor)
    # Python has None for what was closed; print(file=None) would go to another stream.
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - for the whole life
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115


def _open(descriptor: int) -> None:
    try:
        found = os.open(os.devnull, os.O_RDWR)  # the lowest that is free (open(2)): this one
    except OSError:
        return
    if found != descriptor:  # another thread was faster; not ours to repair
        os.close(found)
    else:
        os.set_inheritable(found, True)


def leave_terminal() -> None:
    """Put the null device in place of the three standard descriptors."""
    fd = os.open(os.devnull, os.O_RDWR)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    for descriptor in (0, 1, 2):
        os.dup2(fd, descriptor)
    if fd > 2:
        os.close(fd)
