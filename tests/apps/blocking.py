"""An application that waits in system calls, where no handler of Python's runs by itself.

/read, /recv, /waitpid: wait there for ever.  /die: the worker ends at once.  /: the pid.
/deaf/once: the next SIGTERM is not heard.
/listener/blocking: a child of the application clears O_NONBLOCK on the listening sockets.

Runs in: worker
"""

from __future__ import annotations

import fcntl
import os
import signal
import socket
import stat
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any


def read() -> Callable[[], object]:
    nobody, _kept_open = os.pipe()
    return partial(os.read, nobody, 1)


def recv() -> Callable[[], object]:
    ends = socket.socketpair()
    return lambda: ends[0].recv(1)


def waitpid() -> Callable[[], object]:
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        while os.getppid() == parent:
            time.sleep(0.01)
        os._exit(0)
    return partial(os.waitpid, pid, 0)


def clear_nonblocking() -> None:
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        try:
            if not stat.S_ISSOCK(os.fstat(fd).st_mode):
                continue
            with socket.socket(fileno=os.dup(fd)) as sock:
                if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    flags = fcntl.fcntl(fd, fcntl.F_GETFL)
                    fcntl.fcntl(fd, fcntl.F_SETFL, flags & ~os.O_NONBLOCK)
        except OSError:
            continue


# Each makes what it waits for, and returns the call that waits.
WAITS: dict[str, Callable[[], Callable[[], object]]] = {
    "read": read,
    "recv": recv,
    "waitpid": waitpid,
}


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    name = environ["PATH_INFO"].lstrip("/")
    if name in WAITS:
        # What runs at a fork hides an exception of a signal handler: so the fork comes before it.
        wait = WAITS[name]()
        environ["wsgi.errors"].write(f"The application waits in {name}\n")
        wait()
    if name == "die":
        os._exit(1)
    if name == "deaf/once":
        before = signal.getsignal(signal.SIGTERM)
        signal.signal(signal.SIGTERM, lambda *_: signal.signal(signal.SIGTERM, before))
    if name == "listener/blocking":
        clear_nonblocking()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
