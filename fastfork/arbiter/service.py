"""What is told to whoever started us, once a turn of the loop: the service manager, the terminal.

Ready means that a worker has loaded the application and answers, not that sockets are open.

Runs in: arbiter
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from fastfork import clock
from fastfork.process import title
from fastfork.process.notify import Notifier
from fastfork.records import record

if TYPE_CHECKING:
    from fastfork.arbiter.children.workers import Workers
    from fastfork.config import Config

# sd_watchdog_enabled(3) recommends half of the time.
WATCHDOG_SHARE: Final = 0.5


@record(frozen=True)
class Facts:
    """The state of the server.

    can_answer: a worker has ever been ready.  is_second: the old program of an upgrade is still
    the server, for the service manager too.
    """

    can_answer: bool
    is_reloading: bool
    is_stopping: bool
    is_second: bool
    ready: int
    wanted: int

    def status(self) -> str:
        """Return one line for people."""
        if self.is_stopping:
            return f"stopping, {self.ready} left" if self.ready else "stopping"
        text = f"{self.ready}/{self.wanted} ready"
        return f"reloading, {text}" if self.is_reloading else text


def facts(workers: Workers, *, is_reloading: bool, is_stopping: bool, is_second: bool) -> Facts:
    """Return the state as the workers show it."""
    ready = sum(1 for child in workers.children if child.ready_at is not None)
    return Facts(workers.ever_ready, is_reloading, is_stopping, is_second, ready, workers.target)


class Service:
    """Remembers what was told, and tells what is new.

    on_ready: called once, when the server answers for the first time.
    """

    def __init__(self, on_ready: Callable[[], None]) -> None:
        self.notifier = Notifier(os.environ, os.getpid())
        self._on_ready: Callable[[], None] | None = on_ready
        self._ready_is_due = True  # READY is to be said: after the start, after each reload
        self._stopping_told = False
        self._is_over = False
        self._status = ""
        self._next_alive = 0.0

    def reloading(self) -> None:
        """A reload begins, or a refused one: either way READY follows."""
        self.notifier.reloading()
        self._ready_is_due = True

    def hand_over(self, successor: int) -> None:
        """This arbiter stops, and the new program of an upgrade is the server from now on."""
        if not self._is_over:
            self._is_over = True
            self.notifier.main_pid(successor)

    def take_over(self) -> None:
        """The old program has gone, and the manager listens to this one."""
        self._ready_is_due = True

    def wait(self, now: float) -> float:
        """Return the seconds until `turn` has to be called."""
        return max(0.0, self._next_alive - now) if self._watchdog else float("inf")

    def turn(self, state: Facts, cfg: Config) -> None:
        """Tell what has changed.  Never waits."""
        status = state.status()
        if status != self._status:
            title.set_title("arbiter", cfg.proc_name, cfg.wsgi_app, status)
        if state.can_answer and self._on_ready is not None:
            on_ready, self._on_ready = self._on_ready, None
            on_ready()
        if not self.notifier.is_wanted or self._is_over or state.is_second:
            self._status = status
            return
        if self._watchdog and clock.now() >= self._next_alive:
            self._next_alive = clock.now() + self._watchdog
            self.notifier.alive()
        if state.is_stopping and not self._stopping_told:
            self._stopping_told = True
            self.notifier.stopping()
        if self._ready_is_due and self._may_say_ready(state):
            self._ready_is_due = False
            self.notifier.ready(status)
        elif status != self._status:
            self.notifier.status(status)
        self._status = status
        self.notifier.flush()

    @property
    def _watchdog(self) -> float:
        return (self.notifier.watchdog_seconds or 0.0) * WATCHDOG_SHARE

    def _may_say_ready(self, state: Facts) -> bool:
        return state.can_answer and not state.is_reloading and not state.is_stopping
