"""The command: reads the settings, checks what can be checked, and starts the arbiter.

Exit codes: see exitcodes.py.

Runs in: cli
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fastfork import config, logs, net, wsgi
from fastfork.address import PassedAddress
from fastfork.config import Config, Loaded
from fastfork.errors import AppNotFound, BootError, ConfigError, StartError
from fastfork.process import boot, daemon, streams
from fastfork.process.place import start_directory
from fastfork.process.program import Program
from fastfork.wsgi import variables
from fastfork.wsgi.mounted import script_name

from . import configure, tell
from .exitcodes import BAD_USAGE, FAILED, INTERRUPTED, OK
from .parser import PROGRAM, STATUS, CommandLineParser, OptionError
from .report import config_lines

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; `arguments` without the program's name.  Returns the exit code."""
    streams.open_closed_ones()
    program = Program.current()
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        if words[:1] == [tell.COMMAND]:
            return tell.tell(words[1:])
        if words[:1] == [configure.COMMAND]:
            return configure.configure(words[1:], _loader, _check)
        if words[:1] == [STATUS]:
            # Late: it brings an HTTP client and ssl, which no server needs for its start.
            from .status import status

            return status(words[1:])
        return _run(CommandLineParser().options(words), program)
    except OptionError as error:
        return _usage(str(error))
    except ConfigError as error:
        print(error, file=sys.stderr)  # a line for each setting, which begins with its name
        return error.exit_code
    except BootError as error:
        _tell(boot.describe(error))
        return error.exit_code
    except StartError as error:
        _tell(str(error))
        return error.exit_code
    except SystemExit as leaving:  # --help and the like
        return leaving.code if isinstance(leaving.code, int) else OK
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(options: dict[str, object], program: Program) -> int:
    reload = _loader(options)
    loaded = reload()
    cfg = loaded.config
    if cfg.print_config:
        print("\n".join(config_lines(loaded)).rstrip())
        if cfg.wsgi_app is None:
            return OK
    if cfg.wsgi_app is None:
        return _usage("no application named; write MODULE:APP, such as shop:app")
    if cfg.check_config or cfg.print_config:
        return _check(loaded)
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
    cfg = loaded.config
    if cfg.errorlog == logs.STANDARD_STREAM and not cfg.enable_stdio_inheritance:
        _tell("errorlog: the log ends with the terminal; set --error-logfile to keep one")
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
    from fastfork.arbiter import Arbiter

    return Arbiter(
        loaded,
        reload=reload,
        load_app=_load_app,
        program=program,
        sockets=sockets,
        on_ready=on_ready,
    ).run()


def _loader(options: dict[str, object]) -> Callable[[], Loaded]:
    """What reads the settings, now and on each reload: always from where we started."""
    environ = dict(os.environ)
    try:
        folder = Path(start_directory(environ))
        real = os.getcwd()  # noqa: PTH109 - as sys.path has it
    except OSError as error:
        raise ConfigError(
            f"the current directory cannot be used: {error.strerror}; cd to one that exists"
        ) from None
    if str(folder) != real:  # `python -m` has put it there
        sys.path[:] = [entry for entry in sys.path if entry != real]
    # Config files may import the user's modules, as gunicorn's may.
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    return lambda: config.load(options, environ, folder)


def _load_app(cfg: Config) -> WSGIApplication:
    return wsgi.load(cfg)


def _check(loaded: Loaded) -> int:
    """Load the application here, as a worker would.  Any failure is exit code 1."""
    cfg = loaded.config
    for notice in loaded.notices:
        _tell(notice)
    try:
        boot.enter(cfg.chdir, cfg.pythonpath, variables.for_application(cfg))
        boot.load(lambda: _load_app(cfg))
        script_name()  # the application may have set it
    except BootError as error:
        _tell(boot.describe(error))
        return FAILED
    return OK


def _usage(complaint: str) -> int:
    complete = ("did you mean", "--help", "there is no option")
    is_complete = any(said in complaint for said in complete)
    _tell(complaint if is_complete else f"{complaint} (fastfork --help lists the options)")
    return BAD_USAGE


def _tell(text: str) -> None:
    """Say it on standard error, after the program's name."""
    print(f"{PROGRAM}: {text}", file=sys.stderr)
