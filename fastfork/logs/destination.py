"""Where the error log goes: to our own handler, or to an object of `logger_class`.

Everything in the server logs to `fastfork.error`.  By default that logger has the handler that
writes the file, and `gunicorn.error` has the same one, for applications that borrow its
handlers.  With a `logger_class` or a `logconfig` it has a relay instead, which calls the methods
of the Logger, as gunicorn does.

Runs in: both
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from fastfork import metrics
from fastfork.config import Config
from fastfork.config.gunicorn.compat import gunicorn_names
from fastfork.config.kinds.logs import DEFAULT_LOGGER
from fastfork.errors import ConfigError

from . import logconfig
from .access.handler import AccessHandler
from .base.guard import must_pass
from .base.serverlogger import ACCESS, GUNICORNS, LOGGER, OUR_ACCESS, SERVERS, OurHandler
from .error.counter import LogCounter
from .error.errorlog import make_handler
from .glogging import Logger

__all__ = ["Relay", "access_handler", "as_they_are", "current", "is_custom", "setup"]

_METHODS: Final = (
    (logging.CRITICAL, "critical"),
    (logging.ERROR, "error"),
    (logging.WARNING, "warning"),
    (logging.INFO, "info"),
)


class Relay(OurHandler):
    """Hands records to the methods of a Logger."""

    may_wait = True

    def __init__(self, destination: Logger) -> None:
        super().__init__()
        self._destination = destination

    def emit(self, record: logging.LogRecord) -> None:
        """Call the method of the record's level.  Never raises."""
        name = next((name for least, name in _METHODS if record.levelno >= least), "debug")
        arguments: tuple[object, ...]
        arguments = record.args if isinstance(record.args, tuple) else (record.args,)
        try:
            if record.exc_info and name == "error":
                self._destination.exception(record.msg, *arguments, exc_info=record.exc_info)
            else:
                method = getattr(self._destination, name)
                method(record.msg, *arguments, exc_info=record.exc_info)
        except BaseException as error:
            if must_pass(error):
                raise
            _tell_of_failure(self._destination, name, error)


def _tell_of_failure(destination: Logger, method: str, error: BaseException) -> None:
    """A Logger whose method raises cannot tell of that itself: its handlers are asked."""
    text = "The %s() of the logger_class raised %s: %s"
    arguments = (method, type(error).__name__, str(error)[:200])
    record = logging.LogRecord(LOGGER.name, logging.ERROR, "", 0, text, arguments, None)
    record.request_id = "-"
    handlers = getattr(getattr(destination, "error_log", GUNICORNS), "handlers", ())
    for handler in [one for one in handlers if isinstance(one, OurHandler)]:
        handler.handle(record)


class Plain(Logger):
    """What hooks get as `log` by default: the loggers as they are."""

    def setup(self, cfg: Config) -> None:
        """Leave the handlers alone."""
        self.cfg = cfg
        self.error_log = LOGGER


class _State:
    """Where it goes now.  One a process; set up before it forks."""

    def __init__(self) -> None:
        self.destination: Logger | None = None
        self.is_custom = False
        self.access: AccessHandler | None = None


_state = _State()


def is_custom(cfg: Config) -> bool:
    """Return whether access lines are made by the Logger's `access`, and errors go through it."""
    return cfg.logger_class != DEFAULT_LOGGER or logconfig.is_asked_for(cfg)


def current() -> Logger:
    """Return what hooks see as `server.log` and `worker.log`."""
    if _state.destination is None:
        _state.destination = Plain(Config())
    return _state.destination


def setup(cfg: Config) -> None:
    """Let the error log go where `cfg` says.

    Raises ConfigError; the log goes on as before then.
    """
    if not is_custom(cfg):
        _set_plain(cfg)
        return
    cls = _class(cfg)
    before = current()
    old = [handler for logger in SERVERS for handler in logger.handlers]
    for logger in SERVERS:
        logger.handlers.clear()
        logger.twin = None
    try:
        destination = cls(cfg)
    except (Exception, SystemExit) as error:
        # It may have done half of its work.
        if _state.is_custom:
            _adopt(type(before)(before.cfg))
        else:
            _set_plain(before.cfg)
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(
            f"logger_class: {_name(cls)} failed: {type(error).__name__}: {error}; mend its setup()"
        ) from error
    _adopt(destination)
    _dispose(old)


def _adopt(destination: Logger) -> None:
    """Let what the server logs go through `destination`."""
    _state.destination, _state.is_custom, _state.access = destination, True, None
    error_log: logging.Logger = getattr(destination, "error_log", GUNICORNS)
    for logger in SERVERS:
        logger.disabled = False
        logger.twin = None
    if (statsd := metrics.current()) is not None:
        error_log.addHandler(LogCounter(statsd))
    if error_log is not LOGGER:
        before = list(LOGGER.handlers)
        LOGGER.give([Relay(destination)], error_log.getEffectiveLevel())
        _dispose(before)


def _set_plain(cfg: Config) -> None:
    handlers: list[logging.Handler] = [make_handler(cfg)]
    if cfg.syslog:
        from .base.syslog import SyslogHandler  # here, and below: most servers have none

        handlers.append(SyslogHandler(cfg, "error"))
    if (statsd := metrics.current()) is not None:
        handlers.append(LogCounter(statsd))
    made: list[logging.Handler] = []
    _state.access = None if cfg.accesslog is None else AccessHandler(cfg.accesslog)
    if _state.access is not None:
        made.append(_state.access)
    if cfg.syslog and not cfg.disable_redirect_access_to_syslog:
        from .base.syslog import SyslogHandler

        made.append(SyslogHandler(cfg, "access"))
    before = [handler for logger in SERVERS for handler in logger.handlers]
    LOGGER.twin, ACCESS.twin = GUNICORNS, OUR_ACCESS
    for logger in (LOGGER, GUNICORNS):
        logger.give(handlers, cfg.loglevel.upper())
    for logger in (ACCESS, OUR_ACCESS):
        logger.give(made, logging.INFO)
    _state.destination, _state.is_custom = Plain(cfg), False
    _dispose(before)


def _dispose(handlers: Sequence[logging.Handler]) -> None:
    """Close those of ours that nobody has any more."""
    in_use = {handler for logger in SERVERS for handler in logger.handlers}
    for handler in handlers:
        if isinstance(handler, OurHandler) and handler not in in_use:
            handler.dispose()


def as_they_are() -> Callable[[], None]:
    """Return what brings the four loggers back to the state of now, and closes what came since."""
    kept = [(one, one.as_it_is()) for one in SERVERS]

    def bring_back() -> None:
        since = [handler for logger in SERVERS for handler in logger.handlers]
        for logger, state in kept:
            logger.__dict__.update(state)
        _dispose(since)
        _state.destination = _state.access = None
        _state.is_custom = False

    return bring_back


def access_handler(path: str) -> AccessHandler | None:
    """Return what writes the access log at `path`, where the settings have made one."""
    made = _state.access
    return made if made is not None and made.path == path else None


def _class(cfg: Config) -> type[Any]:
    """Return the class that does the logging.  Raises ConfigError."""
    if isinstance(cfg.logger_class, type):
        return cfg.logger_class
    module, _, name = cfg.logger_class.rpartition(".")
    try:
        with gunicorn_names():  # it may derive from gunicorn.glogging.Logger
            found = getattr(importlib.import_module(module), name)
    except (Exception, SystemExit) as error:
        raise ConfigError(
            f"logger_class: {cfg.logger_class!r} cannot be imported: {type(error).__name__}: "
            f"{error}; write MODULE.CLASS, of a module in chdir, pythonpath or an installed package"
        ) from None
    if not isinstance(found, type):
        raise ConfigError(f"logger_class: {cfg.logger_class!r} is no class; write MODULE.CLASS")
    return found


def _name(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
