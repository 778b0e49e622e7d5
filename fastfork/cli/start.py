"""A start: reads the settings, checks what can be checked, and becomes the arbiter.

Runs in: cli, arbiter (until it is one)
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fastfork import config, logs, net, wsgi
from fastfork.address import PassedAddress
from fastfork.config import Config, Loaded
from fastfork.config.sources.words import ARGUMENTS, plain
from fastfork.errors import AppNotFound, BootError, ConfigError
from fastfork.process import boot, collector, streams
from fastfork.process.place import start_directory
from fastfork.process.program import Program
from fastfork.wsgi import variables

from .saying import FAILED, OK, tell, usage

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

__all__ = ["check", "loader", "start"]


def start(words: Sequence[str], program: Program) -> int:
    """Serve with the settings that `words` name.  Returns the exit code.

    Raises OptionError, StartError, and SystemExit for --help and the like.
    """
    reload = loader(_options(words))
    loaded = reload()
    cfg = loaded.config
    if cfg.print_config:
        from .report import config_lines

        print("\n".join(config_lines(loaded)).rstrip())
        if cfg.wsgi_app is None:
            return OK
    if cfg.wsgi_app is None:
        return usage("no application named; write MODULE:APP, such as shop:app")
    if cfg.check_config or cfg.print_config:
        return check(loaded)
    sockets = net.passed(os.environ, os.getpid())
    if program.inheritance is not None:
        sockets = net.passed_on(program.inheritance.sockets)
    # The workers set raw_env: so a reload that drops a variable drops it.
    boot.enter(cfg.chdir, cfg.pythonpath, variables.for_hooks(cfg), follows=True)
    logs.setup(cfg)  # a logger_class may be a module of the user's
    _check_before_fork(cfg)
    # The new program of an upgrade is in the background already, if the old one was.
    in_background = cfg.daemon and program.inheritance is None
    serve = _serve_in_background if in_background else _serve
    return serve(program, loaded, reload, sockets)


def _options(words: Sequence[str]) -> dict[str, object]:
    """Return the settings that were typed; the application is `wsgi_app`."""
    found = plain(words)
    if found is None:
        from .parser import CommandLineParser  # here: see config/sources/words.py

        return CommandLineParser().options(words)
    arguments = found.pop(ARGUMENTS, None)
    if isinstance(arguments, list):
        found["wsgi_app"] = arguments[0]
    return found


def _check_before_fork(cfg: Config) -> None:
    """Raise BootError for what certainly cannot be loaded."""
    try:
        wsgi.check_before_fork(cfg.wsgi_app or "")
    except BootError as error:
        if cfg.reload and not isinstance(error, AppNotFound):
            return  # a worker shows it, until it is mended
        if cfg.errorlog != logs.STANDARD_STREAM:
            logs.LOGGER.critical("%s", boot.describe(error))
        raise


def _serve_in_background(
    program: Program,
    loaded: Loaded,
    reload: Callable[[], Loaded],
    sockets: Sequence[PassedAddress],
) -> int:
    """Return when the server answers, or has failed."""
    from fastfork.process import daemon  # here: for those that detach

    cfg = loaded.config
    if cfg.errorlog == logs.STANDARD_STREAM and not cfg.enable_stdio_inheritance:
        tell("errorlog: the log ends with the terminal; set --error-logfile to keep one")
    try:
        place = daemon.detach(keeps_streams=cfg.enable_stdio_inheritance)
    except OSError as error:
        raise ConfigError(f"daemon: no process can be started: {error.strerror}") from None
    if isinstance(place, int):
        streams.flush()
        # What the config file has registered for the end is for the daemon's, which goes on.
        os._exit(place)
    code = FAILED
    try:
        code = _serve(program, loaded, reload, sockets, place.ready)
        return code
    finally:
        place.ended(code)


def _serve(
    program: Program,
    loaded: Loaded,
    reload: Callable[[], Loaded],
    sockets: Sequence[PassedAddress],
    on_ready: Callable[[], None] = lambda: None,
) -> int:
    """Be the arbiter.  Returns the exit code."""
    # Late, since most ways through this module start no server.
    with collector.paused():
        from fastfork.arbiter import Arbiter

    return Arbiter(
        loaded,
        reload=reload,
        load_app=_load_app,
        program=program,
        sockets=sockets,
        on_ready=on_ready,
    ).run()


def loader(options: dict[str, object]) -> Callable[[], Loaded]:
    """Return what reads the settings, now and on each reload: always from where we started."""
    environ = dict(os.environ)
    try:
        folder = start_directory(environ)
        real = os.getcwd()
    except OSError as error:
        raise ConfigError(
            f"the current directory cannot be used: {error.strerror}; cd to one that exists"
        ) from None
    if folder != real:  # `python -m` has put it there
        sys.path[:] = [entry for entry in sys.path if entry != real]
    # Config files may import the user's modules, as gunicorn's may.
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return lambda: config.load(options, environ, folder)


def _load_app(cfg: Config) -> WSGIApplication:
    return wsgi.load(cfg)


def check(loaded: Loaded) -> int:
    """Load the application here, as a worker would.  Any failure is exit code 1."""
    cfg = loaded.config
    for notice in loaded.notices:
        tell(notice)
    try:
        boot.enter(cfg.chdir, cfg.pythonpath, variables.for_application(cfg))
        boot.load(lambda: _load_app(cfg))
        from fastfork.wsgi.mounted import script_name

        script_name()  # the application may have set it
    except BootError as error:
        tell(boot.describe(error))
        return FAILED
    return OK
