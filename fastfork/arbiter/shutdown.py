"""The way down: first perhaps not ready any more, then nobody new, then nobody.

Runs in: arbiter
"""

from __future__ import annotations

import logging
import signal
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final, Protocol

from fastfork import clock
from fastfork.arbiter import announce
from fastfork.arbiter.children.workers import KILL_MARGIN, Workers
from fastfork.arbiter.revisions import Revisions
from fastfork.arbiter.upgrade import Upgrade
from fastfork.errors import AppNotFound, BootError
from fastfork.ipc import Order, Scoreboard, ServerState, failure

if TYPE_CHECKING:
    from fastfork.config import Config

log = logging.getLogger("fastfork.error")

QUICK_GRACE: Final = 2.0  # seconds from SIGQUIT to SIGKILL, as gunicorn's quick shutdown
# What a SIGKILLed process may take to go (disk sleep) before the arbiter leaves without it.
LAST_WAIT: Final = 5.0  # seconds
# timeout(1) and some supervisors signal the process and then its group: one wish, not two.
SAME_WISH: Final = 0.1  # seconds
BOOT_FAILURES: Final[Mapping[int, str]] = MappingProxyType(
    {
        BootError.exit_code: "Worker failed to boot.",
        AppNotFound.exit_code: "App failed to load.",
    }
)  # gunicorn's words


class Server(Protocol):
    """As much of the arbiter as its end concerns."""

    workers: Workers
    revisions: Revisions
    upgrading: Upgrade
    scoreboard: Scoreboard

    @property
    def cfg(self) -> Config: ...  # noqa: D102


class Shutdown:
    """asked: when the server was first told to stop.  began: when its workers were.

    Both in seconds of `fastfork.clock`, None before.
    """

    def __init__(self, server: Server) -> None:
        self.asked: float | None = None
        self.began: float | None = None
        self.exit_code = 0
        self._server = server
        self._quick = False
        self._ends = 0.0

    def stop(self) -> None:
        """Let every worker finish, after `drain_delay`; asked again, do not wait for that."""
        now = clock.now()
        cfg = self._server.cfg
        if self.asked is None:
            self.asked = now
            if cfg.drain_delay:
                self._server.scoreboard.server_state = ServerState.DRAINING
                log.info("Draining: not ready any more, and serving for %g s", cfg.drain_delay)
            else:
                self._finish()
        elif self.began is None and now - self.asked > SAME_WISH:
            self._finish()
        elif self.began is not None and now - self.began > SAME_WISH:
            self.quit()

    def quit(self) -> None:
        """Stop without waiting for requests."""
        if not self._quick:
            log.info("Quick shutdown requested")
            self._quick = True
            self._dismiss(signal.SIGQUIT, QUICK_GRACE)

    def give_up(self, code: int) -> None:
        """No worker has ever started: end the server with the worker's exit code."""
        log.error("Stopping: no worker could start. Reason: %s", BOOT_FAILURES[code])
        reason = failure.noted(self._server.scoreboard.server) or BOOT_FAILURES[code]
        announce.no_worker_started(reason, self._server.cfg)
        self.exit_code = code
        self._quick = True
        self._dismiss(signal.SIGQUIT, QUICK_GRACE)

    def is_complete(self) -> bool:
        """Return whether there is nothing left to supervise."""
        if self.began is None:
            return False
        left = [child.pid for child in self._server.workers.children]
        left += [
            forkserver.pid for forkserver in self._server.revisions.forkservers() if forkserver.pid
        ]
        if left and clock.now() > self._ends + LAST_WAIT:
            pids = ", ".join(map(str, left))
            log.error("Leaving without processes that SIGKILL did not end (pid: %s)", pids)
            return True
        return not left

    def next_deadline(self) -> float:
        """When the drain is over; infinity when there is none."""
        if self.asked is None or self.began is not None:
            return float("inf")
        return self.asked + self._server.cfg.drain_delay

    def go_on(self) -> None:
        """Do what is due without a signal."""
        now = clock.now()
        if now >= self.next_deadline():
            self._finish()
        if self.began is not None and now > self._ends:
            for forkserver in self._server.revisions.forkservers():
                forkserver.send(signal.SIGKILL)

    def close_sockets(self) -> None:
        """Close our copies, once: a file of this name may be the next server's after that."""
        self._server.revisions.close(keep_files=self._server.upgrading.shares_sockets())

    def _finish(self) -> None:
        grace = self._server.cfg.graceful_timeout
        log.info("Stopping; running requests have %g s", grace)
        self._dismiss(signal.SIGTERM, grace + KILL_MARGIN)

    def _dismiss(self, signum: int, grace: float) -> None:
        """Stop listening and tell the workers to go within `grace` seconds.

        Nobody new comes in before they are told; they serve who waits in the accept queue.
        But what another arbiter listens on too, is that one's to serve.
        """
        server, now = self._server, clock.now()
        self._ends = now + grace
        is_alone = not server.upgrading.shares_sockets()
        if self.began is None:
            self.began = now
            self.asked = self.asked or now
            server.scoreboard.server_state = ServerState.STOPPING
            if is_alone:
                server.revisions.stop_accepting()
        server.workers.dismiss(signum, self._ends, Order.LAST if is_alone else Order.NONE)
        self.close_sockets()
