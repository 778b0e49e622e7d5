"""What the death of a child means for the server.

Runs in: arbiter
"""

from __future__ import annotations

import logging
from typing import Protocol

from fastfork import clock
from fastfork.arbiter.children.backoff import HEALTHY_AFTER
from fastfork.arbiter.children.child import Child
from fastfork.arbiter.children.reap import LOST, LOST_STATUS, Death, is_there
from fastfork.arbiter.children.workers import Workers
from fastfork.arbiter.forking.forkserver import Forker
from fastfork.arbiter.hook_views import ServerView
from fastfork.arbiter.revisions import Revisions
from fastfork.arbiter.shutdown import BOOT_FAILURES, Shutdown
from fastfork.arbiter.upgrade import Upgrade
from fastfork.errors import BootError

log = logging.getLogger("fastfork.error")


class Server(Protocol):
    """As much of the arbiter as a death concerns."""

    server: ServerView
    workers: Workers
    revisions: Revisions
    shutdown: Shutdown
    upgrading: Upgrade


def judge_worker(server: Server, child: Child, death: Death) -> None:
    """Decide what a worker's death means: nothing, patience, the end of a reload, or the end."""
    if child.told:
        return
    now, workers = clock.now(), server.workers
    if child.ready_at is None:
        if server.revisions.rollout is not None and child.generation == workers.generation:
            server.revisions.fail(workers, f"the replacement did not start (pid: {child.pid})")
            return
        code = BootError.exit_code if child.overslept else death.code
        if not workers.ever_ready and code in BOOT_FAILURES:
            server.shutdown.give_up(code)
            return
    elif child.lived(now) >= HEALTHY_AFTER or child.slot.requests > 0:
        # The next one may start at once: the start is not what fails.  To wait after a request
        # that kills its worker would let one client keep the server from all others.
        return
    elif death.code == 0 and workers.backoff.left(now, 2 * workers.target):
        return  # somebody told it to go (kill PID)
    workers.note_failure()


def bury_forkserver(server: Server, forkserver: Forker, death: Death) -> None:
    """A forkserver has been reaped: note it, and decide what that means if a revision needs it."""
    pid, view = forkserver.pid, forkserver.view
    forkserver.bury()
    if view is not None:
        view.alive = False
        server.server.call_hook("child_exit", view)
    revisions, workers = server.revisions, server.workers
    if server.shutdown.asked is not None or not revisions.needs(forkserver):
        return
    log.log(death.level, "Template %s (pid: %s)", death.text, pid)
    code = BootError.exit_code if forkserver.overslept else death.code
    is_current = forkserver is revisions.current.forker
    if revisions.pending is not None and forkserver is revisions.pending.forker:
        revisions.fail(workers, "the new template did not start")
    elif is_current and not workers.ever_ready and code in BOOT_FAILURES:
        server.shutdown.give_up(code)
    elif revisions.rollout is not None and not revisions.rollout.previous.forker.is_gone:
        revisions.fail(workers, "the new template has died")
    else:
        workers.note_failure("The template died")


def bury_lost(server: Server) -> None:
    """Miss forkservers and the new program of an upgrade that other code has waited for."""
    for forkserver in server.revisions.forkservers():
        if forkserver.pid is not None and not is_there(forkserver.pid):
            bury_forkserver(server, forkserver, LOST)
    successor = server.upgrading.successor
    if successor is not None and not is_there(successor):
        server.upgrading.ended(LOST_STATUS)
