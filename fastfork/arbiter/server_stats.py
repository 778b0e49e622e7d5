"""What the arbiter tells of the server as a whole: on the scoreboard, and to statsd.

Runs in: arbiter
"""

from __future__ import annotations

import logging
import signal
import socket
import struct
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from fastfork import clock, metrics, port
from fastfork.arbiter.children.child import Child
from fastfork.arbiter.children.reap import Death
from fastfork.ipc import Field, Scoreboard, counters
from fastfork.ipc.counters import Closing, Reason
from fastfork.ipc.recent_exits import RecentExit, note_exit
from fastfork.net import Listener

if TYPE_CHECKING:
    from fastfork.config import Config

__all__ = ["ServerStats", "reason_of"]

log = logging.getLogger("fastfork.error")

CAREFUL_FOR: Final = 60.0  # seconds after a request has ended its worker
DEADLY: Final = frozenset({Reason.TIMEOUT, Reason.CRASH, Reason.EXIT})
LOOK_EVERY: Final = 1.0  # seconds; a system call a listening socket
SEND_EVERY: Final = 0.9  # seconds; the loop turns about once a second
# struct tcp_info begins with eight bytes and four words; of a socket that listens tcpi_unacked is
# how many wait to be accepted, and tcpi_sacked how many may (tcp_get_info() in Linux).
TCP_INFO: Final = struct.Struct("=8x4x4x4x4xII")


class ServerStats:
    """Keeps the server's slot of the scoreboard; tells statsd what only the arbiter knows."""

    def __init__(self, scoreboard: Scoreboard) -> None:
        self._scoreboard = scoreboard
        self._server = scoreboard.server
        self._careful_until = 0.0
        self._server[counters.STARTED] = int(time.time())
        self._look_at = self._send_at = 0.0

    def turn(self, wanted: int, listeners: Iterable[Listener]) -> None:
        """Note that the loop turns, how many workers are wanted, and who waits to be let in."""
        now = clock.now()
        self._server[Field.HEARTBEAT_NS] = clock.now_ns()
        self._server[counters.WANTED] = wanted
        if self._careful_until and now >= self._careful_until:
            self._careful_until = 0.0
            self._scoreboard.say_close(Closing.CAREFUL, False)
            log.info("No request has ended its worker for %g s: connections are kept", CAREFUL_FOR)
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY
            queues = [accept_queue(listener.sock) for listener in listeners]
            self._server[counters.WAITING] = sum(waiting for waiting, _most in queues)
            self._server[counters.WAITING_MOST] = sum(most for _waiting, most in queues)

    def send(self, children: Sequence[Child], listeners: Iterable[Listener], cfg: Config) -> None:
        """Tell statsd how many workers there are, how many requests they have, and who waits.

        Sends about once a second, and nothing without `statsd_host`.  Never raises, never waits.
        """
        statsd = metrics.current()
        now = clock.now()
        if statsd is None or now < self._send_at:
            return
        self._send_at = now + SEND_EVERY
        statsd.value("gunicorn.workers", len(children), "g")
        statsd.value("fastfork.busy", sum(child.slot.in_flight for child in children), "g")
        if cfg.enable_backlog_metric:
            waiting = sum(accept_queue(listener.sock)[0] for listener in listeners)
            statsd.value("gunicorn.backlog", waiting, "h")
        statsd.flush()

    def reloaded(self) -> None:
        """Count a reload that has begun."""
        self._server[counters.RELOADS] += 1

    def ended(self, child: Child, death: Death, generation: int) -> None:
        """Note the end of a worker.  generation: the one that is wanted now."""
        reason = reason_of(child, death, generation)
        lived = int(child.lived(clock.now()) * 1000)
        line = child.slot.request_line()
        end = RecentExit(int(time.time()), child.nr, child.pid, reason, death.code, lived, line)
        note_exit(self._server, end)
        if reason in DEADLY and line:
            self._be_careful()

    def _be_careful(self) -> None:
        """A request has ended its worker, and whoever sent it may try again: until that is over,
        no client has more at stake than the request it waits for."""
        if not self._careful_until:
            log.warning(
                "A request has ended its worker: connections are not kept, until none has for %g s",
                CAREFUL_FOR,
            )
        self._careful_until = clock.now() + CAREFUL_FOR
        self._scoreboard.say_close(Closing.CAREFUL, True)


def accept_queue(sock: socket.socket) -> tuple[int, int]:
    """(connections that wait to be accepted, how many may); (0, 0) where nobody knows."""
    option = port.QUEUE_OF_LISTENER
    if option is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return 0, 0
    try:
        waiting, most = TCP_INFO.unpack(sock.getsockopt(socket.IPPROTO_TCP, option, TCP_INFO.size))
    except (OSError, struct.error):
        return 0, 0  # closed meanwhile
    return waiting, most


def reason_of(child: Child, death: Death, generation: int) -> Reason:
    """Return why a worker ended: the first that fits."""
    was_signalled = death.code < 0
    table = (
        (child.overslept, Reason.BOOT),
        (child.stalled_at is not None, Reason.TIMEOUT),
        (was_signalled and -death.code not in child.sent, Reason.CRASH),
        (child.told and signal.SIGKILL in child.sent, Reason.OVERDUE),
        (child.ready_at is None and death.code != 0, Reason.BOOT),
        (child.is_too_large, Reason.MEMORY),
        (child.is_spent, Reason.SPENT),
        (child.generation != generation, Reason.RELOAD),
        (death.code != 0, Reason.EXIT),
    )
    return next((reason for fits, reason in table if fits), Reason.TOLD)
