"""The error log: one logger, one handler, a file that can be reopened.

Runs in: both
"""

from __future__ import annotations

import logging
import sys
from contextlib import suppress
from typing import Any, Final

from fastfork import clock
from fastfork.config import Config
from fastfork.errors import ConfigError

from ..base import formatters
from ..base.bounded_writer import Unwritten
from ..base.guard import must_pass
from ..base.logstreams import LogFile, LogStream, Standard, StandardError
from ..base.serverlogger import COMPLAIN_EVERY, LOGGER, OurHandler

__all__ = ["STANDARD_STREAM", "ErrorHandler", "LogHandler", "make_handler"]

STANDARD_STREAM: Final = "-"


class LogHandler(OurHandler, logging.StreamHandler[Any]):
    """Writes to a file in append mode, or to a standard stream when the path is `-`.

    setting: that names the path; the standard stream of `accesslog` is standard output.
    Raises ConfigError when the file cannot be opened.  Never raises later.
    """

    def __init__(
        self,
        path: str,
        formatter: logging.Formatter | None = None,
        *,
        setting: str = "errorlog",
    ) -> None:
        self.path = path
        super().__init__(_stream(path, setting))
        self.setFormatter(formatter or formatters.SafeFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; one that cannot be made to text is told of in its place."""
        try:
            text = self.format(record) + self.terminator
        except BaseException as error:
            if must_pass(error):
                raise
            record.exc_info = record.exc_text = record.stack_info = None
            record.msg, record.args = formatters.unmade(record, error), None
            record.request_id = "-"
            text = formatters.SafeFormatter().format(record) + "\n"
        self.put(text)

    def put(self, text: str) -> None:
        """Write text that ends a line.  Never raises; what is lost is counted."""
        self.acquire()
        try:
            if (lost := self.written(text)) is not None:
                self.lose(lost)
        finally:
            self.release()

    def written(self, text: str) -> Unwritten | None:
        """Write text; returns what was lost."""
        stream = self.stream
        if isinstance(stream, LogStream):
            return stream.put(text)
        try:
            stream.write(text)  # somebody has called setStream()
        except Exception as error:
            return Unwritten(text.count("\n"), OSError(str(error)))
        return None

    def lose(self, lost: Unwritten) -> None:
        """Note that lines were lost."""

    def reopen(self) -> None:
        """Open the path again; the old file stays in use when that fails."""
        self.follow()
        if isinstance(self.stream, LogFile):
            try:
                self.stream.reopen()
            except ConfigError as error:
                LOGGER.error("%s; going on with the old file", error)

    def follow(self) -> None:
        """Write to what a standard stream is now."""
        if isinstance(self.stream, LogStream):
            self.stream.look()

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def dispose(self) -> None:
        """Close the descriptor, which is ours on a standard stream, too."""
        if isinstance(self.stream, LogStream):
            self.stream.close()
        super().dispose()


class ErrorHandler(LogHandler):
    """The handler of the error log.

    Lines that cannot be written are counted, and the next one that can is followed by their
    number.
    """

    _lost = 0
    _complained = float("-inf")

    def written(self, text: str) -> Unwritten | None:
        """Write text, and how many lines before it were lost."""
        lost = super().written(text)
        if lost is None and self._lost:
            number, self._lost = self._lost, 0
            told = "%d line(s) of this log were lost: it could not be written"
            record = logging.LogRecord(LOGGER.name, logging.WARNING, "", 0, told, (number,), None)
            if super().written(self.format(record) + self.terminator) is not None:
                self._lost += number
        return lost

    def lose(self, lost: Unwritten) -> None:
        """A log that cannot be written (a full disk) must not stop what it tells of."""
        self._lost += lost.lines
        now = clock.now()
        if self.path == STANDARD_STREAM or now - self._complained < COMPLAIN_EVERY:
            return
        self._complained = now
        with suppress(Exception):  # standard error is gone too: nobody is left to tell
            StandardError().put(f"fastfork: error log {self.path}: {lost.error}\n")


def _stream(path: str, setting: str) -> LogStream:
    if path != STANDARD_STREAM:
        return LogFile(path, setting)
    return Standard() if setting == "accesslog" else StandardError()


def make_handler(cfg: Config) -> ErrorHandler:
    """Return the handler that `errorlog` and `log_format` mean.  Raises ConfigError."""
    is_terminal = cfg.errorlog == STANDARD_STREAM and formatters.wants_colour(sys.stderr)
    return ErrorHandler(cfg.errorlog, formatters.make(cfg.log_format, in_colour=is_terminal))
