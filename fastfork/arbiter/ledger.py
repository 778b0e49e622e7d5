"""What the arbiter writes on the scoreboard for those who look: once a turn, and at each end.

Runs in: arbiter
"""

from __future__ import annotations

import logging
import signal
import socket
import struct
import time
from collections.abc import Iterable
from typing import Final

from fastfork import clock
from fastfork.arbiter.children.child import Child
from fastfork.arbiter.children.reap import Death
from fastfork.ipc import Field, Scoreboard, tally
from fastfork.ipc.ends import End, note_end
from fastfork.ipc.tally import Closing, Reason
from fastfork.net import Listener

__all__ = ["Ledger", "reason_of"]

log = logging.getLogger("fastfork.error")

CAREFUL_FOR: Final = 60.0  # seconds after a request has ended its worker
DEADLY: Final = frozenset({Reason.TIMEOUT, Reason.CRASH, Reason.EXIT})
LOOK_EVERY: Final = 1.0  # seconds; a system call a listening socket
# struct tcp_info begins with eight bytes and four words; of a socket that listens tcpi_unacked is
# how many wait to be accepted, and tcpi_sacked how many may (tcp_get_info() in Linux).
TCP_INFO: Final = struct.Struct("=8x4x4x4x4xII")


class Ledger:
    """Keeps the server's own slot."""

    def __init__(self, scoreboard: Scoreboard) -> None:
        self._scoreboard = scoreboard
        self._server = scoreboard.server
        self._careful_until = 0.0
        self._server[tally.STARTED] = int(time.time())
        self._next = 0.0

    def turn(self, wanted: int, listeners: Iterable[Listener]) -> None:
        """Note that the loop turns, how many workers are wanted, and who waits to be let in."""
        now = clock.now()
        self._server[Field.HEARTBEAT_NS] = clock.now_ns()
        self._server[tally.WANTED] = wanted
        if self._careful_until and now >= self._careful_until:
            self._careful_until = 0.0
            self._scoreboard.say_close(Closing.CAREFUL, False)
            log.info("No request has ended its worker for %g s: connections are kept", CAREFUL_FOR)
        if now >= self._next:
            self._next = now + LOOK_EVERY
            queues = [accept_queue(listener.sock) for listener in listeners]
            self._server[tally.WAITING] = sum(waiting for waiting, _most in queues)
            self._server[tally.WAITING_MOST] = sum(most for _waiting, most in queues)

    def reloaded(self) -> None:
        """Count a reload that has begun."""
        self._server[tally.RELOADS] += 1

    def ended(self, child: Child, death: Death, generation: int) -> None:
        """Note the end of a worker.  generation: the one that is wanted now."""
        reason = reason_of(child, death, generation)
        lived = int(child.lived(clock.now()) * 1000)
        line = child.slot.request_line()
        end = End(int(time.time()), child.nr, child.pid, reason, death.code, lived, line)
        note_end(self._server, end)
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
    option = getattr(socket, "TCP_INFO", None)
    if option is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return 0, 0
    try:
        waiting, most = TCP_INFO.unpack(sock.getsockopt(socket.IPPROTO_TCP, option, TCP_INFO.size))
    except (OSError, struct.error):
        return 0, 0  # closed meanwhile
    return waiting, most


def reason_of(child: Child, death: Death, generation: int) -> Reason:
    """Why a worker ended: the first that fits."""
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
