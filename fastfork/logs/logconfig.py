"""`logconfig`, `logconfig_dict` and `logconfig_json`, given to Python's logging.config.

Runs in: both
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from fastfork.errors import ConfigError

from .base import formatters
from .base.logstreams import Standard, StandardError

if TYPE_CHECKING:
    import configparser

    from fastfork.config import Config

__all__ = ["CONFIG_DEFAULTS", "apply", "chosen", "is_asked_for", "not_waiting"]

# What the top-level keys of logconfig_dict and of the JSON file replace; gunicorn's.
CONFIG_DEFAULTS: Final[dict[str, Any]] = {
    "version": 1,
    "disable_existing_loggers": False,
    "root": {"level": "INFO", "handlers": ["console"]},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": ["error_console"], "propagate": True},
        "gunicorn.access": {"level": "INFO", "handlers": ["console"], "propagate": True},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "generic",
            "stream": "ext://sys.stdout",
        },
        "error_console": {
            "class": "logging.StreamHandler",
            "formatter": "generic",
            "stream": "ext://sys.stderr",
        },
    },
    "formatters": {
        "generic": {
            "format": formatters.FORMAT,
            "datefmt": formatters.DATE_FORMAT,
            "class": "logging.Formatter",
        }
    },
}


def is_asked_for(cfg: Config) -> bool:
    """Return whether one of the three settings is there."""
    return bool(cfg.logconfig_dict or cfg.logconfig_json or cfg.logconfig)


def apply(cfg: Config) -> frozenset[str]:
    """Configure logging as the strongest of the three settings says.

    Returns the names of the loggers that it has named, none when none of them is set.  Raises
    ConfigError; logging may be half configured then.
    """
    if cfg.logconfig_dict:
        return _dict("logconfig_dict", cfg.logconfig_dict)
    if cfg.logconfig_json:
        return _dict("logconfig_json", _from_json(cfg.logconfig_json))
    if cfg.logconfig:
        return _ini(cfg.logconfig)
    return frozenset()


def chosen(
    named: frozenset[str], ours: logging.Logger, gunicorns: logging.Logger
) -> logging.Logger:
    """Return the logger to write to: ours when only that was named, else gunicorn's."""
    return ours if ours.name in named and gunicorns.name not in named else gunicorns


def not_waiting(cfg: Config, loggers: Iterable[logging.Logger]) -> None:
    """Let handlers of the settings that write to a standard stream do so as ours, which nobody can
    hold up by not reading it."""
    for logger in loggers if is_asked_for(cfg) else ():
        for handler in logger.handlers:
            if type(handler) is logging.StreamHandler:
                if handler.stream is sys.stderr:
                    handler.setStream(StandardError())
                elif handler.stream is sys.stdout:
                    handler.setStream(Standard())


def _dict(setting: str, given: dict[str, Any]) -> frozenset[str]:
    import logging.config  # here, as the next ones: few servers need it

    merged = {**CONFIG_DEFAULTS, **given}
    try:
        logging.config.dictConfig(merged)
    except (ValueError, TypeError, AttributeError, ImportError, KeyError, OSError) as error:
        raise _refused(setting, "see the schema of logging.config.dictConfig", error) from None
    return frozenset(merged.get("loggers", ()))


def _from_json(path: str) -> dict[str, Any]:
    import json

    try:
        with open(path, "rb") as file:
            found = json.loads(file.read())
    except OSError as error:
        raise ConfigError(f"logconfig_json: cannot read {path!r}: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"logconfig_json: {path!r} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ConfigError(f"logconfig_json: {path!r} is no object; begin it with {{")
    return found


def _ini(path: str) -> frozenset[str]:
    import configparser
    import logging.config  # here, as the next ones: few servers need it

    defaults = {"__file__": path, "here": os.path.dirname(path) or "."}
    parser = configparser.ConfigParser(defaults)
    try:
        with open(path, encoding="utf-8") as file:
            parser.read_file(file)
        logging.config.fileConfig(parser, disable_existing_loggers=False)
        return frozenset(_names(parser))
    except OSError as error:
        raise ConfigError(
            f"logconfig: cannot use {path!r}: {error.strerror}; write the path of a file as "
            "logging.config.fileConfig takes it"
        ) from None
    except Exception as error:  # it evaluates the arguments of handlers
        raise _refused("logconfig", "see the format of logging.config.fileConfig", error) from None


def _names(parser: configparser.ConfigParser) -> Iterator[str]:
    for key in parser["loggers"]["keys"].split(","):
        section = f"logger_{key.strip()}"
        if key.strip() != "root":
            yield parser[section].get("qualname", "")


def _refused(setting: str, advice: str, error: Exception) -> ConfigError:
    """Return one line for what may be a chain: dictConfig wraps the reason."""
    reason = error.__cause__ or error
    shown = f"{error}: {reason}" if reason is not error else str(error)
    return ConfigError(f"{setting}: {' '.join(shown.split())}; {advice}")
