"""The access log: lines from a compiled function, written in batches.

Runs in: worker
"""

from __future__ import annotations

import errno
import os
import select
import stat
from collections.abc import Iterator

from fastfork import clock
from fastfork.config import Config
from fastfork.errors import ConfigError

from .error import LOGGER, STANDARD_STREAM, open_descriptor
from .line import LineFunction, compile_line

__all__ = ["AccessLog"]

STANDARD_OUTPUT = 1

# How long a batch may wait for whoever reads a full pipe; the next ones wait no more until
# one was taken, so that a reader that stopped costs a worker this long, once.
PATIENCE_SECONDS = 1.0

# Lost lines are told of once in this many seconds.
COMPLAIN_EVERY = 60.0


class AccessLog:
    """Where access lines go, and how one is made.

    enabled: whether there is an access log at all.  line: makes a line, without a line end,
    from (environ, status, bytes of body sent, duration in nanoseconds, response headers).
    Raises ConfigError when the file cannot be opened.
    """

    def __init__(self, cfg: Config) -> None:
        self.enabled = cfg.accesslog is not None
        self.line: LineFunction = compile_line(cfg.access_log_format)
        self._path = cfg.accesslog or STANDARD_STREAM
        self._fd = -1
        self._poll: select.poll | None = None
        self._patience = PATIENCE_SECONDS
        self._is_cut = False
        self._lost = 0
        self._complained = float("-inf")
        if self.enabled:
            self._take(self._open())

    def write(self, lines: list[str]) -> None:
        """Write the lines, each with its line end: one write(2) to a file that takes them.

        Never raises.  Lines that cannot be written (a full disk, a reader that stopped) are
        counted, and told of on the error log once a minute.
        """
        if not lines or self._fd < 0:
            return
        text = "\n".join(lines) + "\n"
        data = text.encode("utf-8", "backslashreplace")
        if self._is_cut:
            data = b"\n" + data
        done = 0
        try:
            for end in self._ends(data):
                while done < end:
                    self._wait()
                    done += os.write(self._fd, data[done:end])
        except OSError as error:
            self._lose(data[done:].count(b"\n"), error)
        if done:
            self._is_cut = data[done - 1 : done] != b"\n"
            self._patience = PATIENCE_SECONDS if done == len(data) else 0.0

    def reopen(self) -> None:
        """Open the file again after it was moved away; the old one stays if that fails."""
        if not self.enabled or self._path == STANDARD_STREAM:
            return
        try:
            fd = self._open()
        except ConfigError as error:
            LOGGER.error("%s; going on with the old file", error)
            return
        # The number stays: a signal handler may call this in the middle of a write(2).
        os.dup2(fd, self._fd, inheritable=False)
        os.close(fd)
        self._take(self._fd)

    def close(self) -> None:
        """Close the file; standard output stays open."""
        if self._fd >= 0 and self._path != STANDARD_STREAM:
            os.close(self._fd)
        self._fd = -1

    def _open(self) -> int:
        if self._path == STANDARD_STREAM:
            return STANDARD_OUTPUT
        return open_descriptor(self._path, "accesslog")

    def _take(self, fd: int) -> None:
        self._fd = fd
        self._poll = None
        self._is_cut = False
        try:
            is_file = stat.S_ISREG(os.fstat(fd).st_mode)
        except OSError:
            return  # standard output is closed: write() will tell
        if not is_file:
            self._poll = select.poll()
            self._poll.register(fd, select.POLLOUT)

    def _ends(self, data: bytes) -> Iterator[int]:
        """Where the writes of a batch end: a file takes all at once.

        A pipe takes up to PIPE_BUF bytes at once or not at all (pipe(7)), so whole lines up
        to that size never mix with another worker's, and never block a pipe that polls
        writable.
        """
        if self._poll is None:
            yield len(data)
            return
        start = 0
        while len(data) - start > select.PIPE_BUF:
            line_end = data.rfind(b"\n", start, start + select.PIPE_BUF)
            start = line_end + 1 if line_end >= start else start + select.PIPE_BUF
            yield start
        yield len(data)

    def _wait(self) -> None:
        """Wait for a pipe, terminal or socket to take more.  Raises TimeoutError."""
        poll = self._poll
        if poll is not None and not poll.poll(self._patience * 1000):
            self._patience = 0.0
            raise TimeoutError(errno.ETIMEDOUT, "nobody reads it")

    def _lose(self, lines: int, error: OSError) -> None:
        self._lost += lines
        now = clock.now()
        if now - self._complained < COMPLAIN_EVERY:
            return
        LOGGER.error(
            "Access log %s: %d line(s) lost: %s",
            "on standard output" if self._path == STANDARD_STREAM else self._path,
            self._lost,
            error.strerror or error,
        )
        self._complained = now
        self._lost = 0
