"""Workers that have gone silent: who they are, and the way to end them.

Runs in: arbiter
"""

from __future__ import annotations

import signal
from typing import Final, Protocol

from fastfork.arbiter.children.child import Child
from fastfork.ipc import Slot, State

# (seconds after the worker was found silent, signal).  It logs its stacks and the request on
# SIGABRT; one stuck in C prints its stacks on SIGUSR2, which needs no interpreter.
ESCALATION: Final = ((0.0, signal.SIGABRT), (0.8, signal.SIGUSR2), (1.0, signal.SIGKILL))

# The loop turns at least once a second.  Later than this, the arbiter itself was stopped or
# starved, and the workers probably with it: their silence says nothing.
ARBITER_LATE: Final = 3.0  # seconds


class Beating(Protocol):
    """A process that says in its slot that it is alive.

    spawned_at: seconds of `fastfork.clock`.
    """

    @property
    def slot(self) -> Slot: ...  # noqa: D102
    @property
    def spawned_at(self) -> float: ...  # noqa: D102


class SilenceWatch:
    """Measures silence, forgiving the time in which the arbiter was not looking."""

    def __init__(self, now: float) -> None:
        self._looked_at = now
        self._forgiven_until = now

    def look(self, now: float) -> None:
        """Note that the loop turns."""
        if now - self._looked_at > ARBITER_LATE:
            self._forgiven_until = now
        self._looked_at = now

    def silence(self, child: Beating, now: float) -> float:
        """Return the seconds since the last heartbeat, since the fork if there was none.

        While the application loads there are no heartbeats, and no silence: imports may take
        longer than any request.
        """
        beat = child.slot.heartbeat_ns
        if beat and child.slot.state == State.BOOTING:
            return 0.0
        heard = beat / 1e9 if beat else child.spawned_at
        return now - max(heard, self._forgiven_until)


def patience(child: Child, timeout: float, request_timeout: float | None) -> float:
    """Return the seconds of silence after which this child is stalled; 0 = never.

    A worker of several threads watches over its requests itself: one of them is not all.
    """
    is_held = child.slot.threads <= 1 and child.slot.in_flight_since_ns
    limits = (timeout, (request_timeout or 0.0) if is_held else 0.0)
    return min(filter(None, limits), default=0.0)


def next_signal_at(child: Child) -> float | None:
    """When a stalled child gets its next signal; None when it has had them all."""
    if child.stalled_at is None or child.stall_signals == len(ESCALATION):
        return None
    return child.stalled_at + ESCALATION[child.stall_signals][0]


def escalate(child: Child, now: float) -> None:
    """Send a stalled child the signals that are due, each one once."""
    while (due := next_signal_at(child)) is not None and due <= now:
        child.send(ESCALATION[child.stall_signals][1])
        child.stall_signals += 1
