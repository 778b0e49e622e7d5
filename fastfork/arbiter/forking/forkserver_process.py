"""The forkserver: a process that has loaded the application, and forks workers when told to.

Users know it as the template (docs/explanation/template.md).

A worker must be the arbiter's child: the arbiter reaps it, and the kernel tells it when the
arbiter dies.  So the forkserver forks twice.  The process in the middle ends at once, and the
worker's parent is then the arbiter, which has declared itself the reaper of its descendants
(prctl(2), PR_SET_CHILD_SUBREAPER).

Listening sockets come with each request, since those of today need not be those that were
there when the forkserver was made.

Runs in: both (in a process of its own, forked by the arbiter, or by the forkserver before it)
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Final

from fastfork import clock, forks, logs, unpatched
from fastfork.arbiter.forking.forkserver import EXIT_GRACE, GO, READY, REPLY, Job
from fastfork.arbiter.forking.spawn import Runnable, held_back, live
from fastfork.errors import BootError, ConfigError
from fastfork.ipc import SignalMailbox
from fastfork.ipc.descriptors import receive
from fastfork.net import Listener
from fastfork.process import boot, inherited, parent, privileges, streams, title
from fastfork.process.reclaim import Aside
from fastfork.wsgi import variables

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from fastfork.config import Config

log = logging.getLogger("fastfork.error")

MOST_DESCRIPTORS: Final = 253  # in a message, unix(7) SCM_RIGHTS
REQUEST_BYTES: Final = 1 << 16
# From the end of the process in the middle to the new parent is one scheduling of the kernel's.
ADOPTION_TIMEOUT: Final = 10.0  # seconds
ADOPTION_LOOK: Final = 0.0005

NAMED_THREADS: Final = 5  # in the warning of them

# Builds a worker from an application that is there already.
MakeFromApp = Callable[["WSGIApplication", Job, Mapping[str, object], Sequence[Listener]], Runnable]


class ForkserverProcess:
    """One forkserver process; `run()` is its life.

    channel: from the arbiter.  load: loads the application.  make: builds a worker.  prepare:
    see Worker; called before the application is loaded.  note_failure: keeps the line that says
    why it was not.
    """

    def __init__(
        self,
        *,
        channel: socket.socket,
        cfg: Config,
        mailbox: SignalMailbox,
        arbiter_pid: int,
        load_app: Callable[[], WSGIApplication],
        make: MakeFromApp,
        close_inherited: Callable[[], None],
        prepare: Callable[[], None],
        note_failure: Callable[[str], None],
    ) -> None:
        self.channel = channel
        self.cfg = cfg
        self.mailbox = mailbox
        self.arbiter_pid = arbiter_pid
        self.load_app = load_app
        self.make = make
        self.close_inherited = close_inherited
        self.prepare = prepare
        self.note_failure = note_failure
        self.told_to_go = False
        self.handled: set[int] = set()
        self._aside: Aside
        self._leaves = False  # a SystemExit that a log call meets is a signal handler's
        self._handlers: dict[int, Callable[[int, FrameType | None], None]] = {}
        forks.hold(self)

    def run(self) -> int:
        """Load the application, then fork until the arbiter says no more.  The exit code."""
        self.close_inherited()
        parent.signal_at_parents_death(signal.SIGTERM)
        if os.getppid() != self.arbiter_pid:
            return 0
        logs.let_pass_when(lambda: self._leaves)
        self.install_handlers()
        cfg = self.cfg
        self.show()
        log.info("Template loads the application (pid: %d)", os.getpid())
        try:
            if privileges.become(cfg.user, cfg.group, initgroups=cfg.initgroups):
                parent.signal_at_parents_death(signal.SIGTERM)
            boot.enter(cfg.chdir, cfg.pythonpath, variables.for_application(cfg))
            self.prepare()
            app = boot.load(self.load_app)
        except (BootError, ConfigError) as error:
            if self.told_to_go:
                return 0
            log.error("%s", boot.describe(error) if isinstance(error, BootError) else error)
            self.note_failure(str(error))
            return error.exit_code if isinstance(error, BootError) else BootError.exit_code
        if cfg.daemon and not cfg.enable_stdio_inheritance:
            streams.leave_terminal()
        _tell_of_threads()
        return self.serve(app)

    def show(self) -> None:
        """Say in the process title what this is."""
        title.set_title("template", self.cfg.proc_name, self.cfg.wsgi_app)

    def serve(self, app: WSGIApplication) -> int:
        """Fork a worker for each request on the channel, until the arbiter closes it."""
        self.take_back()
        if os.getppid() != self.arbiter_pid:
            return 0  # it died while the application said what should happen then
        inherited.freeze()
        log.info("Template ready (pid: %d)", os.getpid())
        try:
            self.channel.sendall(READY)
            self.mailbox.ring()
            while True:
                request, descriptors = receive(self.channel, REQUEST_BYTES, MOST_DESCRIPTORS)
                if not request:
                    return 0
                self.channel.sendall(REPLY.pack(self._fork(app, request, descriptors)))
        except (BrokenPipeError, ConnectionResetError):
            return 0  # the arbiter has gone, or has another forkserver
        finally:
            self.told_to_go = True  # SIGTERM must not raise in the middle of exit handlers
            faulthandler.dump_traceback_later(
                self.cfg.graceful_timeout + EXIT_GRACE, exit=True, file=logs.error_stream()
            )
            _let_threads_end()

    def take_back(self) -> None:
        """Have again what the application may have taken while it was loaded.

        Signals, timers, the parent's death, and sockets: socket.setdefaulttimeout() is for those
        that it makes.
        """
        self.install_handlers()
        self._aside = Aside(self.handled)
        parent.signal_at_parents_death(signal.SIGTERM)
        self.channel.settimeout(None)

    def _fork(self, app: WSGIApplication, request: bytes, descriptors: list[int]) -> int:
        """Fork one worker.  Returns its pid, or minus an errno."""
        import pickle  # here: not in a worker

        leash, *descriptors = descriptors
        job, given, addresses = pickle.loads(request)  # noqa: S301 - from the arbiter, over a private pair
        sockets = [socket.socket(fileno=fd) for fd in descriptors]
        listeners = [Listener(*pair) for pair in zip(sockets, addresses, strict=True)]
        try:
            with held_back(self.mailbox.signums):
                return fork_for(
                    self.arbiter_pid,
                    lambda: live(lambda: self.make(app, job, given, listeners), self.mailbox),
                    in_child=lambda: self._leave_to(leash),
                )
        except OSError as error:
            return -(error.errno or 1)
        finally:
            unpatched.close(leash)
            for sock in sockets:
                sock.close()

    def _leave_to(self, leash: int) -> None:
        """Be nothing of this forkserver's any more.  Runs in: worker.

        When the arbiter does not know of it, because one of us has failed meanwhile, the worker
        ends before it has begun.
        """
        self.channel.close()
        self._aside.give_back()
        if os.read(leash, 1) != GO:
            os._exit(0)
        unpatched.close(leash)

    def install_handlers(self) -> None:
        """Replace the handlers of whoever forked us, then let the blocked signals in."""
        faulthandler.enable(file=logs.error_stream())  # SIGABRT becomes ours below
        handlers: dict[int, Callable[[int, FrameType | None], None]] = {
            **dict.fromkeys(self.mailbox.signums, lambda _signum, _frame: None),
            **dict.fromkeys((signal.SIGTERM, signal.SIGINT, signal.SIGQUIT), self._go),
            signal.SIGUSR1: lambda _signum, _frame: logs.reopen(),
            signal.SIGABRT: self._overslept,
        }
        handlers.pop(signal.SIGCHLD, None)
        self._handlers = handlers
        forks.take_signals(handlers)
        for signum, handler in handlers.items():
            unpatched.set_handler(signum, handler)
        if signal.getsignal(signal.SIGCHLD) != signal.SIG_DFL:  # gevent's handler, in C, may stay
            unpatched.set_handler(signal.SIGCHLD, signal.SIG_DFL)
        self.handled = {*handlers, signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self.handled)

    def let_go(self) -> None:
        """Be no forkserver, in a child that the application forks while it is loaded."""
        forks.default_signals(self._handlers)
        self.channel.close()

    def _overslept(self, _signum: int, _frame: FrameType | None) -> None:
        """End the import; its traceback says where it hung.  The arbiter kills what ignores it."""
        self._leaves = True
        raise SystemExit(BootError.exit_code)

    def _go(self, _signum: int, _frame: FrameType | None) -> None:
        if not self.told_to_go:
            self.told_to_go = self._leaves = True
            faulthandler.dump_traceback_later(EXIT_GRACE, exit=True, file=logs.error_stream())
            raise SystemExit(0)


def fork_for(adopter: int, live_there: Callable[[], object], in_child: Callable[[], None]) -> int:
    """Fork a process whose parent is `adopter`, a subreaper above us.  Returns its pid.

    live_there: its life, which must not return.  in_child: called first in it.
    Raises OSError.  Call it with the signals held back that the new process handles itself.
    """
    pid = forks.fork_orphan()
    if pid:
        return pid
    try:
        in_child()
        _wait_for(adopter)
        live_there()
    finally:
        os._exit(0)


def _wait_for(adopter: int) -> None:
    """Return when `adopter` is our parent.  It never comes if it has died: leave then."""
    deadline = clock.now() + ADOPTION_TIMEOUT
    while os.getppid() != adopter:
        if clock.now() > deadline:
            os._exit(0)
        unpatched.sleep(ADOPTION_LOOK)


def _let_threads_end() -> None:
    """Wait for threads that are no daemons, as the interpreter does, but not for ever: then exit
    handlers run all the same."""

    def overdue(_signum: int, _frame: FrameType | None) -> None:
        raise TimeoutError

    unpatched.set_handler(signal.SIGALRM, overdue)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    signal.setitimer(signal.ITIMER_REAL, EXIT_GRACE)
    try:
        threading._shutdown()  # type: ignore[attr-defined]
    except TimeoutError:
        log.warning("Template leaves while a thread of the application runs (pid: %d)", os.getpid())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _tell_of_threads() -> None:
    """Warn of threads that the application started too early: a fork copies none of them.

    Some libraries start theirs again in the child (os.register_at_fork), which cannot be seen
    from here: agents do, of those that are known OpenTelemetry's, Elastic's and Datadog's.
    """
    here = threading.current_thread()
    names = [thread.name for thread in threading.enumerate() if thread is not here]
    if names:
        log.warning(
            "preload_app: the application started %d thread(s) while it was loaded, and a fork "
            "copies none: %s. Their library may start them again in each worker, as "
            "OpenTelemetry's and Elastic's do; else start them in post_fork",
            len(names),
            ", ".join(names[:NAMED_THREADS]) + (", ..." if names[NAMED_THREADS:] else ""),
        )
