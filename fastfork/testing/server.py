"""A server beside the tests: started by a fork, on a port that the kernel chooses, always ended.

A fork, so that the application may be anything: a closure of the test, an object that is
configured for it.  What the test changes afterwards, the server does not see, and the other way
round; memory is not shared.

Runs in: cli
"""

from __future__ import annotations

import faulthandler
import json
import os
import select
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, Final

from fastfork import clock, port, unpatched
from fastfork.embed import Application, named, read
from fastfork.errors import ServerFailed
from fastfork.testing import child

if TYPE_CHECKING:
    from fastfork.config import Loaded

__all__ = ["RunningServer", "running_server"]

CALLER: Final = "running_server()"
DEFAULTS: Final[dict[str, object]] = {
    "bind": "127.0.0.1:0",
    # A test that leaves a request hanging should not take half a minute to end.
    "graceful_timeout": 5,
}
LOOK: Final = 0.01  # seconds between two looks at whether a process has ended
# Beyond graceful_timeout: what the arbiter itself needs to end a worker that will not (see
# arbiter/shutdown.py), on a machine that is busy.
STOP_MARGIN: Final = 10.0  # seconds

KILL_PATIENCE: Final = 5.0  # seconds; a killed process may be in a disk's sleep
# What is killed is gone in no time, unless nobody reaps the orphans of a container.
GROUP_PATIENCE: Final = 1.0  # seconds

_lifelines: set[int] = set()  # ours; a server must not keep those of others open
_forking = Lock()


class RunningServer:
    """A server that answers.

    url: `http://HOST:PORT`, or `unix:PATH`.  host, port: "" and 0 for a Unix socket.
    pid: of the arbiter; send it SIGHUP for a reload.
    """

    def __init__(self, pid: int, log: IO[bytes], lifeline: int) -> None:
        self.pid: Final = pid
        self.url = ""
        self.host = ""
        self.port = 0
        self._log = log
        self._last_log = ""
        self._lifeline = lifeline
        self._status: int | None = None

    @property
    def log(self) -> str:
        """All that the server and the application have written to standard output and error.

        It can be read after the end, too.
        """
        if self._log.closed:
            return self._last_log
        size = os.fstat(self._log.fileno()).st_size
        return os.pread(self._log.fileno(), size, 0).decode("utf-8", "backslashreplace")

    def pids(self) -> list[int]:
        """Return the processes that serve: the arbiter's children as they are now."""
        return port.children(self.pid)

    def is_alive(self) -> bool:
        """Return whether the arbiter runs."""
        if self._status is None:
            try:
                return not port.has_ended(self.pid)
            except ChildProcessError:
                return False  # reaped by somebody in this process who reaps all children
        return False

    def _learn_address(self, message: bytes) -> None:
        where = json.loads(message)
        if isinstance(where, str):
            self.url = where
            return
        self.host, self.port = where
        shown = f"[{self.host}]" if ":" in self.host else self.host
        self.url = f"http://{shown}:{self.port}"

    def _wait_ready(self, status: int, timeout: float) -> None:
        """Wait for the message of `child.be_server`.  Raises ServerFailed."""
        poll = select.poll()
        poll.register(status, select.POLLIN)
        if not poll.poll(timeout * 1000):
            raise ServerFailed(
                f"the server was not ready within {timeout:g} s; its log:\n{self.log}",
                log=self.log,
            )
        if message := os.read(status, select.PIPE_BUF):
            self._learn_address(message)
            return
        code = self._end(STOP_MARGIN)  # every process of it has closed the pipe
        raise ServerFailed(
            f"the server ended with exit code {code} before it was ready; its log:\n{self.log}",
            exit_code=code or 1,
            log=self.log,
        )

    def _end(self, patience: float) -> int:
        """Wait for the end, at most `patience` seconds; then kill.  Returns the exit code.

        The code is negative for a signal, as subprocess has it.  Nothing of the server is left.
        """
        deadline = clock.now() + patience
        while self.is_alive() and clock.now() < deadline:
            time.sleep(LOOK)
        # What the application has started, and what is left of a server that hangs.
        for kill in (os.killpg, os.kill):
            with suppress(ProcessLookupError, PermissionError):
                kill(self.pid, signal.SIGKILL)
        deadline = clock.now() + KILL_PATIENCE
        while self._status is None and clock.now() < deadline:
            self._reap()
        deadline = clock.now() + GROUP_PATIENCE
        while _is_there(self.pid) and clock.now() < deadline:
            time.sleep(LOOK)
        return os.waitstatus_to_exitcode(self._status or 0)

    def _reap(self) -> None:
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:  # somebody in this process reaps all children
            pid, status = self.pid, 0
        if pid:
            self._status = status
        else:
            time.sleep(LOOK)

    def _close(self) -> None:
        _lifelines.discard(self._lifeline)
        os.close(self._lifeline)
        self._last_log = self.log
        self._log.close()


@contextmanager
def running_server(
    app: Callable[..., Any] | str, /, *, start_timeout: float = 30.0, **settings: object
) -> Iterator[RunningServer]:
    """Serve `app` with real processes on a real port, as long as the block runs.

    app: a WSGI application, or an ASGI one with `worker_class="asgi"`; it may be a closure, or
    "module:name".  start_timeout: seconds until a worker must answer.  settings: those of
    docs/reference/settings.md by name; neither the environment nor a config file sets any, but for
    the file that `config` names.

    Afterwards no process of the server is left: it gets SIGTERM, and SIGKILL when it has not
    ended some seconds after its `graceful_timeout`; it also ends when this process dies.
    Raises ConfigError for a bad setting, AppNotFound for what is neither callable nor a name,
    ServerFailed with the server's log when it does not start, or does not end by itself.
    """
    wanted = named(app)
    folder = Path.cwd()

    def load() -> Loaded:
        return read(wanted, {**DEFAULTS, **settings}, {}, folder, caller=CALLER)

    loaded = load()
    server, status = _start(wanted, loaded, load)
    patience = loaded.config.graceful_timeout + loaded.config.drain_delay + STOP_MARGIN
    try:
        try:
            server._wait_ready(status, start_timeout)
        except BaseException:
            patience = LOOK  # it has had its time
            raise
        finally:
            os.close(status)
        yield server
    except BaseException:
        _stop(server, patience)
        raise
    else:
        _stop(server, patience, must_end_by_itself=True)
    finally:
        server._close()


def _is_there(group: int) -> bool:
    """Return whether a process of this group has not been reaped."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _stop(server: RunningServer, patience: float, *, must_end_by_itself: bool = False) -> None:
    """End the server.  Raises ServerFailed when it did not go, and should have."""
    is_told = server.is_alive()
    if is_told:
        with suppress(ProcessLookupError):
            os.kill(server.pid, signal.SIGTERM)
    code = server._end(patience)
    if must_end_by_itself and is_told and code == -signal.SIGKILL:
        raise ServerFailed(
            f"the server did not stop within {patience:g} s and was killed; its log:\n{server.log}",
            log=server.log,
        )


def _start(
    wanted: Application, loaded: Loaded, load: Callable[[], Loaded]
) -> tuple[RunningServer, int]:
    """Fork the server.  Returns it, and the pipe on which it says that it is ready."""
    log = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the server
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    # pytest's faulthandler_timeout, say.  Its thread does not survive the fork, and a worker that
    # sets a time limit of its own would wait for that thread to end.
    faulthandler.cancel_dump_traceback_later()
    with _forking:
        watched, lifeline = os.pipe()
        status, ready = os.pipe()
        _lifelines.add(lifeline)
        with warnings.catch_warnings():
            # From 3.12 on, where there are threads.  The child begins with none, and its locks
            # are new where Python makes them so (os.register_at_fork).
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = unpatched.fork()
        if pid == 0:
            child.be_server(
                wanted,
                loaded,
                load,
                output=log.fileno(),
                watched=watched,
                ready=ready,
                not_ours=[*_lifelines, status],
            )
    os.close(watched)
    os.close(ready)
    return RunningServer(pid, log, lifeline), status
