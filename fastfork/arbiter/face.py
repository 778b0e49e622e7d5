"""What hooks are given: `server`, and `worker` as long as there is only the arbiter's view of it.

They have as much of gunicorn's objects as hooks in the wild use, and take attributes of the
user's own.

Runs in: both
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Protocol

from fastfork import address, logs
from fastfork.address import TcpAddress, UnixAddress
from fastfork.arbiter.spawn import Runnable
from fastfork.errors import HookFailed
from fastfork.process import boot
from fastfork.wsgi import hooks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastfork.arbiter.crew import Crew
    from fastfork.config import Config
    from fastfork.net import Listener

log = logging.getLogger("fastfork.error")


class WorkerFace:
    """A worker as the arbiter's hooks see it, before its process exists and until it is gone.

    pid: None before the fork.  nr: its number, which a replacement takes over; age: counts the
    forks.  booted: it has loaded the application.  alive: it has not ended.
    """

    def __init__(self, *, nr: int, age: int, ppid: int, cfg: Config) -> None:
        self.pid: int | None = None
        self.nr = nr
        self.age = age
        self.ppid = ppid
        self.cfg = cfg
        self.log = logs.current()
        self.timeout = cfg.timeout
        self.booted = False
        self.alive = True
        self._names = frozenset(vars(self))

    def given(self) -> dict[str, object]:
        """What a hook has set here beyond what there was."""
        known = {*self._names, "_names"}
        return {name: value for name, value in vars(self).items() if name not in known}

    def hand_over(self, worker: object) -> None:
        """Set on the real worker what a hook has set here.  Runs in: worker."""
        for name, value in self.given().items():
            setattr(worker, name, value)


class Supervised(Protocol):
    """As much of the arbiter as `Server` shows."""

    crew: Crew

    @property
    def cfg(self) -> Config: ...  # noqa: D102
    @property
    def pid(self) -> int: ...  # noqa: D102
    @property
    def listeners(self) -> Sequence[Listener]: ...  # noqa: D102


class Server:
    """The `server` of hooks: a view of the arbiter, and the caller of the hooks."""

    def __init__(self, arbiter: Supervised) -> None:
        self._arbiter = arbiter

    # -- gunicorn's names

    @property
    def log(self) -> logs.Logger:
        """The error log: info(), error() and so on; an object of `logger_class`."""
        return logs.current()

    @property
    def cfg(self) -> Config:
        """The settings; each is an attribute."""
        return self._arbiter.cfg

    @property
    def pid(self) -> int:
        """The arbiter's pid, in a worker too."""
        return self._arbiter.pid

    @property
    def address(self) -> list[tuple[str, int] | str]:
        """Where it listens: (host, port), or the path of a unix socket."""
        found = [listener.address for listener in self._arbiter.listeners]
        given = found or [address.parse(text) for text in self.cfg.bind]
        return [_as_gunicorn(item) for item in given]

    @property
    def LISTENERS(self) -> list[object]:  # noqa: N802 - gunicorn's name
        """The listening sockets, as socket objects."""
        return [listener.sock for listener in self._arbiter.listeners]

    @property
    def num_workers(self) -> int:
        """The number of workers wanted."""
        crew = getattr(self._arbiter, "crew", None)
        return self.cfg.workers if crew is None else crew.target

    @property
    def worker_age(self) -> int:
        """How many workers were forked."""
        crew = getattr(self._arbiter, "crew", None)
        return 0 if crew is None else crew.age

    @property
    def timeout(self) -> float:
        """Seconds of silence after which a worker is killed."""
        return self.cfg.timeout

    @property
    def proc_name(self) -> str:
        """`proc_name`, else the application's name."""
        return self.cfg.proc_name or self.cfg.wsgi_app or "fastfork"

    @property
    def WORKERS(self) -> dict[int, WorkerFace]:  # noqa: N802 - gunicorn's name
        """Pid -> worker, of those that have not been reaped; a copy."""
        crew = getattr(self._arbiter, "crew", None)
        children = () if crew is None else crew.children
        return {child.pid: child.face for child in children if child.face is not None}

    # -- calling

    def call_hook(self, name: str, *arguments: object) -> None:
        """Call a hook with this server first.  Runs in: arbiter."""
        hooks.call(self.cfg, name, self, *arguments)

    def starting(self) -> None:
        """Call on_starting, the one hook that may refuse the start, by SystemExit."""
        hooks.call(self.cfg, "on_starting", self, passes=lambda: True)

    def new_worker(self, nr: int, age: int) -> WorkerFace:
        """The face of a worker that is about to be forked; pre_fork has seen it."""
        face = WorkerFace(nr=nr, age=age, ppid=self.pid, cfg=self.cfg)
        self.call_hook("pre_fork", face)
        return face

    def in_hooks(self, worker: Runnable, face: WorkerFace | None) -> Runnable:
        """`worker`, with post_fork before and worker_exit after its life.  Runs in: worker."""
        assert face is not None
        return _Hooked(self, worker, face)


class NoServer:
    """Calls nothing: for a crew without a server around it."""

    def call_hook(self, name: str, *arguments: object) -> None:
        """See Server."""

    def new_worker(self, nr: int, age: int) -> WorkerFace | None:
        """See Server."""

    def in_hooks(self, worker: Runnable, face: WorkerFace | None) -> Runnable:  # noqa: ARG002
        """See Server."""
        return worker


class _Hooked:
    """A worker's life between its first and its last hook.  Runs in: worker."""

    def __init__(self, server: Server, worker: Runnable, face: WorkerFace) -> None:
        self._server = server
        self._worker = worker
        self._face = face

    def run(self) -> int:
        """See Worker.run."""
        cfg, server, worker = self._server.cfg, self._server, self._worker
        self._face.hand_over(worker)
        try:
            try:
                hooks.must(cfg, "post_fork", server, worker)
            except HookFailed as error:
                log.error("%s", boot.describe(error))
                return error.exit_code
            return worker.run()
        finally:
            hooks.call(cfg, "worker_exit", server, worker)


def _as_gunicorn(given: address.Address) -> tuple[str, int] | str:
    match given:
        case TcpAddress():
            return given.host, given.port
        case UnixAddress():
            return given.path
    return str(given)
