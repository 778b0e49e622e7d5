"""The three standard descriptors: opened where they were closed, captured, let go of.

Runs in: both
"""

from __future__ import annotations

import fcntl
import os
import sys
from collections.abc import Callable
from contextlib import suppress

# Descriptors of log files: what is written to them is never in a buffer of this process.
unbuffered: set[int] = set()
# While standard output and error are captured: where the real ones are.
_kept: dict[int, int] = {}
# Who has a duplicate of one, and must follow when another file takes its place.
_followers: list[Callable[[], None]] = []


def tell_changes_to(follower: Callable[[], None]) -> None:
    """Call `follower` whenever something else is at one of the three."""
    _followers.append(follower)


def _tell() -> None:
    for follower in _followers:
        follower()


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
    """Put the null device in place of the three; what is captured stays so."""
    fd = os.open(os.devnull, os.O_RDWR)
    flush()
    for descriptor in (0, 1, 2):
        os.dup2(fd, _kept.get(descriptor, descriptor), inheritable=descriptor not in _kept)
    if fd > 2:
        os.close(fd)
    _tell()


def capture(fd: int) -> None:
    """Let what is printed go to `fd`, line by line.  Again for another file."""
    flush()
    for number in (1, 2):
        if number not in _kept:
            _kept[number] = fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 3)
        os.dup2(fd, number)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, OSError, ValueError):  # the application's, or closed
            stream.reconfigure(line_buffering=True)  # type: ignore[union-attr] # else by the block
    _tell()


def release() -> None:
    """Have standard output and error again; does nothing when they are not captured."""
    flush()
    for number, kept in list(_kept.items()):
        os.dup2(kept, number)
        os.close(kept)
        del _kept[number]
    _tell()


def standard_output() -> int:
    """Return the descriptor of the real standard output."""
    return _kept.get(1, 1)


def flush() -> None:
    """Write what was printed and waits in a buffer.

    Raises nothing: whatever an application has put there, it may be closed, have no flush(), or
    end in a pipe that nobody reads.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
