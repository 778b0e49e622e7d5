"""A record of the error log as text, in colour on a terminal, or as JSON.

Runs in: both
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping
from typing import Final, TextIO

from .escaping import escape_controls

__all__ = [
    "DATE_FORMAT",
    "FORMAT",
    "JsonFormatter",
    "SafeFormatter",
    "make",
    "unmade",
    "wants_colour",
]

FORMAT: Final = "%(asctime)s [%(process)d] [%(levelname)s] %(message)s"
DATE_FORMAT: Final = "[%Y-%m-%d %H:%M:%S %z]"
_WITH_ID: Final = "%(asctime)s [%(process)d] [%(levelname)s] [%(request_id)s] %(message)s"
NO_ID: Final = "-"

# Select Graphic Rendition (ECMA-48 section 8.3.117) by level.
_COLOURS: Final = {
    logging.DEBUG: "\x1b[2m",
    logging.INFO: "\x1b[32m",
    logging.WARNING: "\x1b[33m",
    logging.ERROR: "\x1b[31m",
    logging.CRITICAL: "\x1b[1;31m",
}
_PLAIN: Final = "\x1b[0m"


def wants_colour(stream: TextIO | None, environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether to write colours: on a terminal that is not dumb, unless the user says
    otherwise.

    NO_COLOR (no-color.org) wins over FORCE_COLOR (force-color.org), as in Python itself.
    """
    if environ.get("NO_COLOR"):
        return False
    if environ.get("FORCE_COLOR"):
        return True
    try:
        return environ.get("TERM") != "dumb" and stream is not None and stream.isatty()
    except ValueError:
        return False  # it is closed


class SafeFormatter(logging.Formatter):
    """gunicorn's format; control characters are escaped, the lines of a traceback stay.

    Inside a request that has an id, the id follows the level.
    """

    def __init__(
        self, fmt: str = FORMAT, datefmt: str = DATE_FORMAT, *, in_colour: bool = False
    ) -> None:
        super().__init__(fmt, datefmt)
        self._with_id = logging.PercentStyle(_WITH_ID) if fmt == FORMAT else None
        self._in_colour = in_colour

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text without control characters but those of the colour."""
        text = escape_controls(super().format(record))
        colour = _COLOURS.get(record.levelno) if self._in_colour else None
        if colour is None:
            return text
        level = f"[{record.levelname}]"
        return text.replace(level, f"[{colour}{record.levelname}{_PLAIN}]", 1)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's
        """Return the line without a traceback."""
        if self._with_id is not None and getattr(record, "request_id", NO_ID) != NO_ID:
            return self._with_id.format(record)
        return super().formatMessage(record)


class JsonFormatter(logging.Formatter):
    """An object a line: time (RFC 3339), level, pid, logger, message; request_id and exception
    where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of ASCII."""
        import json  # here: only for log_format = "json"

        made: dict[str, object] = {
            "time": rfc3339(record.created),
            "level": record.levelname.lower(),
            "pid": record.process,
            "logger": record.name,
            "message": record.getMessage(),
        }
        request_id = getattr(record, "request_id", NO_ID)
        if request_id != NO_ID:
            made["request_id"] = request_id
        if record.exc_info:
            made["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            made["stack"] = self.formatStack(record.stack_info)
        return json.dumps(made)


def unmade(record: logging.LogRecord, error: BaseException) -> str:
    """Return what to say of a record whose text cannot be made: its values or its formatter
    raise."""
    shown = record.msg if isinstance(record.msg, str) else type(record.msg).__name__
    return f"A line of the log cannot be made ({type(error).__name__}): {shown[:200]!r}"


def rfc3339(at: float) -> str:
    """Return the seconds since the epoch as 2026-11-24T22:10:00.123+01:00."""
    seconds = int(at)
    local = time.localtime(seconds)
    zone = time.strftime("%z", local)
    date = time.strftime("%Y-%m-%dT%H:%M:%S", local)
    return f"{date}.{int((at - seconds) * 1000):03d}{zone[:3]}:{zone[3:]}"


def make(log_format: str, *, in_colour: bool = False) -> logging.Formatter:
    """Return the formatter that `log_format` means."""
    return JsonFormatter() if log_format == "json" else SafeFormatter(in_colour=in_colour)
