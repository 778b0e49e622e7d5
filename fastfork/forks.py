"""Forks that are not ours: what the code that we run makes of our processes.

An application may fork in a request or while it is imported, a hook in the arbiter, the program
that called `fastfork.serve` in another thread of its.  The child has a copy of all that is open
here: connections of clients, listening sockets, the memory that workers share.  Nothing of it is
its business.  What a process of ours has that such a child must not have says so with `hold`, and
is let go of in the child before fork(2) returns there.

Such a child may do whatever it was forked for, but it must never come back into our loops, where
it would be a second worker that nobody knows of.  Wherever we have called code of others, we look
whether we are still ourselves, and `leave` if not.

Runs in: both
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from types import FrameType
from typing import IO, NoReturn, Protocol
from weakref import WeakValueDictionary

from fastfork import port, unpatched

__all__ = [
    "NotOurs",
    "acts_on",
    "attach",
    "default_signals",
    "file_of_its_own",
    "file_to_nowhere",
    "fork_orphan",
    "hold",
    "is_foreign",
    "leave",
    "leave_if_foreign",
    "make_private",
    "ours",
    "take_signals",
]

log = logging.getLogger("fastfork.error")


class NotOurs(BaseException):
    """This is a child of others, in the middle of something of ours that is to be given up."""


class Holder(Protocol):
    """Something that a child of others must not have."""

    def let_go(self) -> None:
        """Close it, in a child that is not ours, without a word to anybody who shares it."""


_held: WeakValueDictionary[int, Holder] = WeakValueDictionary()
_is_foreign = False


class _Compiled:
    """What the compiled core adds, once it is there; see csrc/fastfork/_core/loop/forks.pyx."""

    is_foreign: Callable[[], bool] = staticmethod(lambda: False)
    begin_anew: Callable[[], None] = staticmethod(lambda: None)
    make_private: Callable[[memoryview], None] = staticmethod(lambda _memory: None)
    take_signals: Callable[[Iterable[int]], None] = staticmethod(lambda _numbers: None)
    fork_orphan: Callable[[], int]


def attach(
    *,
    is_foreign: Callable[[], bool],
    begin_anew: Callable[[], None],
    make_private: Callable[[memoryview], None],
    take_signals: Callable[[Iterable[int]], None],
    fork_orphan: Callable[[], int],
) -> None:
    """Be told of the compiled core.

    is_foreign() knows of forks too that run no hooks of Python's.  begin_anew() forgets all forks
    there were.  make_private, take_signals, fork_orphan: see below.
    """
    _Compiled.is_foreign = staticmethod(is_foreign)
    _Compiled.begin_anew = staticmethod(begin_anew)
    _Compiled.make_private = staticmethod(make_private)
    _Compiled.take_signals = staticmethod(take_signals)
    _Compiled.fork_orphan = staticmethod(fork_orphan)


def hold(thing: Holder) -> None:
    """Have `thing.let_go()` called in each child that others fork from this process, or from a
    process of ours that this one forks.  Nobody is kept alive by this."""
    if not _held:
        _be_ourselves()  # whatever has forked this process: now it is a server
    _held[id(thing)] = thing


def make_private(memory: memoryview) -> None:
    """Have zeros in this process in place of memory that is shared with others."""
    _Compiled.make_private(memory)


def acts_on(signum: int) -> bool:
    """Return whether a handler that we have set is to act.

    If not, this is a child of others that was sent the signal before it could forget the handler:
    then the signal does what it does by default.
    """
    if not is_foreign():
        return True
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)
    return False


def take_signals(numbers: Iterable[int]) -> None:
    """Have these signals do in each child what they do by default, from its first instruction on.

    `default_signals` follows there, or in a child of ours handlers of its own.
    """
    _Compiled.take_signals(numbers)


def fork_orphan() -> int:
    """Fork a process that this one is no parent of.  Returns its pid here, and 0 in it.

    It is a child of whoever adopts it: the next subreaper above us (prctl(2)), as soon as the
    process between the two has ended.  Raises OSError.  Only where the compiled core is loaded.
    """
    return unpatched.fork(_Compiled.fork_orphan)


def ours(act: Callable[[FrameType | None], None]) -> Callable[[int, FrameType | None], None]:
    """Return a signal handler for this process alone, and not for those that others fork from
    it."""

    def handler(signum: int, frame: FrameType | None) -> None:
        if acts_on(signum):
            act(frame)

    return handler


def default_signals(handlers: Mapping[int, object]) -> None:
    """Forget, in a child that is not ours, handlers of ours; those of the application stay."""
    for signum, handler in handlers.items():
        now = signal.getsignal(signum)
        if now is not None:
            signal.signal(signum, signal.SIG_DFL if now == handler else now)


def file_to_nowhere(file: IO[bytes]) -> None:
    """Have what is still in the buffer of `file` go nowhere: it is the parent's to write."""
    descriptor = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    os.dup2(descriptor, file.fileno(), inheritable=False)
    os.close(descriptor)


def file_of_its_own(file: IO[bytes]) -> None:
    """Give `file`, which is being read, a position that the parent does not share.

    Where there is no /proc it stays shared.
    """
    number = file.fileno()
    with suppress(OSError):
        descriptor = port.open_anew(number, os.O_RDONLY | os.O_CLOEXEC)
        os.lseek(descriptor, os.lseek(number, 0, os.SEEK_CUR), os.SEEK_SET)
        os.dup2(descriptor, number, inheritable=False)
        os.close(descriptor)


def is_foreign() -> bool:
    """Return whether this process was forked by others from one of ours."""
    return _is_foreign or _Compiled.is_foreign()


def leave_if_foreign(error: BaseException | None = None, *, out_of: str = "") -> None:
    """Call it where code of others has returned or raised."""
    if is_foreign():
        leave(error, out_of=out_of)


def leave(error: BaseException | None = None, *, out_of: str = "") -> NoReturn:
    """End this process, which is not ours and has come back to us, with one line in the log.

    error: what it came back with.  out_of: what we had called, for the log.  The exit code is that
    of a SystemExit, 1 for another exception, else 0.  No exit handlers run: they are the parent's.
    """
    code = 0 if error is None else 1
    if isinstance(error, SystemExit):
        code = _number(error.code)
        error = None
    try:
        log.warning(
            "A process that was forked by the application came back into the server%s%s; it ends "
            "here (pid: %d). Leave such a process by os._exit()",
            f" out of {out_of}" if out_of else "",
            "" if error is None else f" with {error!r}",
            os.getpid(),
        )
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                with suppress(OSError, ValueError):
                    stream.flush()
    finally:
        os._exit(code)


def _number(code: object) -> int:
    """Return what sys.exit(code) gives to the shell."""
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1


def _be_ourselves() -> None:
    global _is_foreign
    _is_foreign = False
    _Compiled.begin_anew()


def _after_in_child() -> None:
    """Runs in every child of a process that has imported this."""
    global _is_foreign
    if unpatched.forking == unpatched.thread_ident() or not _held:
        _be_ourselves()
        return
    _is_foreign = True
    for thing in list(_held.values()):
        try:
            thing.let_go()
        except Exception:
            log.exception("Error in the server after a fork of the application")
    _held.clear()


os.register_at_fork(after_in_child=_after_in_child)
