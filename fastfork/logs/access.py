"""The access log: lines, from a compiled function or a Logger, written in batches.

Runs in: worker
"""

from __future__ import annotations

import errno
import os
import select
import stat
from collections.abc import Iterator

from fastfork import clock, metrics, unpatched
from fastfork.config import Config, logformat
from fastfork.errors import ConfigError
from fastfork.process import streams

from . import lines, voice
from .error import LOGGER, STANDARD_STREAM, open_descriptor
from .line import LineFunction, compile_line
from .syslog import SyslogLines

__all__ = ["AccessLog"]

# How long a batch may wait for whoever reads a full pipe; the next ones wait no more until
# one was taken, so that a reader that stopped costs a worker this long, once.
PATIENCE_SECONDS = 1.0

# Lost lines are told of once in this many seconds.
COMPLAIN_EVERY = 60.0


class AccessLog:
    """Where access lines go, and how one is made.

    enabled: whether anything is to be done at the end of a request.  line: makes a line,
    without a line end, from (environ, status, bytes of body sent, duration in nanoseconds,
    response headers); '' when there is none for this request.
    Raises ConfigError when the file cannot be opened.
    """

    def __init__(self, cfg: Config) -> None:
        statsd = metrics.current()
        logger = voice.current() if voice.is_custom(cfg) else None
        is_written = cfg.accesslog is not None and logger is None
        self._syslog: SyslogLines | None = None
        if cfg.syslog and not cfg.disable_redirect_access_to_syslog and logger is None:
            self._syslog = SyslogLines(cfg)
        is_made = is_written or self._syslog is not None
        is_logged = logger is not None and logger.access_log_enabled
        self.enabled = is_made or is_logged or statsd is not None
        self.line: LineFunction = lines.no_line
        if is_made:
            text = logformat.in_use(
                cfg.access_log_format, is_json=cfg.log_format == "json", has_ids=cfg.request_id
            )
            self.line = compile_line(text)
        elif logger is not None and is_logged:
            self.line = lines.logged_by(logger)
        if cfg.access_log_exclude:
            self.line = lines.excluding(self.line, cfg.access_log_exclude)
        if statsd is not None:
            self.line = lines.counted(self.line, statsd)
        self._path = cfg.accesslog or STANDARD_STREAM
        self._fd = -1
        self._poll: select.poll | None = None
        self._patience = PATIENCE_SECONDS
        self._is_cut = False
        self._lost = 0
        self._complained = float("-inf")
        self._is_written = is_written
        if is_written:
            self._take(self._open())

    def write(self, made: list[str]) -> None:
        """Write the lines to where they go, and send the metrics of their requests.

        Never raises.
        """
        metrics.flush()
        if "" in made:
            made = [line for line in made if line]
        if not made:
            return
        if self._fd >= 0:
            self._write(made)
        if self._syslog is not None and (lost := self._syslog.write(made)):
            self._lose(lost, OSError("the system log takes no more"))

    def _write(self, made: list[str]) -> None:
        """Write the lines, each with its line end: one write(2) to a file that takes them.

        Lines that cannot be written (a full disk, a reader that stopped) are counted, and told
        of on the error log once a minute.
        """
        text = "\n".join(made) + "\n"
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
        if not self._is_written or self._path == STANDARD_STREAM:
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
            return streams.standard_output()
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
            self._poll = unpatched.make_poll()
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
