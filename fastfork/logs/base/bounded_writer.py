"""A descriptor that a log is written to, without waiting for a reader that stopped.

A pipe, terminal or socket takes lines only as fast as somebody reads.  Whoever writes may be the
loop of a worker or the arbiter, where everybody waits with it.  So waiting is paid for from an
account, and what is not taken is lost and counted.

Runs in: both
"""

from __future__ import annotations

import errno
import fcntl
import os
import select
import stat
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from fastfork import clock, port, unpatched
from fastfork.process import streams
from fastfork.records import record

__all__ = ["BoundedWriter", "Unwritten", "own_descriptor"]

# How long a write may wait for whoever reads a full pipe, however many pieces it has ...
PATIENCE_SECONDS = 1.0
# ... and which part of all time: a reader that reads, but too slowly, costs no more.
SHARE: Final = 0.05
# A descriptor that says it takes more, and does not, is asked again after this.
AGAIN_SECONDS: Final = 0.001


@record(frozen=True)
class Unwritten:
    """What was lost of a write, and why."""

    lines: int
    error: OSError


class BoundedWriter:
    """Writes to `fd`, which is this object's from now on."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        streams.unbuffered.add(fd)
        self._left = PATIENCE_SECONDS
        self._earned_at = clock.now()
        self._is_stuck = False
        self._is_cut = False
        self.look_again()

    def look_again(self) -> None:
        """See what the descriptor is now; it may have been exchanged."""
        self._is_file = True
        self._poll = unpatched.make_poll()
        with suppress(OSError):  # it is closed: a write will tell
            self._is_file = stat.S_ISREG(os.fstat(self.fd).st_mode)
            self._poll.register(self.fd, select.POLLOUT)
        self._is_blocking = True
        with suppress(OSError):
            self._is_blocking = os.get_blocking(self.fd)

    def write(self, data: bytes) -> Unwritten | None:
        """Write all of `data`, which ends a line: one write(2) to a file that takes it.

        Returns what was lost: never raises OSError.
        """
        lead = 1 if self._is_cut else 0  # ends the line that was cut
        data = b"\n" + data if lead else data
        done = 0
        lost = None
        try:
            for end in self._ends(data):
                while done < end:
                    done += self._some(data[done:end])
        except OSError as error:
            lost = Unwritten(max(data.count(b"\n", max(done, lead)), 1), error)
            self._is_stuck = True
        else:
            self._is_stuck = False
        if done:
            self._is_cut = lost is not None and data[done - 1 : done] != b"\n"
        return lost

    def close(self) -> None:
        """Close the descriptor; once more does nothing."""
        fd, self.fd = self.fd, -1
        if fd >= 0:
            streams.unbuffered.discard(fd)
            with suppress(OSError):
                os.close(fd)

    def __del__(self) -> None:
        """Nobody has it any more."""
        self.close()

    def _ends(self, data: bytes) -> Iterator[int]:
        """Yield the offsets at which the writes end: a file takes all at once.

        A pipe takes up to PIPE_BUF bytes at once or not at all (pipe(7)), so whole lines up
        to that size never mix with another process's, and never block a pipe that polls
        writable.
        """
        start = 0
        while not self._is_file and len(data) - start > select.PIPE_BUF:
            line_end = data.rfind(b"\n", start, start + select.PIPE_BUF)
            start = line_end + 1 if line_end >= start else start + select.PIPE_BUF
            yield start
        yield len(data)

    def _some(self, data: bytes) -> int:
        """Write what is taken now, at least a byte.  Raises OSError."""
        if self._is_blocking and not self._is_file:
            self._wait()
        try:
            return os.write(self.fd, data)
        except BlockingIOError:
            self._wait()
        while True:
            try:
                return os.write(self.fd, data)
            except BlockingIOError:
                # It polls as if it took more, and does not.
                self._pay(AGAIN_SECONDS)
                unpatched.sleep(AGAIN_SECONDS)

    def _wait(self) -> None:
        """Wait until more is taken, if that is still paid for.  Raises TimeoutError.

        A reader that stopped is not waited for again until it has taken something.
        """
        now = clock.now()
        self._left = min(PATIENCE_SECONDS, self._left + (now - self._earned_at) * SHARE)
        allowed = 0.0 if self._is_stuck else max(self._left, 0.0)
        is_ready = self._poll.poll(allowed * 1000)
        self._earned_at = clock.now()
        self._left -= self._earned_at - now
        if not is_ready:
            raise TimeoutError(errno.ETIMEDOUT, "nobody reads it")

    def _pay(self, seconds: float) -> None:
        self._left -= seconds
        if self._is_stuck or self._left <= 0.0:
            raise TimeoutError(errno.ETIMEDOUT, "nobody reads it")


def own_descriptor(number: int) -> int:
    """Return a descriptor of our own for what `number` is; one that never blocks where that is
    possible.

    Raises OSError.
    """
    kind = os.fstat(number).st_mode
    if stat.S_ISFIFO(kind) or stat.S_ISCHR(kind):
        # Opened anew (proc(5), /proc/pid/fd): O_NONBLOCK is ours alone then, and not the shell's.
        flags = os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        with suppress(OSError):  # of another user, or nobody reads it, or there is no /proc
            return port.open_anew(number, flags)
    return fcntl.fcntl(number, fcntl.F_DUPFD_CLOEXEC, 3)
