"""A worker in a process that the application has forked from it: clients stay the parent's.

Runs in: worker
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from fastfork.workers.base import Worker

if TYPE_CHECKING:
    from fastfork.workers.reactor import ReactorWorker


def let_go_of_clients(worker: ReactorWorker) -> None:
    """See Worker.let_go; and close copies of connections, and of whatever ends a wait."""
    Worker.let_go(worker)
    if worker.hub is not None:
        worker.hub.let_go_of_all()
        worker.poller.close()
    for descriptor in (worker.wake_r, worker.wake_w):
        if descriptor >= 0:
            os.close(descriptor)
    worker.wake_r = worker.wake_w = -1
