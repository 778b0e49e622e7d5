"""The lines that the log begins with, and the one it ends with when nothing can start.

Runs in: arbiter
"""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import fastfork
from fastfork.config import SETTINGS, Config, Loaded
from fastfork.errors import BootError, StartError
from fastfork.net import Listener, shown
from fastfork.process import boot

log = logging.getLogger("fastfork.error")


def parser_in_use(name: str) -> str:
    """The parser that `http_parser` comes to.  Imported by name: the arbiter speaks no HTTP."""
    return str(importlib.import_module("fastfork.http").resolve_parser(name))


def starting() -> None:
    """Log name and version."""
    log.info("Starting fastfork %s", fastfork.__version__)


def started(loaded: Loaded, listeners: Sequence[Listener], parser: str) -> None:
    """Log addresses, worker class, parser and the arbiter's pid."""
    for line in loaded.notices:
        log.warning("%s", line)
    addresses = ", ".join(shown(listener) for listener in listeners)
    if loaded.config.certfile is not None:
        addresses = addresses.replace("http://", "https://")
    log.info("Listening at: %s (%d)", addresses, os.getpid())
    log.info("Using worker: %s", loaded.config.worker_class)
    log.info("Using parser: %s", parser)
    log.info("Arbiter pid: %d", os.getpid())
    in_force(loaded.config)


def in_force(cfg: Config) -> None:
    """Log each setting, when somebody looks for what is wrong."""
    if log.isEnabledFor(logging.DEBUG):
        for name, spec in SETTINGS.items():
            value = getattr(cfg, name)
            if name == "raw_env":  # the names: some of the values are secrets
                value = tuple(one.partition("=")[0] for one in value)
            log.debug("Setting %s: %s", name, spec.kind.show(value))


def no_worker_started(reason: str, cfg: Config) -> None:
    """Say on standard error where to read on, when the log is elsewhere."""
    if cfg.errorlog == "-":
        return
    with suppress(OSError):
        if os.path.samestat(Path(cfg.errorlog).stat(), os.fstat(2)):
            return
    print(f"fastfork: {reason} See {cfg.errorlog}", file=sys.stderr)


def cannot_start(error: StartError, cfg: Config) -> None:
    """Log why, and say it on standard error too when the log is elsewhere."""
    text = boot.describe(error) if isinstance(error, BootError) else str(error)
    if log.handlers:
        log.critical("%s", text)
    if cfg.errorlog != "-" or not log.handlers:
        print(f"fastfork: {text}", file=sys.stderr)
