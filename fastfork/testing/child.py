"""The first process of a server for tests: the fork of somebody's test process.

Runs in: arbiter
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

from fastfork import port
from fastfork.address import TcpAddress
from fastfork.arbiter import SIGNALS
from fastfork.embed import Application, arbiter_for, mark_as_server
from fastfork.errors import BootError, StartError
from fastfork.net import Listener, shown
from fastfork.process import boot, inherited
from fastfork.process.program import Program

if TYPE_CHECKING:
    from fastfork.config import Loaded

# Of the service manager, if the tests run under one: not meant for this server.
NOT_OURS: Final = (
    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_PID", "LISTEN_FDS",
    "LISTEN_FDNAMES", "LISTEN_PIDFDID",
)  # fmt: skip
UNEXPECTED: Final = 255  # exit code, as of a worker that raised
# Where to connect to what listens everywhere.
LOCAL: Final = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - nothing is bound to these


def be_server(
    app: Application,
    loaded: Loaded,
    load: Callable[[], Loaded],
    *,
    output: int,
    watched: int,
    ready: int,
    not_ours: Sequence[int],
) -> NoReturn:
    """Serve, to the end of this process.

    output: where standard output and error go.  watched: a pipe whose end means that the tests
    are gone.  ready: told where the server listens when it answers.  not_ours: descriptors to
    close.
    """
    code = UNEXPECTED
    try:
        _leave_tests(output, not_ours)
        _stop_with(watched)
        code = _serve(app, loaded, load, ready)
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(OSError, ValueError):
            sys.stderr.flush()
            sys.stdout.flush()
        os._exit(code)


def _serve(app: Application, loaded: Loaded, load: Callable[[], Loaded], ready: int) -> int:
    def tell() -> None:
        text = json.dumps(_where(arbiter.listeners))
        with suppress(BrokenPipeError):  # nobody waits any more
            os.write(ready, text.encode())
        os.close(ready)

    cfg = loaded.config
    try:
        boot.enter(cfg.chdir, cfg.pythonpath, ())
        app.check()
        program = Program.current()
        arbiter = arbiter_for(app, loaded, load, program=program, on_ready=tell)
        return arbiter.run()
    except StartError as error:
        text = boot.describe(error) if isinstance(error, BootError) else str(error)
        print(text, file=sys.stderr)
        return error.exit_code


def _leave_tests(output: int, not_ours: Sequence[int]) -> None:
    """Undo what belongs to the process that was forked: its streams, signals, exit handlers."""
    os.setsid()  # Ctrl-C is for the tests, which then end the server
    mark_as_server()
    inherited.forget()
    atexit._clear()
    signal.set_wakeup_fd(-1)
    for signum in SIGNALS:
        signal.signal(signum, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for descriptor in not_ours:
        os.close(descriptor)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(output, 1)
    os.dup2(output, 2)
    # Whatever stands there, it may hold text that the tests have not flushed.
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        stream = open(  # noqa: SIM115 - for the whole life
            descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace",
            closefd=False,
        )  # fmt: skip
        setattr(sys, name, stream)
    for name in NOT_OURS:
        os.environ.pop(name, None)


def _stop_with(watched: int) -> None:
    """Have the kernel send SIGTERM when the other end of this pipe is closed (fcntl(2)).

    prctl(PR_SET_PDEATHSIG) would watch the thread that forked, which may end before the tests.
    """
    port.signal_when_closed(watched, signal.SIGTERM)
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    if poll.poll(0):  # closed before the kernel was asked
        os.kill(os.getpid(), signal.SIGTERM)


def _where(listeners: Sequence[Listener]) -> str | list[object]:
    """Return what a client needs: [host, port], or the address in words when it is no TCP port."""
    first = listeners[0]
    if isinstance(first.address, TcpAddress):
        return [LOCAL.get(first.address.host, first.address.host), first.address.port]
    return shown(first)
