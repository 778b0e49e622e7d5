"""A worker in a process that the application has forked from it: clients stay the parent's.

Runs in: worker
"""

from __future__ import annotations

import os
from typing import Any


def let_go_of_clients(worker: Any) -> None:
    """See Worker.let_go: close copies of connections, and of whatever ends a wait."""
    if getattr(worker, "hub", None) is not None:
        worker.hub.connections.let_go_of_all()
        worker.poller.close()
    for name in ("wake_r", "wake_w"):
        if getattr(worker, name, -1) >= 0:
            os.close(getattr(worker, name))
            setattr(worker, name, -1)
