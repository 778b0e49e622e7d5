"""Debuggers that call a process of ours from outside (PEP 768, Python 3.14).

`pdb -p` and sys.remote_exec() leave a word in the memory of a process, which its main thread finds
at its next step in Python.  That of a worker of threads, and of a template, waits in C for what may
be hours, and one that wakes up by itself to look would do so in each process.  The arbiter is awake
once a second anyway: it looks into its children, a system call each, and wakes who was called.

Runs in: arbiter
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterable
from contextlib import suppress

__all__ = ["wake"]


def wake(pids: Iterable[int | None]) -> None:
    """Have those of our children that were called take a step in Python.

    By SIGWINCH: their handler does nothing, and where there is none yet, it is ignored.  System
    calls of the application go on (SA_RESTART).
    """
    if sys.version_info >= (3, 14):
        from fastfork._core import debugger

        for pid in pids:
            if pid is not None and debugger.calls(pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGWINCH)
