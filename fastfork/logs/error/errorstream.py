"""`wsgi.errors` (PEP 3333): text of the application's, on its way to the error log.

Runs in: worker
"""

from __future__ import annotations

import io
import logging
from contextlib import suppress
from typing import Any

from ..base.logstreams import StandardError
from .errorlog import LogHandler

__all__ = ["ErrorStream"]


class ErrorStream(io.TextIOBase):
    """A text stream to where the error log goes at the time of writing.

    An error log that cannot be written costs a line, and never the answer of who writes.
    log: a logging.Logger, or what has one as `error_log`.
    """

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, log: Any) -> None:
        self._log = log
        self._standard: StandardError | None = None

    def write(self, text: str) -> int:
        """Write a str.  Raises TypeError for anything else."""
        if not isinstance(text, str):
            raise TypeError(f"wsgi.errors takes str, not {type(text).__name__}")
        handler = self._handler()
        if isinstance(handler, LogHandler):
            handler.put(text)
            return len(text)
        if handler is None:
            self._standard_error().put(text)
            return len(text)
        try:
            handler.stream.write(text)
        except Exception:
            return len(text)  # it is closed, or full
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        handler = self._handler()
        if handler is not None:
            with suppress(Exception):
                handler.stream.flush()

    def fileno(self) -> int:
        """Return the descriptor, for programs that the application starts.  Raises OSError."""
        handler = self._handler()
        number: int = (self._standard_error() if handler is None else handler.stream).fileno()
        return number

    def isatty(self) -> bool:
        """Return whether it is a terminal."""
        try:
            handler = self._handler()
            return bool((self._standard_error() if handler is None else handler.stream).isatty())
        except Exception:
            return False

    def writable(self) -> bool:
        """Return True: it is."""
        return True

    def close(self) -> None:
        """Stay open: it is everybody's."""

    def _standard_error(self) -> StandardError:
        if self._standard is None:
            self._standard = StandardError()
        return self._standard

    def _handler(self) -> logging.StreamHandler[Any] | None:
        """Return the first handler of the log that writes to a stream, ours before others."""
        found: list[logging.StreamHandler[Any]] = [
            one
            for one in getattr(self._log, "error_log", self._log).handlers
            if isinstance(one, logging.StreamHandler)
        ]
        return next((one for one in found if isinstance(one, LogHandler)), next(iter(found), None))
