"""The error log: one logger, one handler, a file that can be reopened.

Runs in: both
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Final

from fastfork import clock
from fastfork.config import Config
from fastfork.errors import ConfigError
from fastfork.process import streams

from . import formatters
from .outlet import Outlet, StandardError
from .requestid import RequestIdFilter

__all__ = ["GUNICORNS", "LOGGER", "ErrorHandler", "StandardOutput", "make_handler", "set_handlers"]

LOGGER: Final = logging.getLogger("fastfork.error")
# The name under which applications written for gunicorn ask for handlers and level.
GUNICORNS: Final = logging.getLogger("gunicorn.error")
STANDARD_STREAM: Final = "-"

# A log that cannot be written is told of once in this many seconds.
COMPLAIN_EVERY = 60.0


class LogFile:
    """A file that is appended to at once: what a full disk refuses is not kept for later.

    setting: that names the path.  Raises ConfigError when the path cannot be opened.
    """

    def __init__(self, path: str, setting: str = "errorlog") -> None:
        self._setting = setting
        self._outlet = Outlet(open_descriptor(path, setting))

    def write(self, text: str) -> int:
        """Append `text`; one write(2) unless it is cut short.  Raises OSError."""
        self._outlet.write(text.encode("utf-8", "backslashreplace"))
        return len(text)

    def reopen(self, path: str) -> None:
        """Go on in the file that is at `path` now.  Raises ConfigError; the old one stays then.

        The descriptor keeps its number: a signal handler may call this in the middle of a
        write(2), and faulthandler remembers the number.
        """
        fd = open_descriptor(path, self._setting)
        os.dup2(fd, self._outlet.fd, inheritable=False)
        os.close(fd)
        self._outlet.look_again()

    def flush(self) -> None:
        """Nothing is held back."""

    def fileno(self) -> int:
        """The descriptor, for faulthandler."""
        return self._outlet.fd

    def close(self) -> None:
        """Close the file; once more does nothing."""
        fd, self._outlet.fd = self._outlet.fd, -1
        if fd >= 0:
            os.close(fd)


class StandardOutput:
    """Standard output as the stream of a log handler, also while it is captured."""

    def __init__(self) -> None:
        self._outlet = Outlet(streams.standard_output())

    def write(self, text: str) -> int:
        """Write lines.  Raises OSError."""
        self._outlet.write(text.encode("utf-8", "backslashreplace"))
        return len(text)

    def flush(self) -> None:
        """Nothing is held back."""

    def fileno(self) -> int:
        """The descriptor."""
        return self._outlet.fd


class ErrorHandler(logging.StreamHandler[LogFile | StandardError | StandardOutput]):
    """Writes to a file in append mode, or to a standard stream when the path is `-`.

    setting: that names the path; the standard stream of `accesslog` is standard output.
    Raises ConfigError when the file cannot be opened.  Never raises later.  Lines that cannot
    be written are counted, and the next one that can is followed by their number.
    """

    def __init__(
        self,
        path: str,
        formatter: logging.Formatter | None = None,
        *,
        setting: str = "errorlog",
    ) -> None:
        self.path = path
        self._complained = float("-inf")
        self._lost = 0
        super().__init__(_stream(path, setting))
        self.setFormatter(formatter or formatters.SafeFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, and how many before it were lost."""
        lost = self._lost
        super().emit(record)
        if not lost or self._lost != lost:
            return
        self._lost = 0
        text = "%d line(s) of this log were lost: it could not be written"
        super().emit(LOGGER.makeRecord(LOGGER.name, logging.WARNING, "", 0, text, (lost,), None))
        if self._lost:
            self._lost = lost

    def reopen(self) -> None:
        """Open the path again; the old file stays in use when that fails."""
        if not isinstance(self.stream, LogFile):
            return
        try:
            self.stream.reopen(self.path)
        except ConfigError as error:
            LOGGER.error("%s; going on with the old file", error)

    def close(self) -> None:
        """Close the file; standard error stays open."""
        if isinstance(self.stream, LogFile):
            self.stream.close()
        super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802, ARG002 - logging's
        """A log that cannot be written (a full disk) must not stop what it tells of."""
        self._lost += 1
        now = clock.now()
        if self.path == STANDARD_STREAM or now - self._complained < COMPLAIN_EVERY:
            return
        self._complained = now
        try:
            sys.stderr.write(f"fastfork: error log {self.path}: {sys.exc_info()[1]}\n")
        except (OSError, ValueError):
            pass  # standard error is gone too: nobody is left to tell


def _stream(path: str, setting: str) -> LogFile | StandardError | StandardOutput:
    if path != STANDARD_STREAM:
        return LogFile(path, setting)
    return StandardOutput() if setting == "accesslog" else StandardError()


def open_descriptor(path: str, setting: str) -> int:
    """A descriptor to append to `path`, close-on-exec.  Raises ConfigError.

    O_APPEND lets several processes write one file without overwriting each other (open(2)).
    O_NONBLOCK keeps a FIFO that nobody reads from holding up the start; it is taken back.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        raise ConfigError(
            f"{setting}: cannot open {path!r}: {error.strerror}; write a path in a directory "
            "that exists and may be written, or -"
        ) from None
    os.set_blocking(descriptor, True)
    return descriptor


def make_handler(cfg: Config) -> ErrorHandler:
    """The handler that `errorlog` and `log_format` mean.  Raises ConfigError."""
    is_terminal = cfg.errorlog == STANDARD_STREAM and formatters.wants_colour(sys.stderr)
    return ErrorHandler(cfg.errorlog, formatters.make(cfg.log_format, in_colour=is_terminal))


def set_handlers(logger: logging.Logger, handlers: Sequence[logging.Handler], level: str) -> None:
    """Let `logger` go to these handlers only, from this level on; old ones of ours are closed."""
    for old in list(logger.handlers):
        logger.removeHandler(old)
        if old not in handlers:
            old.close()
    for handler in handlers:
        logger.addHandler(handler)
    if not any(isinstance(one, RequestIdFilter) for one in logger.filters):
        logger.addFilter(RequestIdFilter())
    logger.setLevel(level.upper())
    logger.propagate = False
    logger.disabled = False  # a dictConfig of the application's may have done that
