"""Error log and access log.

Runs in: both
"""

from __future__ import annotations

import logging

from fastfork.config import Config

from .access import AccessLog
from .error import LOGGER, STANDARD_STREAM, ErrorHandler, setup_error_log
from .escaping import escape, escape_controls

__all__ = [
    "LOGGER",
    "STANDARD_STREAM",
    "AccessLog",
    "error_stream",
    "escape",
    "escape_controls",
    "reopen",
    "setup",
]


def setup(cfg: Config) -> None:
    """Send the error log where `cfg` says, and check that the access log can be opened.

    Raises ConfigError before anything changed.  May be called again, on a reload.
    """
    AccessLog(cfg).close()
    setup_error_log(cfg)


def reopen() -> None:
    """Open the error log's file again, after it was moved away.  Never raises.

    An access log belongs to the worker that made it: see AccessLog.reopen().
    """
    for handler in LOGGER.handlers:
        if isinstance(handler, ErrorHandler):
            handler.reopen()


def error_stream() -> int:
    """File descriptor of the error log, else of standard error, for faulthandler."""
    for handler in LOGGER.handlers:
        if isinstance(handler, logging.StreamHandler):
            try:
                return int(handler.stream.fileno())
            except (OSError, ValueError, AttributeError):
                continue
    return 2
