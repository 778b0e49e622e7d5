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

import fastfork
from fastfork import port
from fastfork.config import SETTINGS, Config, Loaded
from fastfork.errors import AppNotFound, BootError, StartError
from fastfork.net import Listener, shown
from fastfork.process import boot

log = logging.getLogger("fastfork.error")


def parser_in_use(name: str) -> str:
    """Return the parser that `http_parser` comes to, loaded for the workers to be forked.

    Imported by name: the arbiter speaks no HTTP.
    """
    http = importlib.import_module("fastfork.http")
    found: str = http.resolve_parser(name)
    http.load_parser(found)
    return found


def starting() -> None:
    """Log name and version, and what is not as it is elsewhere.

    Raises StartError when the interpreter lock is off.
    """
    log.info("Starting fastfork %s", fastfork.__version__)
    if not port.IS_LINUX:
        log.info("For development, without what is Linux's alone: %s", port.ABSENT)
    if "t" in sys.abiflags:  # a free-threaded Python (PEP 703)
        _needs_interpreter_lock()


def _needs_interpreter_lock() -> None:
    if not sys._is_gil_enabled():  # type: ignore[attr-defined, unused-ignore]
        raise StartError(
            "the interpreter lock is off (PYTHON_GIL=0 or -X gil=0), and the server needs it; "
            "leave that out"
        )
    log.info("This Python is free-threaded; its lock is on, because the server needs it")


def started(loaded: Loaded, listeners: Sequence[Listener], parser: str) -> None:
    """Log what the settings say that is worth a line, addresses, and who serves."""
    for line in loaded.remarks:
        log.info("%s", line)
    for line in loaded.notices:
        log.warning("%s", line)
    addresses = ", ".join(shown(listener) for listener in listeners)
    if loaded.config.certfile is not None:
        addresses = addresses.replace("http://", "https://")
    log.info("Listening at: %s (%d)", addresses, os.getpid())
    log.info("Using worker: %s", _workers_in_words(loaded.config))
    log.debug("Using parser: %s", parser)
    in_force(loaded.config)


def _workers_in_words(cfg: Config) -> str:
    """gthread is what gunicorn calls a worker of several threads, whatever was written."""
    if cfg.threads == 1 or cfg.worker_class not in ("sync", "gthread"):
        return cfg.worker_class
    return f"gthread, {cfg.threads} threads"


def stopped(code: int, failure: str) -> None:
    """Log the last line.  failure: why no worker could start; it counts where that is the end."""
    if failure and code in (BootError.exit_code, AppNotFound.exit_code):
        log.error("Stopped (exit code %d): %s", code, failure)
    else:
        log.info("Stopped (exit code %d)", code)


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
        if os.path.samestat(os.stat(cfg.errorlog), os.fstat(2)):
            return
    print(f"fastfork: {reason.rstrip('.')}. See {cfg.errorlog}", file=sys.stderr)


def cannot_start(error: StartError, cfg: Config) -> None:
    """Log why, and say it on standard error too when the log is elsewhere."""
    text = boot.describe(error) if isinstance(error, BootError) else str(error)
    if log.handlers:
        log.critical("%s", text)
    if cfg.errorlog != "-" or not log.handlers:
        print(f"fastfork: {text}", file=sys.stderr)
