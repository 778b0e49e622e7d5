"""Collecting the dead, and saying what their exit status means.

Runs in: arbiter
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator, Set
from types import MappingProxyType
from typing import Final

from fastfork import port, unpatched
from fastfork.errors import AppNotFound, BootError
from fastfork.records import record

EXIT_CODES: Final = MappingProxyType(
    {
        1: "aborted",
        BootError.exit_code: "failed to boot",
        AppNotFound.exit_code: "application not found",
        255: "unexpected exception; its traceback is above",
    }
)


@record(frozen=True)
class Death:
    """How a worker ended.  code: its exit code, or minus the number of the signal."""

    code: int
    level: int
    text: str


def meaning(status: int, sent: Set[int] = frozenset()) -> Death:
    """Put a wait status (waitpid(2)) in words.

    sent: the signals that the arbiter has sent to the process.
    """
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        return _killed(-code, sent, dumped=os.WCOREDUMP(status))
    if code == 0:
        return Death(code, logging.INFO, "exited")
    words = f" ({EXIT_CODES[code]})" if code in EXIT_CODES else ""
    return Death(code, logging.ERROR, f"exited with code {code}{words}")


def _killed(signum: int, sent: Set[int], *, dumped: bool) -> Death:
    try:
        name = signal.Signals(signum).name
    except ValueError:
        name = f"signal {signum}"  # a real-time signal
    text = f"was killed by {name}"
    if words := signal.strsignal(signum):
        text += f" ({words})"
    if dumped:
        text += ", core dumped"
    if signum in sent:
        return Death(-signum, logging.WARNING, f"{text}, sent by the arbiter")
    if signum == signal.SIGKILL:
        text += "; perhaps out of memory"
    return Death(-signum, logging.ERROR, text)


# Of a child whose exit status somebody else in this process has taken.
LOST: Final = Death(255, logging.WARNING, "is gone; other code in this process has waited for it")
LOST_STATUS: Final = LOST.code << 8  # as waitpid(2) would have it


def is_there(pid: int) -> bool:
    """Return whether this child is there, running or not yet waited for.

    A hook or a thread of the config file may wait for any child, or have SIGCHLD ignored, which
    lets the kernel forget them; and the pid may be another process's by now.
    """
    try:
        port.has_ended(pid)
    except ChildProcessError:
        return False
    return True


def reaped() -> Iterator[tuple[int, int]]:
    """Yield (pid, status) of every child that has ended; never waits.

    Children that are no workers come too: as process 1 of a container the arbiter inherits
    the orphans of the application.
    """
    while True:
        try:
            pid, status = unpatched.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status
