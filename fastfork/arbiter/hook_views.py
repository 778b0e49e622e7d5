"""What hooks are given: `server`, and `worker` as long as there is only the arbiter's view of it.

They have as much of gunicorn's objects as hooks in the wild use, and take attributes of the
user's own.

Runs in: both
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from fastfork import logs
from fastfork.arbiter.forking.spawn import HookedWorker, Runnable, Viewed
from fastfork.config import as_gunicorn
from fastfork.errors import HookFailed
from fastfork.ipc import Heartbeat
from fastfork.process import boot
from fastfork.wsgi import hooks, variables
from fastfork.wsgi.application import Application

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from wsgiref.types import WSGIApplication

    from fastfork.arbiter.children.workers import Workers
    from fastfork.config import Config
    from fastfork.ipc import Slot
    from fastfork.net import Listener

log = logging.getLogger("fastfork.error")

NO_NUMBER: Final = -1  # of a forkserver


class PidFile(NamedTuple):
    """`server.pidfile`."""

    fname: str
    pid: int


class WorkerView:
    """A worker as the arbiter's hooks see it, before its process exists and until it is gone.

    pid: None before the fork.  number: a replacement takes it over; age: counts the forks.
    booted: it has loaded the application.  alive: it has not ended.  aborted: it was silent for
    `timeout`.  app: see Server.app.  slot: what it says of itself, while there is a process.
    """

    def __init__(
        self,
        *,
        number: int,
        age: int,
        ppid: int,
        cfg: Config,
        app: Application | None = None,
        sockets: Sequence[object] = (),
    ) -> None:
        self.pid: int | None = None
        self.number = number
        self.age = age
        self.ppid = ppid
        self.cfg = cfg
        self.log = logs.current()
        self.timeout = cfg.timeout
        self.max_requests = cfg.max_requests
        self.booted = False
        self.alive = True
        self.aborted = False
        self.app = app
        self.sockets = list(sockets)
        self.slot: Slot | None = None
        self.served = 0
        self._names = frozenset(vars(self))

    @property
    def nr(self) -> int:
        """Requests that it has answered or is answering."""
        return self.served if self.slot is None else self.slot.requests

    @property
    def tmp(self) -> Heartbeat | None:
        """Its heartbeat; None without a process."""
        return None if self.slot is None else Heartbeat(self.slot)

    def ended(self) -> None:
        """Take leave of the slot, which the next worker gets."""
        self.served, self.slot = self.nr, None

    def __str__(self) -> str:
        return f"<Worker {self.pid}>"

    def given(self) -> dict[str, object]:
        """Return what a hook has set here beyond what there was."""
        known = {*self._names, "_names"}
        return {name: value for name, value in vars(self).items() if name not in known}

    def hand_over(self, worker: object) -> None:
        """Set on the real worker what a hook has set here.  Runs in: worker."""
        for name, value in self.given().items():
            setattr(worker, name, value)


class Supervised(Protocol):
    """As much of the arbiter as `Server` shows."""

    workers: Workers

    @property
    def cfg(self) -> Config: ...  # noqa: D102
    @property
    def pid(self) -> int: ...  # noqa: D102
    @property
    def listeners(self) -> Sequence[Listener]: ...  # noqa: D102
    def scale(self, target: int) -> None: ...  # noqa: D102


class ServerView:
    """The `server` of hooks: a view of the arbiter, and the caller of the hooks."""

    def __init__(
        self,
        arbiter: Supervised,
        load_app: Callable[[Config], WSGIApplication] | None = None,
    ) -> None:
        self._arbiter = arbiter
        self._load_app = load_app
        self._app: Application | None = None
        self._asked: int | None = None

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
        return [as_gunicorn(item) for item in found] or self.cfg.address

    @property
    def LISTENERS(self) -> list[object]:  # noqa: N802 - gunicorn's name
        """The listening sockets, as socket objects."""
        return [listener.sock for listener in self._arbiter.listeners]

    @property
    def num_workers(self) -> int:
        """The number of workers wanted.  Setting it is what TTIN and TTOU do."""
        workers = getattr(self._arbiter, "workers", None)
        return (self._asked or self.cfg.workers) if workers is None else workers.target

    @num_workers.setter
    def num_workers(self, wanted: int) -> None:
        if getattr(self._arbiter, "workers", None) is None:
            self._asked = max(1, wanted)  # on_starting: there is nobody to be had yet
        else:
            self._arbiter.scale(max(1, wanted))

    @property
    def worker_age(self) -> int:
        """How many workers were forked."""
        workers = getattr(self._arbiter, "workers", None)
        return 0 if workers is None else workers.age

    @property
    def timeout(self) -> float:
        """Seconds of silence after which a worker is killed."""
        return self.cfg.timeout

    @property
    def app(self) -> Application:
        """The application of this process: a worker's own, or in the arbiter one to be loaded."""
        cfg = self.cfg
        if self._app is None or (self._app.arbiter_pid is not None and self._app.cfg is not cfg):
            self._app = Application(cfg, self._load_in_arbiter, arbiter_pid=self.pid)
        return self._app

    def _load_in_arbiter(self) -> WSGIApplication:
        assert self._load_app is not None
        cfg = self.cfg
        boot.enter(cfg.chdir, cfg.pythonpath, variables.for_application(cfg), follows=True)
        return self._load_app(cfg)

    @property
    def worker_class(self) -> type:
        """The class that gunicorn's name of the worker class stands for in a config file."""
        return self.cfg.kind_of_worker()

    @property
    def pidfile(self) -> PidFile | None:
        """The pid file, as gunicorn's object: `fname` is its path; None without one."""
        return None if self.cfg.pidfile is None else PidFile(self.cfg.pidfile, self.pid)

    @property
    def proc_name(self) -> str:
        """`proc_name`, else the application's name."""
        return self.cfg.proc_name or self.cfg.wsgi_app or "fastfork"

    @property
    def WORKERS(self) -> dict[int, HookedWorker]:  # noqa: N802 - gunicorn's name
        """Pid -> worker, of those that have not been reaped; a copy."""
        workers = getattr(self._arbiter, "workers", None)
        children = () if workers is None else workers.children
        return {child.pid: child.view for child in children if child.view is not None}

    def kill_worker(self, pid: int, sig: int) -> None:
        """Send a signal to a worker; TERM has it finish and replaced."""
        if pid in self.WORKERS or pid == os.getpid():
            with suppress(ProcessLookupError):
                os.kill(pid, sig)

    def kill_workers(self, sig: int) -> None:
        """Send a signal to every worker."""
        for pid in self.WORKERS:
            self.kill_worker(pid, sig)

    # -- calling

    def call_hook(self, name: str, *arguments: object) -> None:
        """Call a hook with this server first.  Runs in: arbiter."""
        hooks.call(self.cfg, name, self, *arguments)

    def starting(self) -> None:
        """Call on_starting, the one hook that may refuse the start, by SystemExit."""
        hooks.call(self.cfg, "on_starting", self, passes=lambda: True)

    def new_worker(self, nr: int, age: int) -> WorkerView:
        """Return the view of a worker that is about to be forked; pre_fork has seen it."""
        view = WorkerView(
            number=nr,
            age=age,
            ppid=self.pid,
            cfg=self.cfg,
            app=self.app,
            sockets=self.LISTENERS,
        )
        self.call_hook("pre_fork", view)
        return view

    def become(self, worker: object) -> None:
        """Show this worker's application from here on.  Runs in: worker."""
        self._app = getattr(worker, "app", None)

    def forkserver(self, cfg: Config) -> WorkerView:
        """Return the view of a forkserver, which has neither a number nor an age; for
        child_exit."""
        return WorkerView(number=NO_NUMBER, age=0, ppid=self.pid, cfg=cfg)

    def in_hooks(self, worker: Viewed, view: HookedWorker | None) -> Runnable:
        """`worker`, with post_fork before and worker_exit after its life.  Runs in: worker."""
        assert view is not None
        return _Hooked(self, worker, view)


class _Hooked:
    """A worker's life between its first and its last hook.  Runs in: worker."""

    def __init__(self, server: ServerView, worker: Viewed, view: HookedWorker) -> None:
        self._server = server
        self._worker = worker
        self._view = view

    def run(self) -> int:
        """See Worker.run."""
        cfg, server, worker = self._server.cfg, self._server, self._worker.view
        self._view.hand_over(worker)
        server.become(worker)
        try:
            try:
                hooks.must(cfg, "post_fork", server, worker)
            except HookFailed as error:
                log.error("%s", boot.describe(error))
                return error.exit_code
            return self._worker.run()
        finally:
            hooks.call(cfg, "worker_exit", server, worker)
