"""An application whose requests end their worker, each in another way.

/exit: os._exit().  /crash: a fault in C.  /kill: SIGKILL, as from the kernel that is out of memory.
/fork: a child of the application ends by os._exit().  /: the pid.

Runs in: worker
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Callable, Iterable
from typing import Any

ENDS: dict[str, Callable[[], Any]] = {
    "/exit": lambda: os._exit(1),
    "/crash": lambda: ctypes.string_at(0),
    "/kill": lambda: os.kill(os.getpid(), signal.SIGKILL),
}


def fork() -> None:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    if environ["PATH_INFO"] in ENDS:
        ENDS[environ["PATH_INFO"]]()
    if environ["PATH_INFO"] == "/fork":
        fork()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(os.getpid()).encode()]
