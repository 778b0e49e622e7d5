"""What the server waits with: the system's own calls, whatever has been patched since.

gevent replaces them in their modules by ones that wait in its hub.  A config file may have it
do that in the arbiter, and the gevent worker does.

Runs in: both
"""

from __future__ import annotations

import _thread
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from fastfork import port

__all__ = [
    "close",
    "fork",
    "get_handler",
    "getaddrinfo",
    "has_epoll",
    "has_waitable_poller",
    "make_epoll",
    "make_poll",
    "make_socket",
    "selector_class",
    "set_handler",
    "sleep",
    "thread_ident",
    "waitpid",
]

if TYPE_CHECKING:
    from select import epoll, poll  # type: ignore[attr-defined, unused-ignore]
    from selectors import BaseSelector

# From the fork to the first line of the child there is only what os.register_at_fork() has.
CHILD_TIMEOUT: Final = 10  # seconds


def _own(module: ModuleType, name: str) -> Any:
    """Return the module's own `name`, None when it has none."""
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_object_patched(module.__name__, name):
        return monkey.get_original(module.__name__, name)
    return getattr(module, name, None)


# The thread that is in fork(), so that its child is known for one of ours (fastfork/forks.py).
forking: int | None = None


def fork(by: Callable[[], int] | None = None) -> int:
    """os.fork() for the server's own processes: 0 in the child, where gevent's hub is a new one.

    by: what forks instead; it never raises where there is a child.  Raises OSError.  gevent's own
    watches the child from its hub, which is told by SIGCHLD: that is ours, and may be held back.
    """
    global forking
    forking = thread_ident()
    try:
        pid = _forked(_own(os, "fork")) if by is None else by()
    finally:
        forking = None
    hub = sys.modules.get("gevent.hub")
    if pid == 0 and hub is not None:
        hub.reinit()
    return pid


def _forked(fork: Callable[[], int]) -> int:
    """Call `fork`; the pid of a child that is there, whatever is raised in the parent after it.

    The interpreter warns of threads when the child exists already, and that raises where warnings
    are errors, or where whoever shows them does: a child would live of which nobody knows.  So it
    says its pid through a pipe, which is read in that case only.
    """
    try:
        reader, writer = os.pipe()
    except OSError:
        return fork()  # what cannot be had is for the child to tell, which needs more
    try:
        try:
            pid = fork()
        except BaseException:
            close(writer)
            writer = -1
            pid = _pid_from(reader)
            if not pid:
                raise  # there is no child
        else:
            if pid == 0:
                os.write(writer, b"%d" % os.getpid())
        return pid
    finally:
        close(reader)
        if writer >= 0:
            close(writer)


def _pid_from(reader: int) -> int:
    """Return the pid that a child has written, 0 when the pipe ends without one."""
    waiting = make_poll()
    waiting.register(reader, select.POLLIN)
    said = os.read(reader, 32) if waiting.poll(CHILD_TIMEOUT * 1000) else b""
    return int(said or b"0")


def close(fd: int) -> None:
    """os.close(), at once: gevent's puts it off to a turn of its hub.  Raises OSError."""
    _own(os, "close")(fd)


def waitpid(pid: int, options: int) -> tuple[int, int]:
    """os.waitpid().  Raises OSError."""
    found: tuple[int, int] = _own(os, "waitpid")(pid, options)
    return found


def set_handler(signum: int, handler: Any) -> Any:
    """signal.signal(): returns the handler before.  Raises OSError, ValueError."""
    return _own(signal, "signal")(signum, handler)


def get_handler(signum: int) -> Any:
    """signal.getsignal()."""
    return _own(signal, "getsignal")(signum)


def has_epoll() -> bool:
    """Return whether the server waits with epoll(7) here."""
    return port.IS_LINUX and _own(select, "epoll") is not None


def selector_class() -> type[BaseSelector]:
    """Return what waits for many descriptors where epoll(7) is not used: kqueue(2), if there is
    one.

    On Linux, in a portable build, it is a set of epoll's, in the same wrapping.
    """
    import selectors  # here: Linux has the other

    for name in ("KqueueSelector", "EpollSelector"):
        found: type[BaseSelector] | None = _own(selectors, name)
        if found is not None:
            return found
    return selectors.DefaultSelector


def has_waitable_poller() -> bool:
    """Return whether what a worker waits with can itself be waited for."""
    return has_epoll() or hasattr(selector_class(), "fileno")


def make_epoll() -> epoll:
    """Return a `select.epoll` object.  Raises OSError."""
    made: epoll = _own(select, "epoll")()
    return made


def make_poll() -> poll:
    """Return a `select.poll` object."""
    made: poll = _own(select, "poll")()
    return made


def make_socket(family: int, kind: int) -> socket.socket:
    """Return a `socket.socket`, which waits as its timeout says.  Raises OSError."""
    made: socket.socket = _own(socket, "socket")(family, kind)
    return made


def getaddrinfo(host: str, port: int, kind: int) -> tuple[int, Any]:
    """Family and address of the first answer.  Raises OSError."""
    family, _, _, _, where = _own(socket, "getaddrinfo")(host, port, type=kind)[0]
    return family, where


def sleep(seconds: float) -> None:
    """Hold this thread for `seconds`."""
    wait: Callable[[float], None] = _own(time, "sleep")
    wait(seconds)


def thread_ident() -> int:
    """Return the number of this thread, as `sys._current_frames` has it."""
    ident: Callable[[], int] = _own(_thread, "get_ident")
    return ident()
