"""Building workers and forkservers, each in the process that it is for.

Runs in: both
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Final

from fastfork.arbiter.certificates import prepared_certificates
from fastfork.arbiter.forking.forkserver import Forker, Forkserver, Job, OwnForker
from fastfork.arbiter.forking.spawn import HookedWorker, Runnable, Viewed, WorkerClass, worker_class
from fastfork.arbiter.hook_views import ServerView, WorkerView
from fastfork.arbiter.refork import Handover, Promotable
from fastfork.ipc import ModuleList, Scoreboard, SignalMailbox, failure
from fastfork.net import Listener, Pool
from fastfork.process import parent
from fastfork.records import record

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from fastfork.arbiter.forking.forkserver_process import ForkserverProcess
    from fastfork.config import Config, Loaded
    from fastfork.net.tls import Certificates

log = logging.getLogger("fastfork.error")

FORKSERVER: Final = "fastfork.arbiter.forking.forkserver_process"

LoadApp = Callable[["Config"], "WSGIApplication"]


@record(frozen=True)
class Recipe:
    """What the workers of one revision have in common.  certificates: None without TLS."""

    cfg: Config
    make: WorkerClass
    certificates: Certificates | None


class WorkerFactory:
    """Everything that the making of a worker needs besides its settings.

    load_app: loads the application of a Config.  close_others(listeners): closes, in a child,
    what it has inherited of the arbiter's listening sockets beside these.  become(loaded): lets
    hooks in a forkserver see its settings.  modules: where workers tell which files they are
    made of.
    """

    def __init__(
        self,
        *,
        server: ServerView,
        scoreboard: Scoreboard,
        mailbox: SignalMailbox,
        load_app: LoadApp,
        close_others: Callable[[Sequence[Listener]], None],
        become: Callable[[Loaded], None],
        modules: ModuleList | None,
    ) -> None:
        self.server = server
        self.scoreboard = scoreboard
        self.mailbox = mailbox
        self.load_app = load_app
        self.close_others = close_others
        self.become = become
        self.modules = modules
        self.arbiter_pid = server.pid
        self.handover: Handover | None = None
        # One for all workers of this arbiter, whatever their settings: a connection that waits
        # in it during a reload is for the old and the new ones.
        self.pool = Pool()

    def close_in_helper(self, kept: Sequence[Listener] = ()) -> None:
        """Close every socket that is for others, in a process that is no worker.  Runs in: both."""
        self.close_others(kept)
        if self.pool is not None:
            self.pool.close()

    def forker(self, loaded: Loaded) -> Forker:
        """Return where workers with these settings are forked.  Raises ConfigError, OSError."""
        cfg = loaded.config
        make_worker = worker_class(cfg.worker_class)
        recipe = Recipe(cfg, make_worker, prepared_certificates(cfg))
        if cfg.refork and self.handover is None:
            self.handover = Handover()
        if cfg.preload_app and parent.adopt_orphans():
            import_module(FORKSERVER)  # before the fork, as worker_class says

            return Forkserver.start(
                partial(self._forkserver, loaded, recipe),
                self.mailbox,
                view=self.server.forkserver(cfg),
                grace=cfg.graceful_timeout,
            )
        if cfg.preload_app:
            log.warning(
                "preload_app needs Linux; here each worker loads the application for itself"
            )
        return OwnForker(partial(self._worker, recipe), self.mailbox)

    def _worker(
        self,
        recipe: Recipe,
        job: Job,
        view: HookedWorker | None,
        listeners: Sequence[Listener],
    ) -> Runnable:
        """Build a worker that the arbiter has forked, in its process."""
        worker = self._bare(recipe, None, job, listeners)
        return worker if view is None else self.server.in_hooks(worker, view)

    def _bare(
        self,
        recipe: Recipe,
        app: WSGIApplication | None,
        job: Job,
        listeners: Sequence[Listener],
    ) -> Viewed:
        """Return a worker without its hooks.  app: loaded already, by the forkserver."""
        self.close_others(listeners)
        return recipe.make(
            number=job.nr,
            age=job.age,
            cfg=recipe.cfg,
            listeners=listeners,
            slot=self.scoreboard.slot(job.nr),
            arbiter_pid=self.arbiter_pid,
            load_app=partial(self.load_app, recipe.cfg) if app is None else lambda: app,
            modules=self.modules,
            pool=self.pool,
            certificates=recipe.certificates,
            is_preloaded=app is not None,
        )

    def _forkserver(
        self, loaded: Loaded, recipe: Recipe, channel: socket.socket
    ) -> ForkserverProcess:
        """Build a forkserver, in its process."""
        from fastfork.arbiter.forking.forkserver_process import ForkserverProcess

        self.become(loaded)
        return ForkserverProcess(
            channel=channel,
            cfg=loaded.config,
            mailbox=self.mailbox,
            arbiter_pid=self.arbiter_pid,
            load_app=partial(self.load_app, loaded.config),
            make=partial(self._forkserver_worker, recipe, is_warm=False),
            close_inherited=partial(self.close_others, ()),
            prepare=recipe.make.prepare,
            note_failure=partial(failure.note, self.scoreboard.server),
        )

    def _forkserver_worker(
        self,
        recipe: Recipe,
        app: WSGIApplication,
        job: Job,
        given: Mapping[str, object],
        listeners: Sequence[Listener],
        *,
        is_warm: bool,
    ) -> Runnable:
        """Build a worker that a forkserver has forked, in its process."""
        cfg = recipe.cfg
        view = WorkerView(number=job.nr, age=job.age, ppid=self.arbiter_pid, cfg=cfg)
        for name, value in given.items():
            setattr(view, name, value)
        worker = self._bare(recipe, app, job, listeners)
        lived = self.server.in_hooks(worker, view)
        if not cfg.refork or self.handover is None:
            return lived
        return Promotable(
            server=self.server,
            worker=worker,
            lived=lived,
            slot=self.scoreboard.slot(job.nr),
            handover=self.handover,
            become=partial(self._be_forkserver, recipe),
            is_warm=is_warm,
        )

    def _be_forkserver(self, recipe: Recipe, app: WSGIApplication, channel: socket.socket) -> int:
        """Be a forkserver, in the process of a worker that has finished.  The exit code."""
        from fastfork.arbiter.forking.forkserver_process import ForkserverProcess

        forkserver = ForkserverProcess(
            channel=channel,
            cfg=recipe.cfg,
            mailbox=self.mailbox,
            arbiter_pid=self.arbiter_pid,
            load_app=lambda: app,
            make=partial(self._forkserver_worker, recipe, is_warm=True),
            close_inherited=lambda: None,
            prepare=recipe.make.prepare,
            note_failure=partial(failure.note, self.scoreboard.server),
        )
        forkserver.install_handlers()
        forkserver.show()
        return forkserver.serve(app)
