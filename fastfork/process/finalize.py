"""The end of a process that was forked: as the interpreter's own, without the frames below it.

What the application has left in the buffers of its files is written, `__del__` is called, and
modules are cleared.  What was there before the fork belongs to the process that forked: it is held,
so that nothing of it ends here.  A database connection that a config file has opened would be
closed for the arbiter as well, by the first worker that goes.

Runs in: worker
"""

from __future__ import annotations

import atexit
import fcntl
import gc
import io
import os
import signal
import stat
import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from itertools import compress
from types import CellType, FunctionType, MethodType
from typing import Final, NoReturn

from fastfork import port
from fastfork._core import ending
from fastfork.process import streams

__all__ = ["begin", "end", "flush_before_fork"]

FILES: Final = (io.BufferedWriter, io.BufferedRandom, io.BufferedRWPair, io.TextIOWrapper)

STANDARD: Final = 2  # the descriptors up to this one are those of the standard streams

# Nothing happens when one of these goes; what this process has put into it must be let go of.
PLAIN: Final = frozenset({list, dict, set, frozenset, tuple, FunctionType, MethodType, CellType})

# The last of the objects that were there before this process; see begin().
_mark: list[object] = []


def begin() -> None:
    """Note what there is now: it is the parent's.  Runs in: a child, right after the fork.

    What is frozen stays in its order (gc.freeze() in the library reference), so one object shows
    where the parent's end.
    """
    gc.freeze()
    _mark[:] = [[]]
    gc.freeze()  # the mark alone, behind all others


def flush_before_fork() -> None:
    """Write what is in the buffers of regular files: each child would write its copy again."""
    if not _writes_regular_files():
        return  # to look at every object takes milliseconds
    for file in _files(gc.get_objects()):
        with suppress(OSError, ValueError):
            if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                file.flush()


def _writes_regular_files() -> bool:
    """Return whether one is open for writing; True where that is not known.

    Not those that have no buffer, and not standard output and error, which may be one: who forks
    writes what is in theirs.
    """
    try:
        numbers = {*port.own_descriptors()} - streams.unbuffered
        return any(map(_is_written, filter(STANDARD.__lt__, numbers)))
    except OSError:
        return True


def _is_written(descriptor: int) -> bool:
    try:
        is_regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        return is_regular and fcntl.fcntl(descriptor, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
    except OSError:
        return False  # what the folder was read with


def end(code: int) -> NoReturn:
    """End this process with `code`.  The caller has run exit handlers and waited for threads.

    Where a thread of the server is still in the application, which was cut, only files are
    flushed: nothing can be taken away from under it.
    """
    before = _before()
    _flush(gc.get_objects())
    if any(getattr(thread, "is_crew", False) for thread in threading.enumerate()):
        os._exit(code)
    _let_handlers_go()
    _let_application_go(before)
    for name in ("stdout", "stderr"):  # one that cannot be written makes the exit code 120
        try:
            getattr(sys, name).flush()
        except (OSError, ValueError, AttributeError):
            setattr(sys, name, None)
    # The caller has done it, and gevent's of Python 3.11 cannot be called twice.
    threading._shutdown = lambda: None  # type: ignore[attr-defined]
    atexit._clear()  # the parent's are left: see inherited.fence()
    # The interpreter clears modules that somebody still has; our frames refer to what is in them.
    ending.exit_process([before, *sys.modules.values()], code)
    os._exit(code)


def _flush(objects: Iterable[object]) -> None:
    # Nothing of this may be left in a frame that the interpreter ends with.
    for file in _files(objects):
        with suppress(OSError, ValueError):
            file.flush()


def _before() -> list[object]:
    """Return what was there before `begin`; from here on nothing is frozen."""
    own = {id(one) for one in gc.get_objects()}
    gc.unfreeze()
    before = [one for one in gc.get_objects() if id(one) not in own]
    for at, one in enumerate(before):
        if _mark and one is _mark[0]:
            del before[at + 1 :]
            break
    return [one for one in before if type(one) not in PLAIN]


def _files(objects: Iterable[object]) -> list[io.TextIOWrapper]:
    # By type(): isinstance() asks proxies of the application, which may have an opinion.  And type
    # by type, in C: there may be a million objects.
    objects = list(objects)
    kinds = {kind for kind in set(map(type, objects)) if issubclass(kind, FILES)}
    return list(compress(objects, map(kinds.__contains__, map(type, objects))))  # type: ignore[arg-type]


def _let_application_go(before: list[object]) -> None:
    """Objects of the server's that were there before have got what this process has made."""
    inherited = set(map(id, before))
    for one in before:
        if str(type(one).__module__).startswith("fastfork."):
            held = getattr(one, "__dict__", None)
            for name, value in list((held or {}).items()):
                if gc.is_tracked(value) and id(value) not in inherited:
                    held[name] = None  # type: ignore[index]


def _let_handlers_go() -> None:
    """Handlers refer to the worker, and so to the application: they would outlive the files."""
    for signum in signal.valid_signals():
        if callable(signal.getsignal(signum)):
            signal.signal(signum, signal.SIG_DFL if signum == signal.SIGCHLD else signal.SIG_IGN)
