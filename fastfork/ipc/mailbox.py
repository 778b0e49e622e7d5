"""Signals as data: a handler only notes the number, the arbiter's loop decides.

The wake-up byte ends the wait and carries nothing, so a full socket loses no signal, only
a redundant wake-up.  A worker keeps the writing end: `ring()` after a change on the
scoreboard spares the arbiter a wait for its next tick.

Runs in: both
"""

from __future__ import annotations

import logging
import select
import signal
import socket
from collections import deque
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from types import FrameType
from typing import Final

from fastfork import forks, unpatched

log = logging.getLogger("fastfork.error")

# Past this many, a number that waits already is not noted again: a flood of signals costs
# no memory, and no kind of signal is ever lost.  Nobody sends 256 TTIN on purpose.
MAX_NOTED: Final = 256


class SignalMailbox:
    """Takes over the handlers of `signums`; one a process, main thread only (signal(7))."""

    def __init__(self, signums: Iterable[int]) -> None:
        self.signums: Final = frozenset(signums)
        self._noted: deque[int] = deque()
        self._taken: set[int] = set()
        self._wake_r, self._wake_w = socket.socketpair()
        for end in (self._wake_r, self._wake_w):
            end.setblocking(False)
        self._poll = unpatched.make_poll()
        self._poll.register(self._wake_r, select.POLLIN)
        self._before = {one: unpatched.set_handler(one, self._note) for one in self.signums}
        self._before[signal.SIGPIPE] = signal.getsignal(signal.SIGPIPE)
        # Whoever started us may have held them back: that is inherited (execve(2)).
        self._mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
        self.take_back()
        forks.take_signals(self.signums)
        forks.hold(self)

    def _note(self, signum: int, _frame: FrameType | None) -> None:
        if not forks.acts_on(signum):
            return
        if len(self._noted) < MAX_NOTED or signum not in self._noted:
            self._noted.append(signum)

    def take_back(self) -> None:
        """Have the signals again, and what wakes the loop, after code of somebody else's.

        A config file that is read again, a hook, or what they import may have taken the handlers
        (SIGCHLD is ignored to have no zombies), held signals back, or run an event loop that has
        put its own wake-up descriptor in place.  Said once for each signal.
        """
        for signum in self.signums:
            taken = signal.getsignal(signum) != self._note
            unpatched.set_handler(signum, self._note)
            if taken and signum not in self._taken:
                self._taken.add(signum)
                log.warning(
                    "%s was taken by a hook or the config file; the arbiter needs it and takes it "
                    "back",
                    signal.Signals(signum).name,
                )
        if signal.getsignal(signal.SIGPIPE) == signal.SIG_DFL:
            # A template that has gone would end the arbiter.
            unpatched.set_handler(signal.SIGPIPE, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, self.signums)
        signal.set_wakeup_fd(self._wake_w.fileno(), warn_on_full_buffer=False)

    def wait(self, timeout: float) -> None:
        """Return at the first signal or ring, or after `timeout` seconds (0 = do not wait)."""
        # Rounded up: a wait cut to 0 ms would spin until the deadline.
        self._poll.poll(max(0, -int(-timeout * 1000 // 1)))

    def drain(self) -> Iterator[int]:
        """Yield the numbers noted so far, oldest first."""
        with suppress(BlockingIOError):
            while self._wake_r.recv(4096):
                pass
        while self._noted:
            yield self._noted.popleft()

    def ring(self) -> None:
        """End the arbiter's wait.  Never blocks, never raises: the arbiter may be gone."""
        with suppress(OSError):
            self._wake_w.send(b"\0")

    def close_in_child(self) -> None:
        """Forget the arbiter's signals and stop reading its wake-ups; `ring()` still works.

        The handlers stay until the worker sets its own: the caller blocks `signums` from
        before the fork until then, so that no signal falls between the two.
        """
        signal.set_wakeup_fd(-1)
        self._wake_r.close()
        self._noted.clear()

    def let_go(self) -> None:
        """Let go in a child that is not ours: signals do what they did before the server.

        In one of a worker or a template, that is for those to see to.
        """
        if self._wake_r.fileno() >= 0:
            signal.set_wakeup_fd(-1)
            for signum, handler in self._before.items():
                now = unpatched.get_handler(signum)
                if now == self._note:
                    now = signal.SIG_DFL if handler is None else handler
                if now is not None:  # else it was not set from Python
                    unpatched.set_handler(signum, now)
        self._wake_r.close()
        self._wake_w.close()

    def close(self, *, ignored: Container[int] = frozenset()) -> None:
        """Give the handlers back to whom they were taken from.  Runs in the arbiter.

        ignored: signals that come to nothing from now on, for a process that is just ending.
        """
        forks.take_signals(())
        signal.set_wakeup_fd(-1)
        for signum, handler in self._before.items():
            if signum in ignored:
                handler = signal.SIG_IGN
            # None: the handler was not set from Python and cannot be put back.
            unpatched.set_handler(signum, signal.SIG_DFL if handler is None else handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)
        self._wake_r.close()
        self._wake_w.close()
