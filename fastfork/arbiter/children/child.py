"""The book of worker processes: who lives under which number, and how far each has come.

Runs in: arbiter
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from fastfork import clock
from fastfork.ipc import Order, Slot, State
from fastfork.records import field, record

if TYPE_CHECKING:
    from fastfork.arbiter.forking.spawn import HookedWorker

REMIND_AFTER: Final = 1.0  # seconds; a worker that has heard says so on the scoreboard at once


@record(eq=False, kw_only=True)
class Child:
    """One worker process as the arbiter sees it.  Times are seconds of `fastfork.clock`.

    generation: the settings it was started with; a reload begins the next one.
    leaving: it goes, told by us or by itself (max_requests), and no longer counts.
    told: the arbiter made it leave.
    kill_at: SIGKILL then, if it is still there.
    stalled_at, stall_signals: found silent then, and signals of the escalation sent since.
    loading_told: how many times `timeout` its loading had lasted when that was last logged.
    overslept: it loaded the application for longer than `boot_timeout`.
    is_spent: it serves, and is to be replaced for a reason of its own (max_requests, max_rss).
    is_too_large: that reason is max_rss.
    told_by, remind_at: the signal by which, and when to send it once more if it goes on as before.
    last_order: what it is to do when it has finished.
    socket_index: which listening sockets it has, when each worker has its own (reuse_port).
    sent: every signal that the arbiter has sent it.
    view: what hooks are given for it.
    """

    pid: int
    nr: int
    age: int
    generation: int
    spawned_at: float
    slot: Slot
    ready_at: float | None = None
    leaving: bool = False
    told: bool = False
    kill_at: float | None = None
    told_by: int = 0
    remind_at: float | None = None
    stalled_at: float | None = None
    stall_signals: int = 0
    loading_told: int = 0
    overslept: bool = False
    is_spent: bool = False
    is_too_large: bool = False
    socket_index: int = 0
    last_order: Order = Order.NONE
    sent: set[int] = field(default_factory=set)
    view: HookedWorker | None = None

    def observe(self, now: float) -> State:
        """Read its state from the scoreboard and note what is new."""
        state = self.slot.state
        if state >= State.READY and self.ready_at is None:
            self.ready_at = now
        return state

    def found_silent(self, now: float) -> None:
        """Note that it is to be ended for its silence; hooks see it at worker.aborted."""
        self.stalled_at = now
        if self.view is not None:
            self.view.aborted = True

    def is_outdated(self, generation: int) -> bool:
        """Return whether it is to be replaced while workers of `generation` are wanted."""
        return self.is_spent or self.generation != generation

    def lived(self, now: float) -> float:
        """Return the seconds since it was ready; 0 if it never was."""
        return now - self.ready_at if self.ready_at is not None else 0.0

    def send(self, signum: int) -> None:
        """Signal it.  Its pid cannot be another process's before it is reaped."""
        self.sent.add(signum)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signum)

    def leave(self, signum: int, kill_at: float, order: Order = Order.NONE) -> None:
        """Tell it to go; an earlier deadline stays."""
        self.leaving = self.told = True
        if order or self.last_order:
            self.slot.order = self.last_order or order  # before the signal: it looks there then
        self.kill_at = kill_at if self.kill_at is None else min(self.kill_at, kill_at)
        if signal.SIGKILL not in self.sent:
            self.told_by, self.remind_at = signum, clock.now() + REMIND_AFTER
            self.send(signum)

    def remind(self, now: float) -> None:
        """Tell it once more if it goes on as if nothing had been said.

        A signal that comes between the interpreter's last look for one and the system call in
        which it waits is found when that returns, which is seconds later in an idle worker."""
        if self.remind_at is not None and now >= self.remind_at:
            self.remind_at = None
            if self.slot.state in (State.READY, State.SPENT):
                self.send(self.told_by)


class Children:
    """Every worker process that has not been reaped."""

    def __init__(self) -> None:
        self._by_pid: dict[int, Child] = {}

    def __iter__(self) -> Iterator[Child]:
        """Oldest first."""
        return iter(list(self._by_pid.values()))

    def __len__(self) -> int:
        return len(self._by_pid)

    def add(self, child: Child) -> None:
        """Enter a child that was just forked."""
        self._by_pid[child.pid] = child

    def pop(self, pid: int) -> Child | None:
        """Strike out a reaped child; None for a process that is no worker."""
        return self._by_pid.pop(pid, None)

    def free_nr(self, capacity: int) -> int | None:
        """Return the lowest number without a worker, below `capacity`; None when all are taken."""
        taken = {child.nr for child in self}
        return next((nr for nr in range(capacity) if nr not in taken), None)
