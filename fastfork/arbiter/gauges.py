"""What only the arbiter knows of the server's load, for statsd: about once a second.

Runs in: arbiter
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from fastfork import clock, metrics

if TYPE_CHECKING:
    from fastfork.arbiter.children import Child
    from fastfork.config import Config
    from fastfork.net import Listener

__all__ = ["Gauges", "backlog"]

EVERY: Final = 0.9  # seconds; the loop turns about once a second

# tcpi_unacked in struct tcp_info (linux/tcp.h): of a listening socket, the connections that
# wait to be accepted (net/ipv4/tcp.c, tcp_get_info).
_WAITING_AT: Final = 24
_WAITING: Final = struct.Struct("=I")


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
    if sock.family not in (socket.AF_INET, socket.AF_INET6):
        return 0
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _WAITING_AT + _WAITING.size)
        return int(_WAITING.unpack_from(info, _WAITING_AT)[0])
    except (OSError, struct.error):
        return 0
