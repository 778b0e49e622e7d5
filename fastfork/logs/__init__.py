"""Error log and access log.

Runs in: both
"""

from __future__ import annotations

import logging
import os

from fastfork import metrics
from fastfork.config import Config
from fastfork.process import streams

from . import voice
from .access import AccessLog
from .error import LOGGER, STANDARD_STREAM, open_descriptor
from .escaping import escape, escape_controls
from .glogging import Logger
from .requestid import RequestIdFilter
from .voice import current

__all__ = [
    "LOGGER",
    "STANDARD_STREAM",
    "AccessLog",
    "Logger",
    "RequestIdFilter",
    "current",
    "error_stream",
    "escape",
    "escape_controls",
    "reopen",
    "setup",
]


def setup(cfg: Config) -> None:
    """Send the error log where `cfg` says, and check that the access log can be opened.

    Raises ConfigError; the error log stays where it was then.  May be called again, on a
    reload.
    """
    if not voice.is_custom(cfg):
        AccessLog(cfg).close()
    metrics.setup(cfg)
    try:
        _capture(cfg)
        voice.setup(cfg)
    except Exception:
        before = current().cfg
        metrics.setup(before)
        _capture(before)
        raise


def reopen() -> None:
    """Open the files of the error log again, after they were moved away.  Never raises.

    An access log belongs to the worker that made it: see AccessLog.reopen().
    """
    logger = current()
    try:
        logger.reopen_files()
        _capture(logger.cfg)
    except Exception as error:
        LOGGER.error("The log files cannot be opened again: %s", error)


def error_stream() -> int:
    """File descriptor of the error log, else of standard error, for faulthandler."""
    for handler in current().error_log.handlers:
        if isinstance(handler, logging.StreamHandler):
            try:
                return int(handler.stream.fileno())
            except (OSError, ValueError, AttributeError):
                continue
    return 2


def _capture(cfg: Config) -> None:
    """Let what is printed go to the error log, or no more.  Raises ConfigError."""
    if not cfg.capture_output or cfg.errorlog == STANDARD_STREAM:
        streams.release()
        return
    fd = open_descriptor(cfg.errorlog, "errorlog")
    streams.capture(fd)
    os.close(fd)
