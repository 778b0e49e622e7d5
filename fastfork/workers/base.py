"""The life of a worker in its own process: signals, loading the application, the way out.

What it serves with is the subclass's part.  Signal handlers run between two bytecodes of the
main thread; those here set a flag and `wake()` the loop, or raise SystemExit.

Runs in: worker
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Final

from fastfork import clock, forks, logs, metrics
from fastfork.errors import BootError, ConfigError, HookFailed, SystemCallRefused
from fastfork.ipc import ModuleList, Slot, State
from fastfork.logs import LOGGER
from fastfork.logs.base.requestid import giving_ids
from fastfork.process import boot, descriptors, privileges, streams, title
from fastfork.process.reclaim import ignore_broken_pipes
from fastfork.workers.ashooks import WorkerView
from fastfork.workers.foreign import let_go_of_clients
from fastfork.workers.hardend import DUMP_SIGNAL, HARD_MARGIN, HardEnd, ask_to_be_told
from fastfork.workers.refusal import cause_of, is_refusal
from fastfork.workers.sources import SourceReport
from fastfork.workers.stacks import all_stacks
from fastfork.wsgi import hooks, variables
from fastfork.wsgi.application import Application
from fastfork.wsgi.failed import app_that_tells
from fastfork.wsgi.mounted import mounted, script_name
from fastfork.wsgi.request_hooks import calling_pre_request

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from fastfork.config import Config
    from fastfork.net import Listener, Pool
    from fastfork.net.tls import Certificates
    from fastfork.workers.tls import WorkerTls

# Meant for the arbiter; a process group that gets one must not lose its workers.  Handled by a
# function and not by SIG_IGN, because programs the application starts would inherit that.
NOT_FOR_WORKERS: Final = (signal.SIGHUP, signal.SIGWINCH, signal.SIGTTIN, signal.SIGTTOU)
ENDS_AT_ONCE: Final = frozenset({signal.SIGABRT, signal.SIGINT, signal.SIGQUIT})
ABORTED: Final = 1  # exit code, as gunicorn's
# What an orphan that has not served yet may take to leave the application's import.
ORPHAN_BOOT_GRACE: Final = 2.0  # seconds

Handler = Callable[[int, FrameType | None], None]


class Worker(ABC):
    """One worker process.  Made in the child; `run()` is its whole life.

    number: of the slot, kept when the process is replaced.  age: counts the forks of this
    arbiter, so the oldest worker has the lowest.
    app: loads the application.  wsgi: the application that it has loaded; a hook may put another
    one in its place.  script: the path that it is below, '' for none.  view: what hooks are given.
    alive: False once the worker must go without finishing anything; a SystemExit that comes
    out of the application then is ours and must be let through.
    modules: where to tell which files the application is made of; None when nobody watches them.
    pool: for connections that another worker should take, None when there is none.
    certificates: None without TLS.  is_preloaded: a template has loaded the application.
    draining: True once it takes no new connection and goes when the running requests end, at
    the latest at `drain_deadline`, in seconds of `fastfork.clock`.
    most_connections: that it holds at a time; from `run` on never 0.
    max_requests: requests after which the subclass calls `ask_for_replacement()`; 0 = never.
    """

    def __init__(
        self,
        *,
        number: int,
        age: int,
        cfg: Config,
        listeners: Sequence[Listener],
        slot: Slot,
        arbiter_pid: int,
        load_app: Callable[[], WSGIApplication],
        modules: ModuleList | None = None,
        pool: Pool | None = None,
        certificates: Certificates | None = None,
        is_preloaded: bool = False,
    ) -> None:
        self.number = number
        self.age = age
        self.cfg = cfg
        self.listeners = listeners
        self.slot = slot
        self.arbiter_pid = arbiter_pid
        self.app = Application(cfg, load_app)
        self.is_preloaded = is_preloaded
        self.pool = pool
        self.certificates = certificates
        self.tls: WorkerTls | None = None
        self.log = logs.current()
        self.wsgi: WSGIApplication | None = None
        self.script = ""
        self.booted = False
        self._served = 0
        self._shown = ""
        self._sources = SourceReport(modules)
        self.alive = True
        self.draining = False
        self.drain_deadline: float | None = None
        self.was_aborted = False
        self._hard_end = HardEnd()
        self.view = WorkerView(self)
        self._handlers: dict[int, Handler] = {}
        forks.hold(self)
        self.most_connections = cfg.worker_connections
        self.max_requests = _with_jitter(cfg.max_requests, cfg.max_requests_jitter)

    @classmethod  # noqa: B027 - most need nothing
    def prepare(cls) -> None:
        """Make this process ready to import the application; a template's too."""

    @abstractmethod
    def open(self, app: WSGIApplication) -> None:
        """Get everything that serving takes, before anybody counts on this worker.

        Raises OSError, and SystemCallRefused."""

    @abstractmethod
    def serve(self) -> int:
        """Serve until drained or not alive any more.  Returns the exit code."""

    @abstractmethod
    def wake(self) -> None:
        """End the wait of `serve()` now.  Called from signal handlers."""

    def close(self) -> None:  # noqa: B027 - there may be nothing to close
        """Give back what `serve()` has opened, when the process goes on as something else."""

    @abstractmethod
    def current_request(self) -> str:
        """The request line being served, safe to log; '' when idle."""

    def run(self) -> int:
        """Load the application and serve it.  Returns the exit code; may raise SystemExit.

        The caller has blocked the signals since before the fork; they are taken from here on.
        """
        self._count_descriptors()
        self.slot.pid = os.getpid()
        self.slot.beat()
        self.slot.state = State.BOOTING
        ask_to_be_told(self.arbiter_pid, self.cfg.graceful_timeout)
        if self.orphaned():
            return 0  # it died before we could ask to be told
        logs.let_pass_when(lambda: not self.alive)
        self.install_handlers()
        self.show("loading")
        try:
            return self._load_and_serve()
        finally:
            # On the way out already: a signal must not raise in the middle of exit handlers.
            self.alive = False

    def _count_descriptors(self) -> None:
        """Have as many as there are, and as many connections as that is enough for."""
        limit = descriptors.raise_limit()
        if not self.most_connections:
            self.most_connections = descriptors.connections(limit)

    def _load_and_serve(self) -> int:
        cfg = self.cfg
        try:
            app = self._load()
        except (BootError, ConfigError) as error:
            # Told to leave meanwhile, it has nothing to show to whoever mends the application.
            in_the_clear = self.certificates is not None and self.tls is None
            if not cfg.reload or not self.alive or in_the_clear or isinstance(error, ConfigError):
                return self._boot_failed(error)
            app = self._stand_in(error)
        if not self.alive:
            return 0  # an application may swallow the SystemExit that told it to go
        self._sources.tell()
        try:
            self.open(app)
        except (OSError, SystemCallRefused) as error:
            self.log.error("Worker cannot serve: %s", cause_of(error))
            # What the way out needs it shall have: gevent's loop aborts the process without.
            for listener in self.listeners:
                listener.sock.close()
            return BootError.exit_code
        except Exception:
            self.log.exception("Worker cannot serve")
            return BootError.exit_code
        if cfg.daemon and not cfg.enable_stdio_inheritance:
            streams.leave_terminal()
        # The heartbeat first: loading may have taken longer than `timeout`.
        self.slot.beat()
        self.slot.state = State.READY
        self.booted = True
        LOGGER.info("Worker ready (pid: %d)", os.getpid())
        try:
            code = self.serve()
        except (OSError, SystemCallRefused) as error:
            if not is_refusal(error):
                raise
            self.log.critical("Worker cannot serve any more: %s", cause_of(error))
            code = ABORTED
        finally:
            self.slot.state = State.EXITING
        # An application may have swallowed the SystemExit that said so.
        return ABORTED if self.was_aborted else code

    def _load(self) -> WSGIApplication:
        """The application, loaded as the user that is wanted.  Raises BootError, ConfigError."""
        cfg = self.cfg
        if privileges.become(cfg.user, cfg.group, initgroups=cfg.initgroups):
            ask_to_be_told(self.arbiter_pid, cfg.graceful_timeout)
        if not self.is_preloaded:  # else it is the application's now where we are, and its path
            boot.enter(cfg.chdir, cfg.pythonpath, variables.for_application(cfg))
        if cfg.reload:  # a .pyc of the same second and size is taken for current
            sys.dont_write_bytecode = True
        self.prepare()
        if self.certificates is not None:  # first: what stands in for the application has it too
            from fastfork.workers.tls import WorkerTls  # libssl is in memory where it is used

            self.tls = WorkerTls(cfg, self.certificates)
            self.tls.begin()
        self.wsgi = boot.load(self.app.wsgi)
        self.script = script_name()
        ignore_broken_pipes()
        hooks.must(cfg, "post_worker_init", self.view)
        app = self.wsgi  # a hook may have put another one there
        if not callable(app):
            raise HookFailed(f"post_worker_init has set worker.wsgi to {app!r:.80}: no application")
        return self.wrapped(app)

    def wrapped(self, app: WSGIApplication) -> WSGIApplication:
        """`app`, with what the settings put around it."""
        hooked = calling_pre_request(mounted(app, self.script), self.cfg, self.view)
        return giving_ids(hooked, self.cfg)

    def _stand_in(self, error: BootError) -> WSGIApplication:
        """What answers while the application does not load and somebody is mending it."""
        LOGGER.error("%s", boot.describe(error))
        self._sources.tell(error)
        return self.stand_in(boot.describe(error))

    stand_in = staticmethod(app_that_tells)

    def tick(self) -> None:
        """Do what is due about once a second; the subclass calls it from its loop.

        The title is only written here: a request costs nothing.
        """
        self._sources.tell()
        metrics.flush()
        if not self.draining:
            busy, self._served = self.slot.requests != self._served, self.slot.requests
            running = max(self.slot.in_flight, int(busy))
            self.show(f"busy {running}/{self.slot.threads}" if running else "idle")

    def show(self, state: str) -> None:
        """Say in the process title what this worker is doing."""
        if state != self._shown:
            self._shown = state
            title.set_title(f"worker {self.number}", self.cfg.proc_name, self.cfg.wsgi_app, state)

    def begin_drain(self) -> None:
        """Take no new work, finish what runs, then leave `serve()`.

        The arbiter reads DRAINING on the scoreboard, and replaces the worker if it had not
        asked for this.  While the application is still loading there is nothing to finish.
        Also the kernel's word that the arbiter has died (see run) comes here.
        """
        if self.slot.state < State.READY:
            self.quit_now()
        if self.draining or not self.alive:
            return
        if self.orphaned():
            LOGGER.warning("The arbiter is gone; worker %d finishes and leaves", os.getpid())
        self.draining = True
        self.drain_deadline = clock.now() + self.cfg.graceful_timeout
        self._hard_end.within(self.cfg.graceful_timeout + HARD_MARGIN)
        self.slot.state = State.DRAINING
        self.show("draining")
        self.wake()

    def ask_for_replacement(self) -> None:
        """Say that this worker has served enough, and serve on.

        The arbiter starts another one, and sends SIGTERM when that is ready: nobody waits for
        an import meanwhile, and if it fails, this worker is still there.
        """
        self.max_requests = 0
        if self.slot.state == State.READY:
            self.slot.state = State.SPENT

    def stays(self) -> bool:
        """Whether it will take the next request."""
        return self.alive and not self.draining and self.slot.state != State.SPENT

    def quit_now(self) -> None:
        """Leave without finishing: raises SystemExit, once, wherever the main thread is."""
        if not self.alive:
            return
        self.cut_short()
        self._hard_end.within(
            ORPHAN_BOOT_GRACE if self.orphaned() else self.cfg.graceful_timeout + HARD_MARGIN
        )
        self.wake()
        raise SystemExit(0)

    def cut_short(self) -> None:
        """Note that a SystemExit follows which is ours, and must pass through the application.

        A subclass tells its compiled part here.
        """
        self.alive = False

    def orphaned(self) -> bool:
        """Whether the arbiter is gone, also when it was killed: the kernel gave us another."""
        return os.getppid() != self.arbiter_pid

    def reopen_logs(self) -> None:
        """Open the log files again, after they were moved away."""
        logs.reopen()
        self._hard_end.watch_faults()

    def install_handlers(self) -> None:
        """Replace the arbiter's handlers, then let the blocked signals in."""
        faulthandler.disable()  # as PYTHONFAULTHANDLER or a preloaded application had it
        self._hard_end.watch_faults()
        # Only now: enable() takes SIGABRT too, and that one is handled in Python.
        handlers: dict[int, Handler] = {
            signal.SIGTERM: forks.ours(lambda _frame: self.begin_drain()),
            signal.SIGINT: forks.ours(lambda _frame: self._interrupted()),
            signal.SIGQUIT: forks.ours(lambda _frame: self._interrupted()),
            signal.SIGABRT: forks.ours(lambda frame: self._aborted(frame)),
            signal.SIGUSR1: forks.ours(lambda _frame: self.reopen_logs()),
            **dict.fromkeys(NOT_FOR_WORKERS, forks.ours(lambda _frame: None)),
        }
        self._handlers = handlers
        forks.take_signals({*handlers, DUMP_SIGNAL})
        for signum, handler in handlers.items():
            signal.signal(signum, handler)
            # System calls of C code that knows no EINTR go on; Python's own retry anyway.  But
            # what is to end the process has to reach the interpreter: a read() that goes on
            # hides it.
            signal.siginterrupt(signum, signum in ENDS_AT_ONCE)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {*handlers, DUMP_SIGNAL, signal.SIGCHLD})

    def let_go(self) -> None:
        """In a child that is not ours: signals do what they do anywhere; crashes are logged."""
        faulthandler.unregister(DUMP_SIGNAL)
        signal.signal(DUMP_SIGNAL, signal.SIG_DFL)
        forks.default_signals(self._handlers)
        let_go_of_clients(self)

    def _interrupted(self) -> None:
        """Leave as `quit_now()`, after the hook."""
        if self.alive:
            hooks.call(self.cfg, "worker_int", self.view)
        self.quit_now()

    def _aborted(self, frame: FrameType | None) -> None:
        """Say what was being served and where, and leave; the arbiter kills us in a second."""
        self.cut_short()
        self.was_aborted = True
        LOGGER.critical(
            "Worker aborted (pid: %d) while serving: %s\n%s",
            os.getpid(),
            self.current_request() or self._idle_words(),
            all_stacks(frame, Worker.run.__code__),
        )
        hooks.call(self.cfg, "worker_abort", self.view)
        raise SystemExit(ABORTED)

    def _idle_words(self) -> str:
        is_loading = self.slot.state < State.READY
        return "no request, it loads the application" if is_loading else "no request"

    def _boot_failed(self, error: BootError | ConfigError) -> int:
        if not self.alive:
            # Told to go while it was loading, and `error` is only our SystemExit.
            return ABORTED if self.was_aborted else 0
        self.slot.note_failure(str(error))
        if isinstance(error, ConfigError):
            LOGGER.error("%s", error)
            return BootError.exit_code
        LOGGER.error("%s", boot.describe(error))
        return error.exit_code


def _with_jitter(requests: int, jitter: int) -> int:
    """Requests to serve, drawn so that workers started together do not leave together."""
    drawn = int.from_bytes(os.urandom(8)) % (jitter + 1)  # without the module `random`
    return requests + drawn if requests else 0
