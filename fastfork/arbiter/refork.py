"""Refork: a worker that is warm becomes the forkserver, and the others are forked from it anew.

What an application loads and fills lazily, with its first requests, a forkserver that has never
answered one does not have: each worker then holds a copy of its own.  After `refork` requests
one worker is replaced, finishes what it has, and becomes the forkserver; a rollout replaces the
others by its children, which share what it has learned.  (Precedent: pitchfork.)

Runs in: both
"""

from __future__ import annotations

import faulthandler
import logging
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Final, Protocol, cast

from fastfork import forks, port
from fastfork.arbiter.children.child import Child
from fastfork.arbiter.children.workers import Workers
from fastfork.arbiter.forking.forkserver import Forkserver
from fastfork.arbiter.forking.spawn import Runnable
from fastfork.arbiter.hook_views import ServerView
from fastfork.arbiter.revisions import Revision, Revisions
from fastfork.errors import HookFailed
from fastfork.ipc import Order, Slot, State
from fastfork.ipc.descriptors import receive
from fastfork.process import boot
from fastfork.wsgi import hooks
from fastfork.wsgi.application import Application

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from fastfork.config import Config

log = logging.getLogger("fastfork.error")

# From "I am warm" to the channel is one turn of the arbiter's loop.
CHANNEL_TIMEOUT: Final = 30.0  # seconds


class Warm(Protocol):
    """A worker that can become a forkserver.  app: has the application that it has loaded."""

    app: Application
    view: object

    def run(self) -> int: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102


class Handover:
    """The way a channel goes from the arbiter to the worker that becomes a forkserver.

    Every worker inherits it, and only the one that was asked reads from it.
    """

    def __init__(self) -> None:
        self._ours, self._theirs = port.message_pair()
        forks.hold(self)

    def let_go(self) -> None:
        """Let go in a child that is not ours: it is no forkserver."""
        self._ours.close()
        self._theirs.close()

    def give(self) -> socket.socket:
        """Send one end of a new channel.  Returns the other.  Raises OSError."""
        self._theirs.setblocking(False)
        with suppress(BlockingIOError):
            _, left = receive(self._theirs, 1, 1)
            for descriptor in left:  # nobody came for it
                socket.close(descriptor)
        ours, theirs = port.message_pair()
        with theirs:
            self._ours.settimeout(CHANNEL_TIMEOUT)
            socket.send_fds(self._ours, [b"!"], [theirs.fileno()])
        return ours

    def take(self) -> socket.socket:
        """Wait for the channel.  Raises OSError.  Runs in: worker."""
        self._theirs.settimeout(CHANNEL_TIMEOUT)
        _, descriptors = receive(self._theirs, 1, 1)
        return socket.socket(fileno=descriptors[0])


class Refork:
    """The arbiter's side: choose a worker, and take it for a forkserver when it is one."""

    def __init__(self, revisions: Revisions, workers: Workers) -> None:
        self._revisions = revisions
        self._workers = workers
        self._candidate: Child | None = None

    def step(self, cfg: Config, handover: Handover | None) -> None:
        """Do what is due in this turn: choose, or propose the revision with the new forkserver."""
        revisions = self._revisions
        if handover is None:
            return
        if self._candidate is not None:
            self._look_at(self._candidate, handover)
        elif cfg.refork and not revisions.current.was_reforked and revisions.is_settled():
            self._choose(cfg.refork)

    def _choose(self, requests: int) -> None:
        """Ask the worker with the most requests, if it has enough of them."""
        may = [c for c in self._workers.children if c.ready_at is not None and not c.leaving]
        child = max(may, key=lambda c: c.slot.requests, default=None)
        if child is None or child.is_spent or child.slot.requests < requests:
            return
        self._revisions.current.was_reforked = True
        self._candidate = child
        child.is_spent = True  # its replacement comes first
        child.last_order = Order.WARM
        log.info("Worker is warm and becomes the template (pid: %d)", child.pid)

    def _look_at(self, child: Child, handover: Handover) -> None:
        if child not in list(self._workers.children):
            log.warning("The worker that was to be the template has ended; there is no refork")
            self._candidate = None
            return
        if child.slot.state != State.WARM:
            return
        self._candidate = None
        self._workers.children.pop(child.pid)
        child.slot.clear()
        try:
            forker = Forkserver(
                child.pid,
                handover.give(),
                view=child.view,
                grace=self._revisions.current.cfg.graceful_timeout,
            )
        except OSError as error:
            log.error("Cannot speak to the new template: %s", error.strerror)
            return
        current = self._revisions.current
        revision = Revision(current.loaded, current.endpoints, forker)
        revision.was_reforked = revision.is_warm = True
        self._revisions.propose(revision)


class Promotable:
    """A worker's life, and perhaps its second one as a forkserver.  Runs in: worker.

    worker: it; lived: the same in its hooks.  become(app, channel): be a forkserver.
    is_warm: it was forked from a warm one.
    """

    def __init__(
        self,
        *,
        server: ServerView,
        worker: Runnable,
        lived: Runnable,
        slot: Slot,
        handover: Handover,
        become: Callable[[WSGIApplication, socket.socket], int],
        is_warm: bool,
    ) -> None:
        self._server = server
        self._worker: Warm | None = cast("Warm", worker)
        self._lived: Runnable | None = lived
        self._slot = slot
        self._handover = handover
        self._become = become
        self._is_warm = is_warm

    def run(self) -> int:
        """See Worker.run."""
        assert self._worker is not None
        assert self._lived is not None
        cfg, worker = self._server.cfg, self._worker
        try:
            if self._is_warm:
                hooks.must(cfg, "after_refork", self._server, worker.view)
            code = self._lived.run()
            if code != 0 or self._slot.order != Order.WARM or worker.app.callable is None:
                return code
            hooks.must(cfg, "before_refork", self._server, worker.view)
        except HookFailed as error:
            log.error("%s", boot.describe(error))
            return error.exit_code
        # Not worker.wsgi: what hooks and agents have put around it, they do again in each worker.
        app = worker.app.callable
        worker.close()
        # Nothing of the worker's life may be in the memory of those that come.
        self._worker = self._lived = worker = None  # type: ignore[assignment]
        faulthandler.cancel_dump_traceback_later()  # the hard end of its drain
        self._slot.state = State.WARM
        return self._become(app, self._handover.take())
