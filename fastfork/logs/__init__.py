"""Error log and access log.

Runs in: both
"""

from __future__ import annotations

import fcntl
import logging
import os
from contextlib import suppress

from fastfork import metrics
from fastfork.config import Config
from fastfork.process import streams

from . import destination
from .accesslog import AccessLog
from .base.escaping import escape, escape_controls
from .base.guard import let_pass_when, must_pass
from .base.logstreams import LogStream, open_descriptor
from .base.requestid import RequestIdFilter
from .base.serverlogger import ACCESS, LOGGER, OUR_ACCESS, SERVERS
from .destination import as_they_are, current
from .error.errorlog import STANDARD_STREAM
from .glogging import Logger

__all__ = [
    "ACCESS",
    "LOGGER",
    "OUR_ACCESS",
    "SERVERS",
    "STANDARD_STREAM",
    "AccessLog",
    "Logger",
    "RequestIdFilter",
    "as_they_are",
    "current",
    "error_stream",
    "escape",
    "escape_controls",
    "follow",
    "let_pass_when",
    "reopen",
    "setup",
]


class _Captured:
    """The file that what is printed goes to: a path that stays right when the application
    changes the directory."""

    path = ""


class _Faults:
    """Where faulthandler writes.  Inherited by a fork, and then the child's own."""

    descriptor = -1


def setup(cfg: Config) -> None:
    """Send both logs where `cfg` says.

    Raises ConfigError; they stay where they were then.  May be called again, on a reload.
    """
    metrics.setup(cfg)
    path, _Captured.path = _Captured.path, os.path.abspath(cfg.errorlog)
    try:
        _capture(cfg)
        destination.setup(cfg)
    except Exception:
        _Captured.path = path
        before = current().cfg
        metrics.setup(before)
        _capture(before)
        raise


def reopen() -> None:
    """Open the files of the logs again, after they were moved away.  Never raises.

    So a signal handler may call it in the middle of anything.
    """
    logger = current()
    try:
        logger.reopen_files()
        _capture(logger.cfg)
        if _Faults.descriptor >= 0:
            error_stream()
    except BaseException as error:
        if must_pass(error):
            raise
        LOGGER.error("The log files cannot be opened again: %s", error)


def follow() -> None:
    """Write to what the standard streams are now.  Never raises."""
    for logger in (logging.root, *SERVERS):
        for handler in logger.handlers:
            stream = getattr(handler, "stream", None)
            if isinstance(stream, LogStream):
                stream.look()
    if _Faults.descriptor >= 0:
        error_stream()


def error_stream() -> int:
    """Return the descriptor for faulthandler, which remembers a number: where the error log goes
    now.

    It is a duplicate of our own, so that the number is never anybody else's, and always the same
    one.  Standard error when there is none.
    """
    try:
        source = _error_descriptor()
        if _Faults.descriptor < 0:
            _Faults.descriptor = fcntl.fcntl(source, fcntl.F_DUPFD_CLOEXEC, 3)
        else:
            os.dup2(source, _Faults.descriptor, inheritable=False)
    except OSError:
        return 2 if _Faults.descriptor < 0 else _Faults.descriptor
    return _Faults.descriptor


def _error_descriptor() -> int:
    for handler in getattr(current(), "error_log", LOGGER).handlers:
        if isinstance(handler, logging.StreamHandler):
            with suppress(OSError, ValueError, AttributeError):
                return int(handler.stream.fileno())
    return 2


def _capture(cfg: Config) -> None:
    """Let what is printed go to the error log, or no more.  Raises ConfigError."""
    if not cfg.capture_output or cfg.errorlog == STANDARD_STREAM:
        streams.release()
        return
    fd = open_descriptor(_Captured.path, "errorlog")
    os.set_blocking(fd, True)  # programs do not expect anything else of their standard output
    streams.capture(fd)
    os.close(fd)


streams.tell_changes_to(follow)
