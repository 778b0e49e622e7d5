"""The arbiter: starts the server, turns the loop, and acts on signals.

Runs in: arbiter
"""

from __future__ import annotations

import gc
import logging
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Final

from fastfork import address, clock, logs
from fastfork.address import Address, PassedAddress
from fastfork.arbiter import announce
from fastfork.arbiter.backoff import HEALTHY_AFTER
from fastfork.arbiter.children import Child
from fastfork.arbiter.codewatch import CodeWatch
from fastfork.arbiter.crew import KILL_MARGIN, Crew
from fastfork.arbiter.face import Server
from fastfork.arbiter.ownership import give_logs, with_access
from fastfork.arbiter.reap import Death
from fastfork.arbiter.rollout import Rollout, without_server_settings
from fastfork.arbiter.service import Service, facts
from fastfork.arbiter.signals import SIGNALS
from fastfork.arbiter.spawn import Runnable, exit_code, worker_class
from fastfork.errors import AppNotFound, BootError, StartError
from fastfork.ipc import Scoreboard, SignalMailbox, Slot, State
from fastfork.net import Listener, close_listeners, open_listeners, resolve
from fastfork.process import boot, title
from fastfork.process.pidfile import PidFile

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from fastfork.config import Config, Loaded

log = logging.getLogger("fastfork.error")

TICK: Final = 1.0  # seconds; the longest sleep, and so the precision of `timeout`
QUICK_GRACE: Final = 2.0  # seconds from SIGQUIT to SIGKILL, as gunicorn's quick shutdown
# What a SIGKILLed process may take to go (disk sleep) before the arbiter leaves without it.
LAST_WAIT: Final = 5.0  # seconds
# timeout(1) and some supervisors signal the process and then its group: one wish, not two.
SAME_WISH: Final = 0.1  # seconds
# Slots of the scoreboard.  Far more than anybody runs: a reload has one worker more, and many
# may be draining.  A page of slots that nobody uses costs no memory.
CAPACITY: Final = 512
# A signal that comes while the process ends changes neither that nor its exit code.
IGNORED_AT_THE_END: Final = frozenset(SIGNALS) - {signal.SIGCHLD}
BOOT_FAILURES: Final = {
    BootError.exit_code: "Worker failed to boot.",
    AppNotFound.exit_code: "App failed to load.",
}  # gunicorn's words


class Arbiter:
    """One server.  `run()` once, in the main thread.

    loaded: the settings to start with.  reload: reads them again, or raises ConfigError.
    load_app: loads the application that a Config names, or raises BootError.
    sockets: those that the service manager passed on.  on_ready: called when a worker answers.
    """

    crew: Crew
    mailbox: SignalMailbox

    def __init__(
        self,
        loaded: Loaded,
        *,
        reload: Callable[[], Loaded],
        load_app: Callable[[Config], WSGIApplication],
        sockets: Sequence[PassedAddress] = (),
        on_ready: Callable[[], None] = lambda: None,
    ) -> None:
        self.loaded = loaded
        self.exit_code = 0
        self.rollout: Rollout | None = None
        self.stop_began: float | None = None
        self.stop_ends = 0.0
        self.quick = False
        self._reload = reload
        self._load_app = load_app
        self.pid = os.getpid()
        self.listeners: list[Listener] = []
        self.server = Server(self)
        self.service = Service(on_ready)
        self._sockets = sockets
        self._cleanup = ExitStack()

    @property
    def cfg(self) -> Config:
        """The settings that the next worker is started with."""
        return self.loaded.config

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
        """The loop.  All that happens in this process happens in one of its turns."""
        while self.is_needed():
            now = clock.now()
            self.mailbox.wait(min(TICK, self.crew.next_deadline() - now, self.service.wait(now)))
            for signum in self.mailbox.drain():
                SIGNALS[signum].run(self)
            self.crew.read_scoreboard(self.cfg)
            for child, death in self.crew.reap(self.watch.bury):
                self.judge(child, death)
            self.crew.kill_stalled(self.cfg.timeout)
            self.crew.kill_overdue()
            self.crew.tell_of_long_loading(self.cfg.timeout)
            if changed := self.watch.changed():
                self.code_changed(changed)
            self.keep_workers()
            self.tell_service()
        log.info("Stopped (exit code %d)", self.exit_code)
        return self.exit_code

    def start(self) -> None:
        """Get all that a worker needs, then take the signals.  Raises StartError.

        Until the mailbox is there a signal ends the process, as it ends any; what may lie
        about then, a socket file, the next start takes for stale.
        """
        cfg = self.cfg
        boot.change_directory(cfg.chdir)
        logs.setup(cfg)
        give_logs(cfg)
        pidfile = PidFile(cfg.pidfile) if cfg.pidfile is not None else None
        if pidfile is not None:
            pidfile.check()
        announce.starting()
        parser = announce.parser_in_use(cfg.http_parser)
        self._worker_class = worker_class(cfg.worker_class)
        if cfg.preload_app:
            self._preload(cfg)
        if pidfile is not None:
            pidfile.write()
        self._cleanup.callback(self.server.call_hook, "on_exit")
        if pidfile is not None:
            self._cleanup.callback(pidfile.remove)
        self.server.call_hook("nworkers_changed", cfg.workers, None)
        self.server.starting()
        self.listeners = open_listeners(self._addresses(self.loaded), cfg.backlog)
        self._cleanup.callback(self._close_listeners)
        self.mailbox = SignalMailbox(SIGNALS)
        self._cleanup.callback(self.mailbox.close, ignored=IGNORED_AT_THE_END)
        scoreboard = Scoreboard(max(CAPACITY, 4 * cfg.workers), ring=self.mailbox.ring)
        self.crew = Crew(self.mailbox, scoreboard, self._make_worker, cfg.workers)
        self.crew.server = self.server
        self.watch = CodeWatch(cfg, self.mailbox, self._close_copies)
        self._cleanup.callback(self.watch.stop)
        title.set_title("arbiter", cfg.proc_name, cfg.wsgi_app)
        announce.started(self.loaded, self.listeners, parser)
        self.server.call_hook("when_ready")
        # What is in memory now, stays: a collection in a worker that touched it would copy the
        # pages the worker shares with us (gc.freeze() in the library reference).
        gc.collect()
        gc.freeze()
        self.crew.keep_count(cfg)

    def is_needed(self) -> bool:
        """Whether there is anything left to supervise."""
        if self.stop_began is None:
            return True
        if self.crew.children and clock.now() > self.stop_ends + LAST_WAIT:
            pids = ", ".join(str(child.pid) for child in self.crew.children)
            log.error("Leaving without workers that SIGKILL did not end (pid: %s)", pids)
            return False
        return bool(self.crew.children)

    # -- signals: see the table in signals.py

    def stop(self) -> None:
        """Let every worker finish; asked a second time, do not wait for that."""
        if self.stop_began is None:
            log.info("Stopping; running requests have %g s", self.cfg.graceful_timeout)
            self._dismiss(signal.SIGTERM, self.cfg.graceful_timeout + KILL_MARGIN)
        elif clock.now() - self.stop_began > SAME_WISH:
            self.quit()

    def quit(self) -> None:
        """Stop without waiting for requests."""
        if not self.quick:
            log.info("Quick shutdown requested")
            self.quick = True
            self._dismiss(signal.SIGQUIT, QUICK_GRACE)

    def reload(self) -> None:
        """Read the settings again, and replace every worker by one that runs with them."""
        if self.stop_began is not None:
            return
        self.service.reloading()
        try:
            loaded = without_server_settings(self._reload(), self.cfg)
            logs.setup(loaded.config)
            give_logs(loaded.config)
        except BaseException as error:  # whatever a config file does, we go on
            is_ours = isinstance(error, StartError)
            log.error("reload refused: %s", error if is_ours else repr(error), exc_info=not is_ours)
            return
        if self.rollout is None:
            log.info("Reloading; workers are replaced one at a time")
            self.rollout = Rollout(self.loaded, self.crew.target, self.crew.generation + 1)
        else:
            log.info("Reloading again; the reload under way starts over")
            # It may hang in its import, and would hold up this reload and all later ones.
            self.crew.dismiss_loading(self.cfg)
        for line in loaded.notices:
            log.warning("%s", line)
        # Unchanged in the file, the number that SIGTTIN and SIGTTOU made of it stays.
        changed = loaded.config.workers != self.cfg.workers
        self.loaded = loaded
        if changed:
            self.crew.aim_for(loaded.config.workers)
        else:
            self.server.call_hook("nworkers_changed", self.crew.target, self.crew.target)
        self.server.call_hook("on_reload")
        self.crew.replace_all()

    def code_changed(self, names: str) -> None:
        """Replace the workers, with the settings as they are."""
        if self.stop_began is not None:
            return
        log.info("Code changed (%s); workers are replaced", names)
        if self.rollout is None:
            self.rollout = Rollout(self.loaded, self.crew.target, self.crew.generation + 1)
        else:
            self.crew.dismiss_loading(self.cfg)
        self.crew.replace_all()

    def reopen(self) -> None:
        """Open the log files again, here and in every worker."""
        logs.reopen()
        give_logs(self.cfg)
        self.crew.send(signal.SIGUSR1)

    def more(self) -> None:
        """One worker more."""
        self._set_target(self.crew.target + 1)

    def fewer(self) -> None:
        """One worker fewer, but never none."""
        self._set_target(max(self.crew.target - 1, 1))

    def refuse(self, signal_name: str, instead: str) -> None:
        """Say that a signal does nothing in this version."""
        log.warning("%s is ignored in this version; %s", signal_name, instead)

    # -- turns of the loop

    def judge(self, child: Child, death: Death) -> None:
        """Decide what a worker's death means for the server."""
        if child.told:
            return
        now = clock.now()
        if child.ready_at is None:
            if self.rollout is not None and child.generation == self.crew.generation:
                self._end_rollout(child)
                return
            if not self.crew.ever_ready and death.code in BOOT_FAILURES:
                log.error("Stopping: no worker could start. Reason: %s", BOOT_FAILURES[death.code])
                announce.no_worker_started(BOOT_FAILURES[death.code], self.cfg)
                self.exit_code = death.code
                self.quick = True
                self._dismiss(signal.SIGQUIT, QUICK_GRACE)
                return
        elif child.lived(now) >= HEALTHY_AFTER or _has_finished(child, death):
            return  # the next one may start at once
        elif death.code == 0 and self.crew.backoff.left(now, 2 * self.crew.target):
            return  # somebody told it to go (kill PID)
        self.crew.note_failure()

    def keep_workers(self) -> None:
        """Start and retire workers as the plan says; see a reload to its end."""
        if self.stop_began is not None:
            return
        self.crew.keep_count(self.cfg)
        if self.rollout is not None and not self.crew.is_replacing():
            log.info("Reload complete")
            self.rollout = None

    def tell_service(self) -> None:
        """Say what has changed to whoever started us."""
        state = facts(
            self.crew,
            is_reloading=self.rollout is not None,
            is_stopping=self.stop_began is not None,
        )
        self.service.turn(state, self.cfg)

    # -- details

    def _addresses(self, loaded: Loaded) -> list[Address]:
        """What to listen on; see net/activation.py.  Raises ConfigError."""
        bind = [address.parse(text) for text in loaded.config.bind]
        found = resolve(bind, self._sockets, is_default=loaded.is_default("bind"))
        for unused in found.unused:
            log.warning("bind: nobody asks for the socket %s; it is not listened on", unused)
        return with_access(found.addresses, loaded.config)

    def _make_worker(self, nr: int, age: int, slot: Slot) -> Runnable:
        """Build the worker.  Runs in the child."""
        return self._worker_class(
            nr=nr,
            age=age,
            cfg=self.cfg,
            listeners=self.listeners,
            slot=slot,
            arbiter_pid=self.pid,
            load_app=partial(self._load_app, self.cfg),
            modules=self.watch.modules,
        )

    def _preload(self, cfg: Config) -> None:
        """Load the application here, once, so that the workers share its memory."""
        boot.enter(cfg.chdir, cfg.pythonpath, cfg.raw_env)
        app = boot.load(partial(self._load_app, cfg))
        self._load_app = lambda _cfg: app
        announce.preloaded()

    def _close_listeners(self) -> None:
        """Close our copies, once: a file of this name may be the next server's after that."""
        close_listeners(self.listeners)
        self.listeners = []

    def _close_copies(self) -> None:
        """Close the sockets in a helper.  Runs in the helper."""
        for listener in self.listeners:
            listener.sock.close()

    def _dismiss(self, signum: int, grace: float) -> None:
        """Stop listening and tell the workers to go within `grace` seconds."""
        now = clock.now()
        if self.stop_began is None:
            self.stop_began = now
            self._close_listeners()
        self.stop_ends = now + grace
        self.crew.dismiss(signum, self.stop_ends)

    def _set_target(self, target: int) -> None:
        if self.stop_began is None and target != self.crew.target:
            log.info("Workers wanted: %d (before: %d)", target, self.crew.target)
            if self.rollout is not None:  # what an operator asks for outlives a failed reload
                self.rollout.target = max(self.rollout.target + target - self.crew.target, 1)
            self.crew.aim_for(target)

    def _end_rollout(self, child: Child) -> None:
        """A replacement did not boot: the workers that run stay, and so do their settings."""
        assert self.rollout is not None
        rollout, self.rollout = self.rollout, None
        log.error(
            "Reload ended: the replacement did not start (pid: %d); the workers that run serve on "
            "with the old settings",
            child.pid,
        )
        self.loaded = rollout.previous
        try:
            logs.setup(self.cfg)
        except StartError as error:
            log.error("%s; the log stays where it is", error)
        self.crew.target = rollout.target
        if converted := self.crew.take_back(rollout.since, self.cfg):
            log.warning(
                "Workers that have the new settings are replaced by some with the old ones "
                "(pid: %s)",
                ", ".join(str(child.pid) for child in converted),
            )


def _has_finished(child: Child, death: Death) -> bool:
    """Whether the worker left by itself after it had served: max_requests, and no failure."""
    drained = child.slot.state >= State.DRAINING
    return drained and death.code == 0 and child.slot.requests > 0
