"""Going to the background, without leaving the terminal in the dark.

The process that the user started waits until the server answers, or says that it failed: what
was wrong is on the terminal, and the exit code is the shell's.

Runs in: cli, arbiter (until it is one)
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import suppress
from typing import Final

from fastfork import unpatched
from fastfork.process import streams

__all__ = ["Detached", "detach"]

# The server may still come after that, in the background; the terminal is given back.
PATIENCE: Final = 300.0  # seconds
UMASK: Final = 0o022  # as gunicorn's daemon; the terminal's may be anything
UNKNOWN: Final = 1  # exit code when the daemon died without a word


class Detached:
    """The daemon's line to the waiting process.

    keeps_streams: standard input, output and error stay what they are.
    """

    def __init__(self, fd: int, *, keeps_streams: bool) -> None:
        self._fd = fd
        self._keeps_streams = keeps_streams

    def ready(self) -> None:
        """The server answers: let go of the terminal."""
        if not self._keeps_streams:
            streams.leave_terminal()
        self._say("0")

    def ended(self, code: int) -> None:
        """The server has ended; a process that still waits leaves with this code."""
        self._say(str(code))

    def _say(self, word: str) -> None:
        if self._fd >= 0:
            with suppress(OSError):
                os.write(self._fd, f"{word}\n".encode())
            os.close(self._fd)
            self._fd = -1


def detach(*, keeps_streams: bool) -> Detached | int:
    """Fork twice.  Returns an exit code in the waiting process, and Detached in the daemon.

    The daemon leads no session (setsid(2), and a fork after it), so it can get no terminal.
    Raises OSError when there can be no further process.
    """
    read_end, write_end = os.pipe()
    streams.flush()
    middle = unpatched.fork()
    if middle:
        os.close(write_end)
        unpatched.waitpid(middle, 0)
        try:
            return _wait(read_end)
        finally:
            os.close(read_end)
    os.close(read_end)
    os.setsid()
    if unpatched.fork():
        os._exit(0)
    os.umask(UMASK)
    os.write(write_end, f"{os.getpid()}\n".encode())
    return Detached(write_end, keeps_streams=keeps_streams)


def _wait(fd: int) -> int:
    """Wait for the daemon's word.  Returns the exit code."""
    said = b""
    deadline = time.monotonic() + PATIENCE
    try:
        while said.count(b"\n") < 2:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([fd], [], [], left)[0]:
                _tell(f"not ready after {PATIENCE:g} s; it goes on in the background", said)
                return UNKNOWN
            part = os.read(fd, 64)
            if not part:
                _tell("the server ended before it was ready", said)
                return UNKNOWN
            said += part
    except KeyboardInterrupt:
        _stop(said)
        raise
    return int(said.split()[1])


def _tell(text: str, said: bytes) -> None:
    pid = said.split(b"\n")[0].decode() or "unknown"
    print(f"fastfork: {text} (pid: {pid})", file=sys.stderr)


def _stop(said: bytes) -> None:
    """Ctrl-C while waiting is meant for the server that does not come."""
    pid, line_end, _ = said.partition(b"\n")
    if line_end:
        with suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGTERM)
