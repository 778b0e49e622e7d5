"""Telling the service manager: the protocol of sd_notify(3), without its library.

Does nothing when nobody asked (no NOTIFY_SOCKET).  A message that cannot be sent now waits for
`flush()`; the order stays.

Runs in: arbiter
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections import deque
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Final

log = logging.getLogger("fastfork.error")

# A manager that reads nothing for so long has no use for older news.
MOST_PENDING: Final = 32


class Notifier:
    """Speaks to the manager that `environ` names.

    pid: this process; a watchdog that was meant for another one (WATCHDOG_PID) is not ours.
    watchdog_seconds: the manager wants to hear `alive()` more often than this; None = never.
    """

    def __init__(self, environ: Mapping[str, str], pid: int) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._pending: deque[bytes] = deque(maxlen=MOST_PENDING)
        self.watchdog_seconds = _watchdog(environ, pid) if self._address else None

    @property
    def is_wanted(self) -> bool:
        """Whether there is anybody to tell."""
        return self._address is not None

    def ready(self, status: str) -> None:
        """The start or the reload is complete."""
        self.tell(f"READY=1\nMAINPID={os.getpid()}\nSTATUS={status}")

    def reloading(self) -> None:
        """A reload begins; `ready()` follows.  The time is what Type=notify-reload waits for."""
        self.tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """The stop begins."""
        self.tell("STOPPING=1")

    def main_pid(self, pid: int) -> None:
        """Another process is the server from now on.  Told by the one that was it before."""
        self.tell(f"MAINPID={pid}")

    def status(self, text: str) -> None:
        """One line for `systemctl status`."""
        self.tell(f"STATUS={text}")

    def alive(self) -> None:
        """The loop turns."""
        self.tell("WATCHDOG=1")

    def tell(self, message: str) -> None:
        """Send the lines `NAME=VALUE` of one message, after those that wait.  Never waits."""
        if self._address is not None:
            self._pending.append(message.encode())
            self.flush()

    def flush(self) -> None:
        """Send what could not be sent before."""
        while self._pending and self._address is not None:
            try:
                # A socket for each message, since they are few: none that a worker inherits.
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
                    sock.setblocking(False)
                    sock.sendto(self._pending[0], self._address)
            except (BlockingIOError, InterruptedError):
                return  # its queue is full: the next turn tries again
            except OSError as error:
                log.warning("NOTIFY_SOCKET: the service manager is not told: %s", error.strerror)
                self._address = None
                return
            self._pending.popleft()


def pass_on_watchdog(environ: MutableMapping[str, str], pid: int) -> None:
    """Make the watchdog of this process that of `pid`, which takes its place (see Notifier)."""
    if "WATCHDOG_PID" in environ:
        environ["WATCHDOG_PID"] = str(pid)


def _address(text: str) -> str | None:
    """Return what sendto() takes: a path, or a name of the abstract space after a NUL."""
    if not text:
        return None
    if text.startswith("@"):
        return "\0" + text[1:]
    if text.startswith("/"):
        return text
    log.warning("NOTIFY_SOCKET: %r is neither a path nor @NAME; nothing is told", text)
    return None


def _watchdog(environ: Mapping[str, str], pid: int) -> float | None:
    """Seconds, as sd_watchdog_enabled(3) reads them."""
    with suppress(ValueError):
        if environ.get("WATCHDOG_PID") and int(environ["WATCHDOG_PID"]) != pid:
            return None
        microseconds = int(environ.get("WATCHDOG_USEC", "0"))
        return microseconds / 1e6 if microseconds > 0 else None
    log.warning("WATCHDOG_USEC, WATCHDOG_PID: not a number; there is no watchdog")
    return None
