"""What hooks that were written for gunicorn ask of `worker`, besides what a worker has anyway.

Runs in: worker
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fastfork.config import Config
    from fastfork.ipc import Slot
    from fastfork.net import Listener

__all__ = ["Heartbeat", "WorkerView"]


class Heartbeat:
    """`worker.tmp`: gunicorn has a file for it, here it is a number on the scoreboard."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    def notify(self) -> None:
        """Say that the worker is alive."""
        self._slot.beat()

    def last_update(self) -> float:
        """When it last said so, in seconds of time.monotonic()."""
        return self._slot.heartbeat_ns / 1e9

    def close(self) -> None:
        """Nothing: the number stays where it is."""


class WorkerView:
    """gunicorn's names for what a worker knows."""

    if TYPE_CHECKING:
        arbiter_pid: int
        cfg: Config
        listeners: Sequence[Listener]
        slot: Slot

    reloader = None  # the arbiter watches over the code, not each worker

    @property
    def pid(self) -> int:
        """This process."""
        return os.getpid()

    @property
    def ppid(self) -> int:
        """The arbiter's pid."""
        return self.arbiter_pid

    @property
    def timeout(self) -> float:
        """Seconds of silence after which the arbiter ends this worker."""
        return self.cfg.timeout

    @property
    def nr(self) -> int:
        """Requests that it has answered or is answering."""
        return self.slot.requests

    @property
    def sockets(self) -> list[socket.socket]:
        """The listening sockets."""
        return [listener.sock for listener in self.listeners]

    @property
    def tmp(self) -> Heartbeat:
        """The heartbeat."""
        return Heartbeat(self.slot)

    def notify(self) -> None:
        """Say that it is alive, in the middle of something long."""
        self.slot.beat()

    def __str__(self) -> str:
        return f"<Worker {self.pid}>"
