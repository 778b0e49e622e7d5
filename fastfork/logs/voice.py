"""Who speaks on the error log: our own handler, or an object of `logger_class`.

Everything in the server logs to `fastfork.error`.  By default that logger has the handler that
writes the file, and `gunicorn.error` has the same one, for applications that borrow its
handlers.  With a `logger_class` or a `logconfig` it has a relay instead, which calls the methods
of the Logger, as gunicorn does.

Runs in: both
"""

from __future__ import annotations

import importlib
import logging
from typing import Any, Final

from fastfork import metrics
from fastfork.config import Config
from fastfork.config.compat import gunicorn_names
from fastfork.config.logkinds import DEFAULT_LOGGER
from fastfork.errors import ConfigError

from . import logconfig
from .error import GUNICORNS, LOGGER, ErrorHandler, make_handler, set_handlers
from .glogging import ACCESS, OUR_ACCESS, Logger
from .syslog import SyslogHandler

__all__ = ["Relay", "current", "is_custom", "setup"]

_METHODS: Final = (
    (logging.CRITICAL, "critical"),
    (logging.ERROR, "error"),
    (logging.WARNING, "warning"),
    (logging.INFO, "info"),
)


_LOGGERS: Final = (LOGGER, GUNICORNS, OUR_ACCESS, ACCESS)


class Relay(logging.Handler):
    """Hands records to the methods of a Logger."""

    def __init__(self, voice: Logger) -> None:
        super().__init__()
        self._voice = voice

    def emit(self, record: logging.LogRecord) -> None:
        """Call the method of the record's level.  Never raises."""
        name = next((name for least, name in _METHODS if record.levelno >= least), "debug")
        arguments: tuple[object, ...]
        arguments = record.args if isinstance(record.args, tuple) else (record.args,)
        try:
            if record.exc_info and name == "error":
                self._voice.exception(record.msg, *arguments, exc_info=record.exc_info)
            else:
                method = getattr(self._voice, name)
                method(record.msg, *arguments, exc_info=record.exc_info)
        except Exception:
            self.handleError(record)


class Plain(Logger):
    """What hooks get as `log` by default: the loggers as they are."""

    def setup(self, cfg: Config) -> None:
        """Leave the handlers alone."""
        self.cfg = cfg
        self.error_log = LOGGER


class _State:
    """Who speaks now.  One a process; set up before it forks."""

    def __init__(self) -> None:
        self.voice: Logger | None = None
        self.is_custom = False


_state = _State()


def is_custom(cfg: Config) -> bool:
    """Whether access lines are made by the Logger's `access`, and errors go through it."""
    return cfg.logger_class != DEFAULT_LOGGER or logconfig.is_asked_for(cfg)


def current() -> Logger:
    """What hooks see as `server.log` and `worker.log`."""
    if _state.voice is None:
        _state.voice = Plain(Config())
    return _state.voice


def setup(cfg: Config) -> None:
    """Let the error log go where `cfg` says.

    Raises ConfigError; the log goes on as before then.
    """
    if not is_custom(cfg):
        _set_plain(cfg)
        return
    cls = _class(cfg)
    before = current()
    old = [handler for logger in _LOGGERS for handler in logger.handlers]
    for logger in _LOGGERS:
        logger.handlers.clear()
    try:
        voice = cls(cfg)
    except Exception as error:
        # It may have done half of its work.
        if _state.is_custom:
            _adopt(type(before)(before.cfg), before.cfg)
        else:
            _set_plain(before.cfg)
        if isinstance(error, ConfigError):
            raise
        raise ConfigError(
            f"logger_class: {_name(cls)} failed: {type(error).__name__}: {error}; mend its setup()"
        ) from error
    _adopt(voice, cfg)
    for handler in old:
        if isinstance(handler, ErrorHandler | SyslogHandler):
            handler.close()


def _adopt(voice: Logger, cfg: Config) -> None:
    """Let the server speak through `voice`."""
    _state.voice, _state.is_custom = voice, True
    error_log: logging.Logger = getattr(voice, "error_log", GUNICORNS)
    for logger in _LOGGERS:
        logger.disabled = False  # a dictConfig disables those that it does not name
    if (counter := metrics.handler(cfg)) is not None:
        error_log.addHandler(counter)
    if error_log is not LOGGER:
        level = logging.getLevelName(error_log.getEffectiveLevel())
        set_handlers(LOGGER, [Relay(voice)], level)


def _set_plain(cfg: Config) -> None:
    handlers: list[logging.Handler] = [make_handler(cfg)]
    if cfg.syslog:
        handlers.append(SyslogHandler(cfg, "error"))
    if (counter := metrics.handler(cfg)) is not None:
        handlers.append(counter)
    for logger in (LOGGER, GUNICORNS):
        set_handlers(logger, handlers, cfg.loglevel)
    _state.voice, _state.is_custom = Plain(cfg), False


def _class(cfg: Config) -> type[Any]:
    """The class that does the logging.  Raises ConfigError."""
    if isinstance(cfg.logger_class, type):
        return cfg.logger_class
    module, _, name = cfg.logger_class.rpartition(".")
    try:
        with gunicorn_names():  # it may derive from gunicorn.glogging.Logger
            found = getattr(importlib.import_module(module), name)
    except Exception as error:
        raise ConfigError(
            f"logger_class: {cfg.logger_class!r} cannot be imported: {type(error).__name__}: "
            f"{error}; write MODULE.CLASS, of a module in chdir, pythonpath or an installed package"
        ) from None
    if not isinstance(found, type):
        raise ConfigError(f"logger_class: {cfg.logger_class!r} is no class; write MODULE.CLASS")
    return found


def _name(cls: type[Any]) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
