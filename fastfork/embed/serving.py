"""`fastfork.serve`: the arbiter in the main thread of somebody's program.

Runs in: arbiter
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fastfork import net
from fastfork.arbiter import Arbiter
from fastfork.embed import application, keywords
from fastfork.embed.application import Application
from fastfork.embed.restoring import process_as_it_was
from fastfork.errors import ServerFailed, StartError
from fastfork.process import boot
from fastfork.process.place import start_directory
from fastfork.process.program import Program

if TYPE_CHECKING:
    from fastfork.config import Loaded

__all__ = ["arbiter_for", "is_part_of_a_server", "mark_as_server", "serve"]

CALLER: Final = "serve()"

COMMAND: Final = "fastfork.cli.main"  # a module that nothing but the command imports

# The pid of the arbiter, in every process of a server that was started here: forks inherit it.
_servers: list[int] = []


def is_part_of_a_server() -> bool:
    """Return whether this process is a server: an arbiter, a worker, or the command."""
    return bool(_servers) or COMMAND in sys.modules


def mark_as_server() -> None:
    """Say that this process, and what it forks, is a server."""
    _servers[:] = [os.getpid()]


def serve(app: object, settings: Mapping[str, object]) -> None:
    """Serve until the server is told to stop; see fastfork.serve."""
    if is_part_of_a_server():
        raise StartError(
            "serve() is called in a process of a server, which loads the application; put the call "
            "below `if __name__ == '__main__':`"
        )
    if threading.current_thread() is not threading.main_thread():
        raise StartError(
            "serve() takes the signals of the process, which only the main thread can; "
            "tests use fastfork.testing.running_server()"
        )
    program = Program.current()
    wanted = application.named(app)
    environ, folder = dict(os.environ), Path(start_directory(os.environ))

    def read() -> Loaded:
        return keywords.read(wanted, settings, environ, folder, caller=CALLER)

    loaded = read()
    mark_as_server()
    try:
        with process_as_it_was():
            boot.enter(loaded.config.chdir, loaded.config.pythonpath, (), follows=True)
            wanted.check()
            code = arbiter_for(wanted, loaded, read, program=program).run()
    finally:
        _servers.clear()
    if code != 0:
        raise ServerFailed(f"the server ended with exit code {code}; see its log", exit_code=code)


def arbiter_for(
    app: Application,
    loaded: Loaded,
    read: Callable[[], Loaded],
    *,
    program: Program,
    on_ready: Callable[[], None] = lambda: None,
) -> Arbiter:
    """Return an arbiter that serves `app`.  read: the settings of a reload.  on_ready: see
    Arbiter."""
    sockets = net.passed(os.environ, os.getpid())
    if program.inheritance is not None:
        sockets = net.passed_on(program.inheritance.sockets)
    return Arbiter(
        loaded,
        reload=lambda: keywords.with_notice_of_old_code(read(), app),
        load_app=app.load,
        program=program,
        sockets=sockets,
        on_ready=on_ready,
    )
