"""What a fork has in its memory and is its parent's: left to the parent, where it ends once.

An exit handler, a finalizer or a temporary directory of before the fork would be run, or removed,
by the first worker that ends; the exit handler of multiprocessing would end the processes that
the parent has started.  multiprocessing does the same in its own children
(BaseProcess._bootstrap); there are no public names for most of it.

Runs in: both
"""

# mypy: disable-error-code="attr-defined"

from __future__ import annotations

import atexit
import gc
import logging
import os
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Final, NoReturn

from fastfork import unpatched
from fastfork.process import finalize

__all__ = ["fence", "forget", "freeze", "run_exit_handlers"]

# Ends the process; set when it begins to run its exit handlers.
_leave: list[Callable[[], NoReturn]] = []

# Files that are removed when nobody has them any more, as far as they were there at `freeze()`.
_files: list[weakref.ref[Any]] = []


def freeze(*, is_start: bool = False) -> None:
    """Make this process ready to be forked from.

    is_start: garbage that has grown old is not looked for.  A start makes none, and to look at
    everything takes milliseconds for which the first request would wait.

    What is in memory now, stays: a collection in a child that touched it would copy the pages that
    it shares with us (gc.freeze() in the library reference).
    """
    if is_start:
        gc.unfreeze()  # what was there before us may have files, see collector.py
    finalize.flush_before_fork()
    gc.collect(1 if is_start else 2)
    if (tempfile := sys.modules.get("tempfile")) is not None:
        closer: type = tempfile._TemporaryFileCloser
        _files[:] = [weakref.ref(one) for one in gc.get_objects() if type(one) is closer]
    _forget_names()
    gc.freeze()


def _forget_names() -> None:
    """Empty the interpreter's cache of attributes, which refers to the name of each.

    A child's first look-ups put others out of it, and count one reference less to a name that lies
    anywhere: 300 pages of each worker.  From 3.12 on nobody counts the references to names.
    """
    if sys.version_info < (3, 12):
        sys._clear_type_cache()


@contextmanager
def fence() -> Iterator[None]:
    """Around a fork: what is registered with atexit behind the fence is the child's own.

    That is also what callbacks of os.register_at_fork() register in it, coverage's among them, and
    so the handlers of the parent cannot just be dropped in the child.  Some of the interpreter's
    own are for each process.
    """
    handlers: list[Callable[[], object]] = [lambda: _leave[0]() if _leave else None]
    handlers += [partial(handler) for handler in _of_each_process()]
    for handler in handlers:
        atexit.register(handler)
    parent = os.getpid()
    try:
        yield
    finally:
        if os.getpid() == parent:
            for handler in handlers:
                atexit.unregister(handler)


def _of_each_process() -> Iterator[Callable[[], object]]:
    yield logging.shutdown
    if weakref.finalize._registered_with_atexit:
        yield weakref.finalize._exitfunc
    if (util := sys.modules.get("multiprocessing.util")) is not None:
        yield util._exit_function


def run_exit_handlers(leave: Callable[[], NoReturn]) -> NoReturn:
    """Run those of this process, as the interpreter does at its end, then `leave()`.

    atexit runs the latest first, and cannot be told to stop: so at the fence the process ends.
    """
    _leave[:] = [leave]
    atexit._run_exitfuncs()
    leave()  # a process without a fence


def forget() -> None:
    """Leave to the parent what is the parent's.  Runs in: the child, before anything else.

    The fork was made inside `fence()`.
    """
    for step in STEPS:
        with suppress(AttributeError):  # another version of Python has it elsewhere
            step()


def _files_and_folders() -> None:
    for file in _files:
        if (closer := file()) is not None:
            closer.delete = False
    for finalizer in list(weakref.finalize._registry):
        found = finalizer.peek()
        # Whatever else there is belongs to an object, and may still be called when that goes.
        finalizer.atexit = False
        if found is not None and _removes_folder(found[1]):
            finalizer.detach()


def _removes_folder(call: Callable[..., object]) -> bool:
    owner, tempfile = getattr(call, "__self__", None), sys.modules.get("tempfile")
    if tempfile is None or not isinstance(owner, type):
        return False
    return issubclass(owner, tempfile.TemporaryDirectory)


def _executors() -> None:
    """The threads of the parent's are not here; its end would wake those that are there."""
    for module, name in (("thread", "_threads_queues"), ("process", "_threads_wakeups")):
        found = sys.modules.get(f"concurrent.futures.{module}")
        if found is not None:
            getattr(found, name).clear()


def _processes() -> None:
    util = sys.modules.get("multiprocessing.util")
    if util is None:
        return
    process: Any = sys.modules["multiprocessing.process"]
    util._finalizer_registry.clear()
    process._children.clear()
    process.current_process()._config.pop("tempdir", None)
    _fork_server()
    # Connections to managers, feeder threads of queues, locks: made anew in this process.
    util._run_after_forkers()


def _fork_server() -> None:
    """The parent's ends with it; this process starts one of its own if it needs any."""
    module: Any = sys.modules.get("multiprocessing.forkserver")
    if module is None:
        return
    server = module._forkserver
    kept = {name: value for name, value in vars(server).items() if name.startswith("_preload")}
    if server._forkserver_alive_fd is not None:
        unpatched.close(server._forkserver_alive_fd)
    server.__init__()  # its methods are bound elsewhere, so it stays the same object
    vars(server).update(kept)


STEPS: Final = (_files_and_folders, _executors, _processes)
