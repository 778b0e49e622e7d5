"""Forking a worker, and the frame around its life.

Nothing that a worker raises may travel up into the arbiter's stack: its `finally` clauses would
remove the pid file and the sockets of a server that runs.  So a child never returns from here.

Runs in: both
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn, Protocol, cast

import fastfork
from fastfork import forks, unpatched
from fastfork.errors import ConfigError
from fastfork.ipc import SignalMailbox, Slot
from fastfork.process import finalize, inherited, streams

log = logging.getLogger("fastfork.error")

# Beside the package in a source tree only.
SETUP: Final = os.path.join(os.path.dirname(os.path.dirname(fastfork.__file__)), "setup.py")
UNEXPECTED: Final = 255  # exit code of a worker that raised, as gunicorn's


class Runnable(Protocol):
    """As much of a process as the arbiter knows."""

    def run(self) -> int: ...  # noqa: D102


class Viewed(Runnable, Protocol):
    """As much of a worker.  view: what hooks are given for it."""

    view: Any


class HookedWorker(Protocol):
    """What hooks are given for a worker, as far as the arbiter writes on it.

    pid: None before the fork.  slot: None while there is no process.  booted: it has loaded the
    application.  alive: it has not ended.  aborted: it was silent for `timeout`.
    """

    pid: int | None
    slot: Slot | None
    booted: bool
    alive: bool
    aborted: bool

    def ended(self) -> None: ...  # noqa: D102
    def given(self) -> dict[str, object]: ...  # noqa: D102
    def hand_over(self, worker: object) -> None: ...  # noqa: D102


class WorkerClass(Protocol):
    """As much of a class of workers."""

    def __call__(self, **facts: Any) -> Viewed: ...  # noqa: D102
    def prepare(self) -> None: ...  # noqa: D102


def worker_class(name: str) -> WorkerClass:
    """Import the worker class before the first fork; the arbiter calls nothing of it.

    Imported here and not in each child, the code is in memory once, a replacement starts at
    once, a broken installation is told before any fork, and an update of the package on disk
    cannot mix with the arbiter that runs.
    Raises ConfigError with one line.
    """
    try:
        workers = importlib.import_module("fastfork.workers")
        return cast("WorkerClass", workers.worker_class(name))
    except ImportError as error:
        if (error.name or "").startswith("fastfork._core") and os.path.exists(SETUP):
            raise ConfigError(
                "this is the source tree, and its compiled modules are not there; use "
                "`make serve` or `make inplace`"
            ) from error
        raise ConfigError(
            f"worker_class: {name!r} cannot be imported: {error}; install fastfork again with "
            "`pip install --force-reinstall fastfork`"
        ) from error


def spawn(make_worker: Callable[[], Runnable], mailbox: SignalMailbox) -> int:
    """Fork a worker.  Returns its pid, in the arbiter only.

    The signals of the mailbox are held back from before the fork until the child has handlers
    of its own (Worker.run lets them in): one that is sent in between is not lost.
    Raises OSError when there can be no further process (fork(2) EAGAIN, ENOMEM).
    """
    with held_back(mailbox.signums):
        pid = unpatched.fork()
        if pid == 0:
            live(make_worker, mailbox)
        return pid


@contextmanager
def held_back(signums: Iterable[int]) -> Iterator[None]:
    """Hold signals back around a fork, here and in the child until it lets them in.

    Exit handlers of this process are not the child's; see `inherited.fence`.
    """
    streams.flush()  # text still in the buffer would be printed by both
    held = signal.pthread_sigmask(signal.SIG_BLOCK, signums)
    try:
        with inherited.fence():
            yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def live(make_worker: Callable[[], Runnable], mailbox: SignalMailbox) -> NoReturn:
    """Be the worker, or a forkserver, to the end of the process.  Runs in: worker."""
    code = UNEXPECTED
    try:
        finalize.begin()
        mailbox.close_in_child()
        inherited.forget()
        code = make_worker().run()
        forks.leave_if_foreign()
    except SystemExit as leaving:
        forks.leave_if_foreign(leaving)
        code = exit_code(leaving)
    except BaseException as error:
        forks.leave_if_foreign(error)
        log.exception("Worker failed (pid: %d)", os.getpid())
    finally:
        try:
            _finish(code)
        except SystemExit as leaving:
            code = exit_code(leaving)  # told to quit while it was finishing
        finally:
            try:
                finalize.end(code)
            finally:
                os._exit(code)


def _finish(code: int) -> NoReturn:
    """What the interpreter does at its end, without unwinding the arbiter's frames below us.

    Waits for threads that are no daemons and for executors, then runs atexit handlers: those
    that were registered in this process, and logging's.
    """

    def leave() -> NoReturn:
        streams.flush()
        finalize.end(code)

    # What threading made up for a greenlet that asked for its thread never ends, and from 3.13 on
    # gevent's own wait is for all that are no daemons; its stand-ins say that they are none.
    for ident, thread in list(threading._active.items()):  # type: ignore[attr-defined]
        if isinstance(thread, threading._DummyThread):
            threading._active.pop(ident, None)  # type: ignore[attr-defined]
    threading._shutdown()  # type: ignore[attr-defined]
    inherited.run_exit_handlers(leave)


def exit_code(leaving: SystemExit) -> int:
    """Return the number that sys.exit(...) would have given to the shell."""
    if leaving.code is None:
        return 0
    return leaving.code & 0xFF if isinstance(leaving.code, int) else 1
