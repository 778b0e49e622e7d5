"""Who forks workers: the arbiter itself, or a forkserver that has loaded the application.

The arbiter never loads the application, so that a reload can bring new code.  With
`preload_app` it forks a *forkserver*, which loads the application and from then on forks a
worker whenever it is asked to.  forkserver_process.py is the other end.  Log lines, ps(1) and the
pages for users call that process the template.

Runs in: arbiter
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import struct
from collections.abc import Callable, Sequence, Set
from contextlib import suppress
from typing import Final, Protocol

from fastfork import clock, forks, port, unpatched
from fastfork.arbiter.forking.spawn import HookedWorker, Runnable, spawn
from fastfork.ipc import SignalMailbox
from fastfork.net import Listener
from fastfork.records import record

log = logging.getLogger("fastfork.error")

# A forkserver has nothing to do but to fork.  Longer than this, a thread of the application holds
# the interpreter, or memory is gone.
FORK_TIMEOUT: Final = 10.0  # seconds
KILL_AFTER: Final = 1.0  # seconds from SIGABRT to SIGKILL
# After SIGTERM: what is left of an import, and threads that are no daemons.  Exit handlers have
# graceful_timeout.
EXIT_GRACE: Final = 2.0  # seconds
READY: Final = b"ready"
GO: Final = b"!"  # to a worker that the arbiter knows
REPLY: Final = struct.Struct("=q")  # the worker's pid, or minus an errno


@record(frozen=True)
class Job:
    """Which worker to fork.

    nr: its number.  age: counts the forks.  socket_index: see net/endpoints.py.
    """

    nr: int
    age: int
    socket_index: int


# Builds the worker, in the worker's process.
MakeWorker = Callable[[Job, HookedWorker | None, Sequence[Listener]], Runnable]


class Forker(Protocol):
    """Who forks the workers of a revision.

    pid: its process, None when that is the arbiter.  overslept: it loaded the application for
    longer than boot_timeout.  view: what hooks are given for it, if anything.  has_app: workers
    need not load the application.
    """

    pid: int | None
    has_app: bool
    overslept: bool
    view: HookedWorker | None

    @property
    def sent(self) -> Set[int]: ...  # noqa: D102

    @property
    def is_ready(self) -> bool: ...  # noqa: D102
    @property
    def is_gone(self) -> bool: ...  # noqa: D102
    def watch_loading(self, boot_timeout: float) -> None: ...  # noqa: D102
    def fork(  # noqa: D102
        self, job: Job, view: HookedWorker | None, listeners: Sequence[Listener]
    ) -> int: ...
    def close(self) -> None: ...  # noqa: D102
    def send(self, signum: int) -> None: ...  # noqa: D102
    def bury(self) -> None: ...  # noqa: D102


class OwnForker:
    """The arbiter forks by itself, and each worker loads the application."""

    pid: int | None = None
    has_app = False
    view: HookedWorker | None = None
    sent: Set[int] = frozenset()
    is_ready = True
    is_gone = False
    overslept = False

    def __init__(self, make: MakeWorker, mailbox: SignalMailbox) -> None:
        self._make = make
        self._mailbox = mailbox

    def fork(self, job: Job, view: HookedWorker | None, listeners: Sequence[Listener]) -> int:
        """Fork a worker.  Returns its pid; raises OSError."""
        return spawn(lambda: self._make(job, view, listeners), self._mailbox)

    def close(self) -> None:
        """Do nothing: there is nothing to close."""

    def send(self, signum: int) -> None:
        """Do nothing: there is nobody to signal."""

    def watch_loading(self, boot_timeout: float) -> None:
        """Do nothing: nothing is loaded here."""

    def bury(self) -> None:
        """The arbiter does not bury itself."""


class NoForker(OwnForker):
    """Stands where there is none yet."""

    is_ready = False

    def __init__(self) -> None:
        """Forks nobody."""


class Forkserver:
    """A forkserver process, as the arbiter sees it.

    told: it was told to go.  sent: every signal that the arbiter has sent it.
    view: what hooks are given for it.  grace: seconds that its exit handlers have.
    """

    has_app = True

    def __init__(
        self,
        pid: int,
        channel: socket.socket,
        *,
        view: HookedWorker | None = None,
        grace: float = 0.0,
    ) -> None:
        self.pid: int | None = pid
        self.view = view
        self._grace = grace
        self._kill_at = float("inf")
        self.told = False
        self.sent: set[int] = set()
        self.overslept = False
        self._began = clock.now()
        self._channel = channel
        self._is_ready = False
        forks.hold(self)

    def let_go(self) -> None:
        """Let go in a child that is not ours: leave the forkserver alone."""
        self._channel.close()

    @classmethod
    def start(
        cls,
        make_process: Callable[[socket.socket], Runnable],
        mailbox: SignalMailbox,
        *,
        view: HookedWorker | None = None,
        grace: float = 0.0,
    ) -> Forkserver:
        """Fork a forkserver.  make_template(channel): builds it, in its process."""
        ours, theirs = port.message_pair()

        def make() -> Runnable:
            ours.close()
            return make_process(theirs)

        try:
            pid = spawn(make, mailbox)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        if view is not None:
            view.pid = pid
        return cls(pid, ours, view=view, grace=grace)

    @property
    def is_ready(self) -> bool:
        """Whether it has loaded the application.  Never waits."""
        if not self._is_ready and self._channel.fileno() >= 0:
            self._channel.setblocking(False)
            with suppress(OSError):
                self._is_ready = self._channel.recv(64) == READY
        return self._is_ready

    def fork(self, job: Job, view: HookedWorker | None, listeners: Sequence[Listener]) -> int:
        """Have a worker forked, whose parent is the arbiter.  Returns its pid.

        Waits for the answer, FORK_TIMEOUT at most: it takes as long as two forks.
        Raises OSError; when the forkserver does not answer, it is killed.
        """
        import pickle  # here, and below: only with preload_app

        addresses = [listener.address for listener in listeners]
        request = pickle.dumps((job, _portable(view), addresses))
        descriptors = [one.sock.fileno() for one in listeners]
        # The worker begins its life when it is told to, and ends when the other end is closed
        # without a word: there is none that the arbiter does not know.
        leash, ours = os.pipe()
        try:
            pid = self._ask(request, [leash, *descriptors])
            os.write(ours, GO)
            return pid
        finally:
            unpatched.close(leash)
            unpatched.close(ours)

    def _ask(self, request: bytes, descriptors: Sequence[int]) -> int:
        """Have the forkserver fork.  Returns the pid; raises OSError."""
        self._channel.settimeout(FORK_TIMEOUT)
        try:
            socket.send_fds(self._channel, [request], descriptors)
            reply = self._channel.recv(REPLY.size)
        except TimeoutError:
            self.send(signal.SIGKILL)
            raise OSError(errno.ETIMEDOUT, "the template does not answer; it is killed") from None
        if len(reply) != REPLY.size:
            raise OSError(errno.EPIPE, "the template has gone")
        (pid,) = REPLY.unpack(reply)
        if pid < 0:
            raise OSError(-pid, os.strerror(-pid))
        return int(pid)

    def close(self) -> None:
        """Tell it to go: nothing more is forked from it.  Called again, see to it that it does."""
        now = clock.now()
        if not self.told:
            self.told = True
            # While it loads it has nothing to end, but may be deaf.
            grace = EXIT_GRACE + (EXIT_GRACE + self._grace if self.is_ready else 0.0)
            self._kill_at = now + grace + KILL_AFTER
            self._channel.close()
            self.send(signal.SIGTERM)
        elif now >= self._kill_at and self.pid is not None:
            self._kill_at = float("inf")
            log.warning("Template did not go in time; killing it (pid: %d)", self.pid)
            self.send(signal.SIGKILL)

    def send(self, signum: int) -> None:
        """Signal it, if it is there."""
        if self.pid is not None:
            self.sent.add(signum)
            with suppress(ProcessLookupError):
                os.kill(self.pid, signum)

    def watch_loading(self, boot_timeout: float) -> None:
        """End it when it has loaded the application for `boot_timeout` seconds; 0 = never."""
        loading = clock.now() - self._began
        if not boot_timeout or loading <= boot_timeout or self.is_ready:
            return
        if not self.overslept:
            self.overslept = True
            log.error(
                "The template has loaded the application for more than boot_timeout, %g s; it is "
                "ended (pid: %s)",
                boot_timeout,
                self.pid,
            )
            self.send(signal.SIGABRT)  # prints its stacks
        elif loading > boot_timeout + KILL_AFTER:
            self.send(signal.SIGKILL)

    @property
    def is_gone(self) -> bool:
        """Whether the process has ended."""
        return self.pid is None

    def bury(self) -> None:
        """It has been reaped: its pid may be another process's from now on."""
        self.pid = None
        self._is_ready = False
        self._channel.close()


def _portable(view: HookedWorker | None) -> dict[str, object]:
    """Return what hooks have set on the view of a worker, as far as it can be sent."""
    import pickle  # as above

    found = {}
    for name, value in ({} if view is None else view.given()).items():
        try:
            pickle.dumps(value)
        except Exception:
            log.warning(
                "pre_fork: worker.%s (%s) cannot be sent to the template; with preload_app the "
                "worker does not have it",
                name,
                type(value).__name__,
            )
        else:
            found[name] = value
    return found
