"""A descriptor that a log is written to, without waiting for a reader that stopped.

Runs in: both
"""

from __future__ import annotations

import errno
import os
import select
import stat
import sys

from fastfork import unpatched

__all__ = ["Outlet", "StandardError"]

# How long a line may wait for whoever reads a full pipe; the next ones wait no more until one
# was taken, so that a reader that stopped holds up the arbiter this long, once.
PATIENCE_SECONDS = 1.0


class Outlet:
    """Writes to `fd`.  A pipe, terminal or socket is asked first whether it takes more."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self._patience = PATIENCE_SECONDS
        self._is_cut = False
        self.look_again()

    def look_again(self) -> None:
        """See what the descriptor is now; it may have been exchanged."""
        self._poll: select.poll | None = None
        if not stat.S_ISREG(os.fstat(self.fd).st_mode):
            self._poll = unpatched.make_poll()
            self._poll.register(self.fd, select.POLLOUT)

    def write(self, data: bytes) -> None:
        """Write all of `data`, which ends a line.  Raises OSError; TimeoutError is one."""
        if self._is_cut:
            data = b"\n" + data
        done = 0
        try:
            while done < len(data):
                done += os.write(self.fd, data[done : done + self._most()])
            self._patience = PATIENCE_SECONDS
        finally:
            if done:
                self._is_cut = done < len(data)

    def _most(self) -> int:
        """Bytes that the next write can take without blocking.  Raises TimeoutError."""
        if self._poll is None:
            return sys.maxsize
        if not self._poll.poll(self._patience * 1000):
            self._patience = 0.0
            raise TimeoutError(errno.ETIMEDOUT, "nobody reads it")
        return select.PIPE_BUF  # what polls writable takes this much at once (pipe(7))


class StandardError:
    """Standard error as the stream of a log handler.

    What has replaced sys.stderr in Python, and has no descriptor, is written to as it is.
    """

    def __init__(self) -> None:
        self._text = sys.stderr
        self._outlet: Outlet | None = None
        try:
            self._outlet = Outlet(sys.stderr.fileno())
        except (OSError, ValueError, AttributeError):
            pass

    def write(self, text: str) -> int:
        """Write lines.  Raises OSError."""
        if self._outlet is None:
            return self._text.write(text) if self._text is not None else 0
        self._outlet.write(text.encode("utf-8", "backslashreplace"))
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def fileno(self) -> int:
        """The descriptor, for faulthandler; 2 when the stream has none."""
        return 2 if self._outlet is None else self._outlet.fd
