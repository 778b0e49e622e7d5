"""What an arbiter changes in its process, and how a program gets it back.

Runs in: arbiter
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial

from fastfork import logs
from fastfork.arbiter import SIGNALS

__all__ = ["process_as_it_was"]


@contextmanager
def process_as_it_was() -> Iterator[None]:
    """Around the life of an arbiter: what it changes comes back.

    That is signal handlers, directory, sys.path, the logger, and the title that ps shows.

    In the main thread only (signal(7)).  A faulthandler.dump_traceback_later() that is under way
    is cancelled, and stays so.
    """
    handlers = {signum: signal.getsignal(signum) for signum in SIGNALS}
    wakeup = signal.set_wakeup_fd(-1)
    folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    path = list(sys.path)
    show_title = _title_as_it_is()
    loggers = logs.as_they_are()
    # Its thread would be missing in the workers, which cancel it and wait for that.
    faulthandler.cancel_dump_traceback_later()
    try:
        yield
    finally:
        loggers()
        sys.path[:] = path
        with suppress(OSError):  # it may be where this user may not go any more
            os.fchdir(folder)
        os.close(folder)
        show_title()
        gc.unfreeze()  # the arbiter froze what the workers share
        signal.set_wakeup_fd(wakeup)
        for signum, handler in handlers.items():
            if handler is not None:  # else it was not set from Python and cannot be put back
                signal.signal(signum, handler)


def _title_as_it_is() -> Callable[[], object]:
    """Return what shows the title of now again."""
    try:
        titles = importlib.import_module("setproctitle")
    except ImportError:
        return lambda: None  # then the arbiter writes the short name at most, and only if asked
    return partial(titles.setproctitle, titles.getproctitle())
