"""What only the arbiter knows of the server's load, for statsd: about once a second.

Runs in: arbiter
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from fastfork import clock, metrics
from fastfork.arbiter.ledger import accept_queue

if TYPE_CHECKING:
    from fastfork.arbiter.children.child import Child
    from fastfork.config import Config
    from fastfork.net import Listener

__all__ = ["Gauges", "backlog"]

EVERY: Final = 0.9  # seconds; the loop turns about once a second


class Gauges:
    """Tells statsd how many workers there are, how many are busy, and who waits."""

    def __init__(self) -> None:
        self._next = float("-inf")

    def tell(self, children: Iterable[Child], listeners: Iterable[Listener], cfg: Config) -> None:
        """Send what is due.  Never raises and never waits."""
        statsd = metrics.current()
        now = clock.now()
        if statsd is None or now < self._next:
            return
        self._next = now + EVERY
        children = list(children)
        statsd.value("gunicorn.workers", len(children), "g")
        statsd.value("fastfork.busy", sum(child.slot.in_flight for child in children), "g")
        if cfg.enable_backlog_metric:
            waiting = sum(backlog(listener.sock) for listener in listeners)
            statsd.value("gunicorn.backlog", waiting, "h")
        statsd.flush()


def backlog(sock: socket.socket) -> int:
    """Connections that wait to be accepted; 0 for a Unix socket, which does not tell."""
    return accept_queue(sock)[0]
