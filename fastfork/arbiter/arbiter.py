"""The arbiter: starts the server, turns the loop, and acts on signals.

Runs in: arbiter
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final

from fastfork import address, clock, logs
from fastfork.address import Address, PassedAddress
from fastfork.arbiter import announce
from fastfork.arbiter.children.reap import meaning
from fastfork.arbiter.children.workers import Workers
from fastfork.arbiter.exits import bury_forkserver, bury_lost, judge_worker
from fastfork.arbiter.forking.forkserver import Forker, Job, NoForker
from fastfork.arbiter.forking.spawn import HookedWorker, exit_code, worker_class
from fastfork.arbiter.helpers.admin import Admin
from fastfork.arbiter.helpers.reload import ReloadHelper
from fastfork.arbiter.hook_views import ServerView
from fastfork.arbiter.ownership import give_logs, with_access
from fastfork.arbiter.refork import Refork
from fastfork.arbiter.revisions import Revision, Revisions, first_endpoints
from fastfork.arbiter.server_stats import ServerStats
from fastfork.arbiter.service import Service, facts
from fastfork.arbiter.shutdown import Shutdown
from fastfork.arbiter.signals import SIGNALS
from fastfork.arbiter.upgrade import Upgrade
from fastfork.arbiter.worker_factory import WorkerFactory
from fastfork.errors import ConfigError, StartError
from fastfork.ipc import Scoreboard, ServerState, SignalMailbox, failure
from fastfork.net import Endpoints, Listener, resolve
from fastfork.process import boot, debugger, inherited, title
from fastfork.process.program import Program
from fastfork.process.terminal import Terminal

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from fastfork.config import Config, Loaded

log = logging.getLogger("fastfork.error")

TICK: Final = 1.0  # seconds; the longest sleep, and so the precision of `timeout`
# Slots of the scoreboard.  Far more than anybody runs: a reload has one worker more, and many
# may be draining.  A page of slots that nobody uses costs no memory.
CAPACITY: Final = 512
# A signal that comes while the process ends changes neither that nor its exit code.
IGNORED_AT_THE_END: Final = frozenset(SIGNALS) - {signal.SIGCHLD}


class Arbiter:
    """One server.  `run()` once, in the main thread.

    loaded: the settings to start with.  reload: reads them again, or raises ConfigError.
    load_app: loads the application that a Config names, or raises BootError.
    program: how to start this program again; the process as it is now by default.
    sockets: those that the service manager passed on.  on_ready: called when a worker answers.
    """

    workers: Workers
    mailbox: SignalMailbox
    scoreboard: Scoreboard

    def __init__(
        self,
        loaded: Loaded,
        *,
        reload: Callable[[], Loaded],
        load_app: Callable[[Config], WSGIApplication],
        program: Program | None = None,
        sockets: Sequence[PassedAddress] = (),
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self.pid = os.getpid()
        self.server = ServerView(self, load_app)
        self.service = Service(on_ready)
        self._sockets = sockets
        nothing = Endpoints([], reuse_port=False)
        self.revisions = Revisions(Revision(loaded, nothing, NoForker()), self._addresses)
        self.upgrading = Upgrade(program or Program.current())
        self.shutdown = Shutdown(self)
        self.admin = Admin()
        self._resting: int | None = None  # the workers to have again after SIGWINCH
        self._reload = reload
        self._load_app = load_app
        self._cleanup = ExitStack()

    @property
    def loaded(self) -> Loaded:
        """The settings that the next worker is started with, and their origins."""
        return self.revisions.current.loaded

    @property
    def cfg(self) -> Config:
        """The settings that the next worker is started with."""
        return self.revisions.current.cfg

    @property
    def listeners(self) -> list[Listener]:
        """The sockets that new workers listen on."""
        return self.revisions.current.endpoints.listeners()

    # -- life

    def run(self) -> int:
        """Start, supervise until told to stop, clean up.  Returns the exit code."""
        with self._cleanup:
            try:
                self.start()
                return self.supervise()
            except StartError as error:
                announce.cannot_start(error, self.cfg)
                return error.exit_code
            except SystemExit as leaving:  # of on_starting
                return exit_code(leaving)
            except Exception:
                log.exception("The arbiter failed; its workers see that and finish")
                return StartError.exit_code

    def supervise(self) -> int:
        """Run the loop, in whose turns all of this process happens.  Returns the exit code."""
        while not self.shutdown.is_complete():
            self.mailbox.take_back()
            now = clock.now()
            deadline = min(self.workers.next_deadline(), self.shutdown.next_deadline())
            self.mailbox.wait(min(TICK, deadline - now, self.service.wait(now)))
            for signum in self.mailbox.drain():
                log.debug("Signal %s: %s", signal.Signals(signum).name, SIGNALS[signum].help)
                SIGNALS[signum].run(self)
            self.workers.read_scoreboard(self.cfg)
            for child, death in self.workers.reap(self.bury_other):
                self.stats.ended(child, death, self.workers.generation)
                judge_worker(self, child, death)
            bury_lost(self)
            self.workers.kill_stalled(self.cfg.timeout, self.cfg.request_timeout)
            self.workers.kill_overdue()
            self.workers.watch_loading(self.cfg.timeout, self.cfg.boot_timeout)
            self.workers.watch_memory(self.cfg.max_rss)
            debugger.wake(
                one.pid for one in (*self.workers.children, *self.revisions.forkservers())
            )
            if changed := self.watch.changed():
                self.code_changed(changed)
            self.keep_workers()
            self.shutdown.go_on()
            self.tell_service()
            self.stats.send(list(self.workers.children), self.revisions.all_listeners(), self.cfg)
            self.stats.turn(self.workers.target, self.listeners)
            self.admin.turn(self, may_start=not self.upgrading.is_second)
        announce.stopped(self.shutdown.exit_code, failure.noted(self.scoreboard.server))
        return self.shutdown.exit_code

    def start(self) -> None:
        """Get all that a worker needs, then take the signals.  Raises StartError.

        Until the mailbox is there a signal ends the process, as it ends any; what may lie
        about then, a socket file, the next start takes for stale.
        """
        cfg = self.cfg
        boot.change_directory(cfg.chdir)
        logs.setup(cfg)
        give_logs(cfg)
        self.upgrading.check_pidfile(cfg.pidfile)
        announce.starting()
        parser = announce.parser_in_use(cfg.http_parser)
        worker_class(cfg.worker_class)
        self.upgrading.write_pidfile()
        self._cleanup.callback(self.server.call_hook, "on_exit")
        self._cleanup.callback(self.upgrading.remove_pidfile)
        self.server.call_hook("nworkers_changed", cfg.workers, None)
        self.server.starting()
        addresses = self._addresses(self.loaded)
        endpoints = first_endpoints(cfg, addresses, self.upgrading.inherited_sockets())
        self._cleanup.callback(self.shutdown.close_sockets)
        self.revisions = Revisions(Revision(self.loaded, endpoints, NoForker()), self._addresses)
        self.mailbox = SignalMailbox(SIGNALS)
        self._cleanup.callback(self.mailbox.close, ignored=IGNORED_AT_THE_END)
        self.scoreboard = Scoreboard(max(CAPACITY, 4 * cfg.workers), ring=self.mailbox.ring)
        self.stats = ServerStats(self.scoreboard)
        self.workers = Workers(self.scoreboard, self._fork, self.server.num_workers)
        self.workers.server = self.server
        self.revisions.fit_socket_count(self.workers)
        self.watch = ReloadHelper(cfg, self.mailbox, lambda: self._factory.close_in_helper())
        self._cleanup.callback(self.watch.stop)
        self.admin.open(self, lambda kept: self._factory.close_in_helper(kept))
        self._cleanup.callback(self.admin.stop)
        self._factory = WorkerFactory(
            server=self.server,
            scoreboard=self.scoreboard,
            mailbox=self.mailbox,
            load_app=self._load_app,
            close_others=self._close_others,
            become=self._become,
            modules=self.watch.modules,
        )
        self._refork = Refork(self.revisions, self.workers)
        self._terminal = Terminal()
        title.set_title("arbiter", cfg.proc_name, cfg.wsgi_app)
        announce.started(self.loaded, self.listeners, parser)
        self.upgrading.wait_for_promotion()
        self.server.call_hook("when_ready")
        inherited.freeze(is_start=True)
        self.revisions.open_forker(self._factory.forker)
        self.keep_workers()

    # -- signals: see the table in signals.py

    def stop(self) -> None:
        """Let every worker finish; asked a second time, do not wait for that."""
        self.shutdown.stop()

    def quit(self) -> None:
        """Stop without waiting for requests."""
        self.shutdown.quit()

    def reload(self) -> None:
        """Read the settings again, and replace every worker by one that runs with them."""
        if self.shutdown.asked is not None:
            return
        self.service.reloading()
        if self.revisions.read(self._reload, self.workers, self._forker):
            self.upgrading.follow_pidfile()
            self._begin_when_ready()

    def code_changed(self, names: str) -> None:
        """Replace the workers, with the settings as they are."""
        if self.shutdown.asked is None:
            log.info("Code changed (%s); workers are replaced", names)
            if self.revisions.renew(self._forker):
                self._begin_when_ready()

    def reopen(self) -> None:
        """Open the log files again, here and in every worker."""
        logs.reopen()
        give_logs(self.cfg)
        self.workers.send(signal.SIGUSR1)
        for forkserver in self.revisions.forkservers():
            forkserver.send(signal.SIGUSR1)

    def more(self) -> None:
        """One worker more."""
        self._set_target(self.workers.target + 1)

    def fewer(self) -> None:
        """One worker fewer, but never none."""
        self._set_target(max(self.workers.target - 1, min(1, self.workers.target)))

    def scale(self, target: int) -> None:
        """Have that many workers."""
        self._set_target(target)

    def rest(self) -> None:
        """Let every worker finish and go, and wait for a reload, or for a stop."""
        if self._terminal.was_resized():
            return  # somebody has changed the size of a window
        if self._resting is None and self.shutdown.asked is None:
            log.info("Workers finish and go; SIGHUP brings them back")
            self._resting = self.workers.target
            self.workers.target = 0

    def upgrade(self) -> None:
        """Start the new program on the same sockets."""
        if self.shutdown.asked is None:
            self.upgrading.start(
                self.revisions.current.endpoints,
                self.admin.endpoints,
                self.mailbox.signums,
                lambda: self.server.call_hook("pre_exec"),
            )

    # -- turns of the loop

    def bury_other(self, pid: int, status: int) -> None:
        """A child has ended that is no worker: the new program, a forkserver, or an orphan of the
        application's."""
        forkserver = next((one for one in self.revisions.forkservers() if one.pid == pid), None)
        if forkserver is not None:
            bury_forkserver(self, forkserver, meaning(status, forkserver.sent))
        elif pid == self.upgrading.successor:
            self.upgrading.ended(status)
            self._wake_up()
        else:
            self.watch.bury(pid, status)
            self.admin.bury(pid, status)

    def keep_workers(self) -> None:
        """Start and retire workers as the plan says; see a reload to its end."""
        if self.workers.ever_ready and self.shutdown.asked is None:
            self.scoreboard.server_state = ServerState.READY
        if self.shutdown.began is not None:
            return
        if self.upgrading.is_promoted_now():
            self.service.take_over()
        self._refork.step(self.cfg, self._factory.handover)
        self._begin_when_ready()
        if not self.workers.backoff.wait(clock.now()) and self.revisions.needs_forkserver():
            self._restart_forkserver()
        self.revisions.watch_loading(self.cfg.boot_timeout)
        can_fork = self.revisions.can_fork()
        order = self.revisions.order(self.workers)
        self.workers.keep_count(self.cfg, can_fork=can_fork, order=order)
        self.revisions.finish(self.workers)
        self._fit_socket_count()

    def tell_service(self) -> None:
        """Say what has changed to whoever started us."""
        revisions = self.revisions
        if self.shutdown.asked is not None and self.upgrading.successor is not None:
            self.service.hand_over(self.upgrading.successor)
        state = facts(
            self.workers,
            is_reloading=revisions.rollout is not None or revisions.pending is not None,
            is_stopping=self.shutdown.asked is not None,
            is_second=self.upgrading.is_second,
        )
        self.service.turn(state, self.cfg)

    # -- details

    def _addresses(self, loaded: Loaded) -> list[Address]:
        """Return what to listen on; see net/activation.py.  Raises ConfigError."""
        bind = [address.parse(text) for text in loaded.config.bind]
        found = resolve(bind, self._sockets, is_default=loaded.is_default("bind"))
        for unused in found.unused:
            log.warning("bind: nobody asks for the socket %s; it is not listened on", unused)
        return with_access(found.addresses, loaded.config)

    def _fork(self, job: Job, view: HookedWorker | None) -> int:
        current = self.revisions.current
        return current.forker.fork(job, view, current.endpoints.listeners_at(job.socket_index))

    def _forker(self, loaded: Loaded) -> Forker:
        return self._factory.forker(loaded)

    def _restart_forkserver(self) -> None:
        """The forkserver has died: have another one."""
        try:
            self.revisions.open_forker(self._forker)
        except (StartError, OSError) as error:
            log.error("Cannot start a template: %s", error)
            self.workers.note_failure()

    def _begin_when_ready(self) -> None:
        """Begin to replace the workers, when the pending revision can fork others."""
        pending = self.revisions.pending
        if pending is None or not pending.forker.is_ready:
            return
        before = self.loaded
        self._wake_up()
        self.revisions.begin(self.workers)
        # Unchanged in the file, the number that SIGTTIN and SIGTTOU made of it stays.
        if self.cfg.workers != before.config.workers:
            self.workers.aim_for(self.cfg.workers)
        elif self.loaded is not before:
            self.server.call_hook("nworkers_changed", self.workers.target, self.workers.target)
        if self.loaded is not before:
            self.server.call_hook("on_reload")
        self._fit_socket_count()
        self.stats.reloaded()
        self.workers.replace_all()

    def _close_others(self, kept: Sequence[Listener]) -> None:
        """Close the listening sockets that are not `kept`: a copy that nobody accepts from
        would keep clients waiting when the arbiter has closed its own.  Runs in: both."""
        descriptors = {listener.sock.fileno() for listener in kept}
        for listener in self.revisions.all_listeners() + self.admin.endpoints.listeners():
            if listener.sock.fileno() not in descriptors:
                listener.sock.close()

    def _become(self, loaded: Loaded) -> None:
        """Have the settings of a forkserver, for the hooks in it.  Runs in: both."""
        self.revisions.current.loaded = loaded

    def _set_target(self, target: int) -> None:
        if self.shutdown.asked is None and target != self.workers.target:
            log.info("Workers wanted: %d (before: %d)", target, self.workers.target)
            self._resting = None
            rollout = self.revisions.rollout
            if rollout is not None:  # what an operator asks for outlives a failed reload
                rollout.target = max(rollout.target + target - self.workers.target, 1)
            self.workers.aim_for(target)
            self._fit_socket_count()

    def _fit_socket_count(self) -> None:
        try:
            self.revisions.fit_socket_count(self.workers)
        except ConfigError as error:
            log.error("%s; workers share the sockets that are there", error)

    def _wake_up(self) -> None:
        """Have the workers again that SIGWINCH let go."""
        if self._resting is not None:
            self.workers.target, self._resting = self._resting, None
