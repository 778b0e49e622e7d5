"""What code that was imported may have changed in the process, set again.

A template waits in system calls, and is told to go by a signal; the application that it has
loaded may have taken the signal, may have timers running whose handlers raise wherever the
interpreter happens to be, or may have made this process the parent of orphans.

Runs in: both
"""

from __future__ import annotations

import faulthandler
import signal
from collections.abc import Set
from types import FrameType
from typing import Any, Final

from fastfork import unpatched
from fastfork.process import parent

__all__ = ["Aside", "ignore_broken_pipes", "stop_timers"]

TIMERS: Final = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)


def stop_timers() -> None:
    """Stop what would signal or end this process after a time.  A fork inherits none of them."""
    for timer in TIMERS:
        signal.setitimer(timer, 0)
    faulthandler.cancel_dump_traceback_later()


def ignore_broken_pipes() -> None:
    """Have writing to a pipe or socket that nobody reads fail, instead of ending the process.

    So Python starts; programs that an application starts get the default back (subprocess,
    restore_signals).
    """
    if signal.getsignal(signal.SIGPIPE) == signal.SIG_DFL:
        unpatched.set_handler(signal.SIGPIPE, signal.SIG_IGN)


class Aside:
    """Handlers that the application has set, aside while this process does nothing for it.

    ours: the signals that this process handles itself.  Its forks get the others back.
    """

    def __init__(self, ours: Set[int]) -> None:
        self._handlers: dict[int, Any] = {}
        for signum in signal.valid_signals() - ours:
            handler = signal.getsignal(signum)
            if callable(handler):
                self._handlers[signum] = handler
                unpatched.set_handler(signum, _nothing)
        signal.set_wakeup_fd(-1)
        ignore_broken_pipes()
        parent.adopt_orphans(False)
        stop_timers()

    def give_back(self) -> None:
        """Have the application's handlers again.  Runs in: a fork of the process."""
        for signum, handler in self._handlers.items():
            unpatched.set_handler(signum, handler)


def _nothing(_signum: int, _frame: FrameType | None) -> None:
    """A handler and not SIG_IGN, which programs that are started would inherit."""
