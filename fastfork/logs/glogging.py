"""The Logger that gunicorn's users subclass: the same methods and attributes.

A `logger_class` of theirs inherits from it; nothing of it is in the way of a request
otherwise.  The path of this module stays: config files import from it, also under
gunicorn's name.

Runs in: both
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from fastfork.config.kinds import logformat
from fastfork.config.kinds.logs import DEFAULT_LOGGER
from fastfork.config.kinds.sinks import FACILITIES as SYSLOG_FACILITIES
from fastfork.config.kinds.sinks import Sink
from fastfork.config.kinds.sinks import parse_syslog as parse_syslog_address

from . import logconfig
from .access import clf
from .access.atoms import JsonAtoms, SafeAtoms, mapping_format
from .access.handler import AccessHandler
from .access.line import basic_user
from .base import formatters
from .base.guard import must_pass
from .base.requestid import KEY, RequestIdFilter
from .base.serverlogger import ACCESS, GUNICORNS, LOGGER, OUR_ACCESS, SERVERS, OurHandler
from .error.errorlog import ErrorHandler, LogHandler
from .logconfig import CONFIG_DEFAULTS

if TYPE_CHECKING:
    import datetime

    from fastfork.config import Config

__all__ = [
    "CONFIG_DEFAULTS",
    "DEFAULT_LOGGER",
    "SYSLOG_FACILITIES",
    "Logger",
    "SafeAtoms",
    "Sink",
    "Statsd",
    "loggers",
    "parse_syslog_address",
]


def loggers() -> list[logging.Logger]:
    """Return every logger that has been asked for by name."""
    return [logging.getLogger(name) for name in list(logging.root.manager.loggerDict)]


class Logger:
    """Writes both logs through Python's logging.

    error_log, access_log: the loggers `gunicorn.error` and `gunicorn.access`.
    error_fmt, datefmt, access_fmt, syslog_fmt: formats, for subclasses to change.
    atoms_wrapper_class: what the atoms of a line are wrapped in, so that no request can forge
    one.  Raises ConfigError when a file cannot be opened.
    """

    LOG_LEVELS: Final = {
        "critical": logging.CRITICAL,
        "error": logging.ERROR,
        "warning": logging.WARNING,
        "info": logging.INFO,
        "debug": logging.DEBUG,
    }
    loglevel = logging.INFO
    error_fmt = formatters.FORMAT
    datefmt = formatters.DATE_FORMAT
    access_fmt = "%(message)s"
    syslog_fmt = "[%(process)d] %(message)s"
    atoms_wrapper_class: type[Any] = SafeAtoms

    def __init__(self, cfg: Config) -> None:
        self.error_log: logging.Logger = GUNICORNS
        self.error_log.propagate = False
        self.access_log: logging.Logger = ACCESS
        self.access_log.propagate = False
        self.error_handlers: list[logging.Handler] = []
        self.access_handlers: list[logging.Handler] = []
        self.logfile = None
        self.lock = threading.Lock()
        self.cfg = cfg
        self.setup(cfg)

    def setup(self, cfg: Config) -> None:
        """Attach the handlers that the settings name.  Called again on a reload."""
        self.cfg = cfg
        self.loglevel = self.LOG_LEVELS.get(cfg.loglevel.lower(), logging.INFO)
        for log, level in (
            (LOGGER, self.loglevel),
            (GUNICORNS, self.loglevel),
            (OUR_ACCESS, logging.INFO),
            (ACCESS, logging.INFO),
        ):
            log.setLevel(level)
            for handler in list(log.handlers):
                if getattr(handler, "_gunicorn", False):
                    _dismiss(log, handler)
        named = logconfig.apply(cfg)
        self.error_log = logconfig.chosen(named, LOGGER, GUNICORNS)
        self.access_log = logconfig.chosen(named, OUR_ACCESS, ACCESS)
        logconfig.not_waiting(cfg, (logging.root, *SERVERS))
        logger: logging.Logger
        for logger in (self.error_log, self.access_log):
            if not any(isinstance(one, RequestIdFilter) for one in logger.filters):
                logger.addFilter(RequestIdFilter())
        if self.error_log.name not in named:
            self._set_handler(self.error_log, cfg.errorlog, self._error_formatter(cfg))
        if self.access_log.name not in named and cfg.accesslog is not None:
            self._set_handler(
                self.access_log, cfg.accesslog, logging.Formatter(self.access_fmt), "stdout"
            )
        if cfg.syslog:
            self._set_syslog_handler(self.error_log, cfg, self.syslog_fmt, "error")
            if not cfg.disable_redirect_access_to_syslog:
                self._set_syslog_handler(self.access_log, cfg, self.syslog_fmt, "access")

    def _error_formatter(self, cfg: Config) -> logging.Formatter:
        if cfg.log_format == "json":
            return formatters.JsonFormatter()
        return formatters.SafeFormatter(self.error_fmt, self.datefmt)

    # -- the error log

    def critical(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log at this level, as the five methods that follow."""
        self.error_log.critical(msg, *args, **kwargs)

    def error(self, msg: object, *args: object, **kwargs: Any) -> None:  # noqa: D102
        self.error_log.error(msg, *args, **kwargs)

    def warning(self, msg: object, *args: object, **kwargs: Any) -> None:  # noqa: D102
        self.error_log.warning(msg, *args, **kwargs)

    def info(self, msg: object, *args: object, **kwargs: Any) -> None:  # noqa: D102
        self.error_log.info(msg, *args, **kwargs)

    def debug(self, msg: object, *args: object, **kwargs: Any) -> None:  # noqa: D102
        self.error_log.debug(msg, *args, **kwargs)

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:  # noqa: D102
        kwargs.setdefault("exc_info", True)
        self.error_log.error(msg, *args, **kwargs)

    def log(self, lvl: int | str, msg: object, *args: object, **kwargs: Any) -> None:
        """Log at a level given by number or name."""
        if isinstance(lvl, str):
            lvl = self.LOG_LEVELS.get(lvl.lower(), logging.INFO)
        self.error_log.log(lvl, msg, *args, **kwargs)

    # -- the access log

    @property
    def access_log_enabled(self) -> bool:
        """Whether `access` writes anything."""
        cfg = self.cfg
        return bool(
            cfg.accesslog
            or cfg.logconfig
            or cfg.logconfig_dict
            or cfg.logconfig_json
            or (cfg.syslog and not cfg.disable_redirect_access_to_syslog)
        )

    def atoms(
        self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: datetime.timedelta
    ) -> dict[str, Any]:
        """Return the atoms of a line: name -> value.

        resp: has status, headers and sent.  req: has headers.  request_time: how long it took.
        """
        seconds = request_time.days * 86400 + request_time.seconds
        micros = seconds * 1_000_000 + request_time.microseconds
        status = str(resp.status).split(None, 1)
        made: dict[str, Any] = {
            "h": environ.get("REMOTE_ADDR") or "-",
            "l": "-",
            "u": self._get_user(environ) or "-",
            "t": self.now(),
            "r": f"{environ['REQUEST_METHOD']} {environ['RAW_URI']} {environ['SERVER_PROTOCOL']}",
            "s": status[0] if status else "-",
            "m": environ.get("REQUEST_METHOD"),
            "U": environ.get("PATH_INFO"),
            "q": environ.get("QUERY_STRING"),
            "H": environ.get("SERVER_PROTOCOL"),
            "b": str(resp.sent) if getattr(resp, "sent", None) else "-",
            "B": getattr(resp, "sent", None),
            "f": environ.get("HTTP_REFERER", "-"),
            "a": environ.get("HTTP_USER_AGENT", "-"),
            "T": micros // 1_000_000,
            "D": micros,
            "M": micros // 1000,
            "L": f"{micros // 1_000_000}.{micros % 1_000_000:06d}",
            "p": f"<{os.getpid()}>",
            "pid": os.getpid(),
            "target": environ.get("RAW_URI", "-"),
            "time": formatters.rfc3339(time.time()),
            "request_id": environ.get(KEY, "-"),
        }
        made.update({f"{{{name.lower()}}}i": value for name, value in _pairs(req)})
        made.update({f"{{{name.lower()}}}o": value for name, value in _pairs(resp)})
        made.update({f"{{{name.lower()}}}e": value for name, value in environ.items()})
        return made

    def access(
        self, resp: Any, req: Any, environ: Mapping[str, Any], request_time: datetime.timedelta
    ) -> None:
        """Write the line of a request.  Never raises for what is in it."""
        if not self.access_log_enabled:
            return
        try:
            text, is_json = mapping_format(self._access_format())
            wrapper = self.atoms_wrapper_class
            if is_json and wrapper is SafeAtoms:
                wrapper = JsonAtoms
            atoms = wrapper(self.atoms(resp, req, environ, request_time))
            self.access_log.info(text, atoms)
        except BaseException as error:
            if must_pass(error):
                raise
            self.exception("An access line cannot be made")

    def _access_format(self) -> str:
        cfg = self.cfg
        return logformat.in_use(
            cfg.access_log_format, is_json=cfg.log_format == "json", has_ids=cfg.request_id
        )

    def now(self) -> str:
        """Date and time as in the Common Log Format."""
        return clf.date(time.localtime())

    # -- files

    def reopen_files(self) -> None:
        """Open every log file again, after it was moved away."""
        every = {one: None for log in [logging.root, *loggers()] for one in log.handlers}
        for handler in every:
            if isinstance(handler, LogHandler):
                handler.reopen()
            elif isinstance(handler, logging.FileHandler):
                _reopen(handler)

    def close_on_exec(self) -> None:
        """Nothing is to be done: Python opens every file so (PEP 446)."""

    # -- parts that subclasses use

    def _get_gunicorn_handler(self, log: logging.Logger) -> logging.Handler | None:
        return next((one for one in log.handlers if getattr(one, "_gunicorn", False)), None)

    def _set_handler(
        self,
        log: logging.Logger,
        output: str | None,
        fmt: logging.Formatter,
        stream: object = None,
    ) -> None:
        """Let `log` go to the file `output`, `-` being standard error; see `stream`.

        stream: standard output instead, if it is given.
        """
        old = self._get_gunicorn_handler(log)
        if old is not None:
            _dismiss(log, old)
        if output is not None:
            kind = ErrorHandler if stream is None else AccessHandler
            self._add(log, kind(output, fmt))

    def _set_syslog_handler(self, log: logging.Logger, cfg: Config, fmt: str, name: str) -> None:
        from .base.syslog import SyslogHandler  # here, as in destination.py

        self._add(log, SyslogHandler(cfg, name, logging.Formatter(fmt)))

    def _add(self, log: logging.Logger, handler: logging.Handler) -> None:
        handler._gunicorn = True  # type: ignore[attr-defined]
        log.addHandler(handler)

    def _get_user(self, environ: Mapping[str, Any]) -> str | None:
        user = basic_user(environ.get("HTTP_AUTHORIZATION") or "")
        return None if user == "-" else user


# Metrics are gathered beside the Logger, whichever it is.
Statsd = Logger


def _pairs(message: Any) -> Iterable[tuple[str, Any]]:
    """Return the names and values of the fields of a request, a response, a mapping or a list."""
    fields: Any = getattr(message, "headers", message)
    pairs: Iterable[tuple[str, Any]] = fields.items() if hasattr(fields, "items") else fields
    return pairs


def _dismiss(log: logging.Logger, handler: logging.Handler) -> None:
    """Take a handler off a logger, and close it."""
    log.removeHandler(handler)
    if isinstance(handler, OurHandler):
        handler.dispose()
    else:
        handler.close()


def _reopen(handler: logging.FileHandler) -> None:
    """Let a FileHandler open its file again: it does when it has no stream."""
    handler.acquire()
    try:
        if handler.stream is not None:
            handler.stream.close()
            handler.stream = handler._open()
    except (OSError, ValueError) as error:
        LOGGER.error("%s cannot be opened again: %s", handler.baseFilename, error)
    finally:
        handler.release()
