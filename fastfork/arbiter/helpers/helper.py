"""A helper process beside the workers: forked, reaped and replaced, and never counted as one.

Runs in: arbiter
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from fastfork import clock, forks, port, unpatched
from fastfork.arbiter.children.backoff import HEALTHY_AFTER, Backoff
from fastfork.arbiter.children.reap import LOST_STATUS, is_there, meaning
from fastfork.arbiter.children.stalled import SilenceWatch
from fastfork.arbiter.forking.spawn import Runnable, spawn
from fastfork.ipc import SignalMailbox, Slot

log = logging.getLogger("fastfork.error")

MESSAGE_BYTES: Final = 65536
# What a SIGKILLed process may take to go: the watcher may sleep in a file system that hangs.
LAST_WAIT: Final = 1.0  # seconds
LOOK: Final = 0.005
# A helper that has a heartbeat has several a second, or one a second when nothing happens.
HUNG_AFTER: Final = 5.0  # seconds


class Helper:
    """One helper, kept alive.  make(fd): builds it in its process; `fd` is where it may write.

    name: for the log.  pid: None while there is none.
    slot: where it has a heartbeat; one that is silent for HUNG_AFTER is replaced.
    """

    def __init__(
        self,
        name: str,
        make: Callable[[int], Runnable],
        mailbox: SignalMailbox,
        slot: Slot | None = None,
    ) -> None:
        self.name = name
        self.pid: int | None = None
        self._pulse = None if slot is None else _Pulse(slot)
        self._make = make
        self._mailbox = mailbox
        self._reader = -1
        self._backoff = Backoff()
        self._spawned_at = 0.0
        forks.hold(self)

    def keep(self) -> None:
        """Start it, unless it runs or has died too often just now."""
        now = clock.now()
        if self.pid is not None and not is_there(self.pid):
            self.bury(self.pid, LOST_STATUS)  # other code in this process has waited for it
        if self.pid is not None:
            if now - self._spawned_at >= HEALTHY_AFTER:
                self._backoff.lived(self._spawned_at)
            if self._pulse is not None and self._pulse.has_stopped(now):
                self._end_hung(self.pid)
        elif not self._backoff.wait(now):
            self._start(now)

    def bury(self, pid: int, status: int) -> None:
        """Note that a child which is no worker has ended; nothing if it is not this one."""
        if pid != self.pid:
            return
        self.pid = None
        self._close()
        self._backoff.failed(clock.now())
        log.warning(
            "The %s %s (pid: %d); the next one starts in %.1f s",
            self.name,
            meaning(status).text,
            pid,
            self._backoff.wait(clock.now()),
        )

    def messages(self) -> list[str]:
        """Return the lines that it has written since the last call.  Never waits."""
        if self._reader < 0:
            return []
        with suppress(BlockingIOError):
            return os.read(self._reader, MESSAGE_BYTES).decode("utf-8", "replace").splitlines()
        return []

    def stop(self) -> None:
        """End it now, and wait a moment for that: it has nothing to finish."""
        if self.pid is not None:
            pid, self.pid = self.pid, None
            deadline = clock.now() + LAST_WAIT
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(pid, signal.SIGKILL)
                while unpatched.waitpid(pid, os.WNOHANG) == (0, 0) and clock.now() < deadline:
                    time.sleep(LOOK)
        self._close()

    def _end_hung(self, pid: int) -> None:
        """Kill it; `bury` hears of that, and the next one starts."""
        log.error("The %s (pid: %d) was silent for %g s; killing it", self.name, pid, HUNG_AFTER)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def _start(self, now: float) -> None:
        self._spawned_at = now
        if self._pulse is not None:
            self._pulse.begin(now)
        reader, writer = port.wakeup_pipe()
        try:
            self.pid = spawn(lambda: self._make(writer), self._mailbox)
        except OSError as error:
            unpatched.close(reader)
            self._backoff.failed(now)
            log.error("Cannot start the %s: %s", self.name, error.strerror)
            return
        finally:
            unpatched.close(writer)
        self._reader = reader

    def let_go(self) -> None:
        """Let go in a child that is not ours: hear nothing of the helper."""
        self._close()

    def _close(self) -> None:
        if self._reader >= 0:
            unpatched.close(self._reader)
            self._reader = -1


class _Pulse:
    """Whether the process that has `slot` is alive."""

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.spawned_at = 0.0
        self._watch = SilenceWatch(clock.now())
        self._is_told = False

    def begin(self, now: float) -> None:
        """Another process gets the slot."""
        self.slot.clear()
        self.spawned_at = now
        self._is_told = False

    def has_stopped(self, now: float) -> bool:
        """True once for each process."""
        self._watch.look(now)
        if self._is_told or self._watch.silence(self, now) < HUNG_AFTER:
            return False
        self._is_told = True
        return True
