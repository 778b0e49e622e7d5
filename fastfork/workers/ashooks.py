"""The `worker` of hooks in its own process: gunicorn's names for what a worker knows.

An object of its own: hooks set attributes on it as they like (`worker.current_request = req`), and
what they call theirs must not take the place of something that the worker needs.

Runs in: worker
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING, Protocol

from fastfork import logs
from fastfork.ipc import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Sequence
    from wsgiref.types import WSGIApplication

    from fastfork.config import Config
    from fastfork.ipc import Slot
    from fastfork.net import Listener
    from fastfork.wsgi.application import Application

__all__ = ["WorkerView"]


class ViewedWorker(Protocol):
    """As much of a worker as hooks see: its attributes are described at Worker."""

    number: int
    age: int
    cfg: Config
    log: logs.Logger
    arbiter_pid: int
    app: Application
    wsgi: WSGIApplication | None
    booted: bool
    was_aborted: bool
    slot: Slot
    max_requests: int
    listeners: Sequence[Listener]

    def stays(self) -> bool: ...
    def ask_for_replacement(self) -> None: ...


class WorkerView:
    """A view of `worker`.  docs/reference/hooks.md has the list."""

    reloader = None  # the arbiter watches over the code, not each worker

    def __init__(self, worker: ViewedWorker) -> None:
        self._worker = worker
        self.number = worker.number
        self.age = worker.age

    @property
    def cfg(self) -> Config:
        """The settings that it was started with."""
        return self._worker.cfg

    @property
    def log(self) -> logs.Logger:
        """The error log."""
        return self._worker.log

    @property
    def pid(self) -> int:
        """This process."""
        return os.getpid()

    @property
    def ppid(self) -> int:
        """The arbiter's pid."""
        return self._worker.arbiter_pid

    @property
    def timeout(self) -> float:
        """Seconds of silence after which the arbiter ends this worker."""
        return self.cfg.timeout

    @property
    def app(self) -> Application:
        """The application, and how it is loaded."""
        return self._worker.app

    @property
    def wsgi(self) -> WSGIApplication | None:
        """The application that is served; what post_worker_init puts there is."""
        return self._worker.wsgi

    @wsgi.setter
    def wsgi(self, app: WSGIApplication) -> None:
        self._worker.wsgi = app

    @property
    def booted(self) -> bool:
        """Whether it has loaded the application."""
        return self._worker.booted

    @property
    def alive(self) -> bool:
        """False once it goes, at once or when its requests end.

        Set to False, it has the worker replaced: that is how files for gunicorn end one that
        has grown too large.
        """
        return self._worker.stays()

    @alive.setter
    def alive(self, wanted: bool) -> None:
        if not wanted:
            self._worker.ask_for_replacement()

    @property
    def aborted(self) -> bool:
        """Whether it is ended for its silence."""
        return self._worker.was_aborted

    @property
    def nr(self) -> int:
        """Requests that it has answered or is answering."""
        return self._worker.slot.requests

    @property
    def max_requests(self) -> int:
        """After how many it is replaced, 0 for never."""
        return self._worker.max_requests

    @property
    def sockets(self) -> list[socket.socket]:
        """The listening sockets."""
        return [listener.sock for listener in self._worker.listeners]

    @property
    def tmp(self) -> Heartbeat:
        """The heartbeat."""
        return Heartbeat(self._worker.slot)

    def notify(self) -> None:
        """Say that it is alive, in the middle of something long."""
        self._worker.slot.beat()

    def __str__(self) -> str:
        return f"<Worker {self.pid}>"
