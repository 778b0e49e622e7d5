"""What ends a worker when nobody watches over it any more: needs no interpreter, and no arbiter.

Runs in: worker
"""

from __future__ import annotations

import faulthandler
import signal
from contextlib import suppress
from typing import Final

from fastfork import clock, logs
from fastfork._core import ending
from fastfork.process import parent

# Prints the stack of every thread from inside the signal handler, so also when the main thread
# is stuck in C and no Python handler can run.  The arbiter sends it just before SIGKILL.
DUMP_SIGNAL: Final = signal.SIGUSR2
# Sent by the kernel when the arbiter dies.  A number that programs and libraries leave alone.
PARENT_DIED: Final = getattr(signal, "SIGRTMAX", signal.SIGTERM + 5) - 5
# Later than the arbiter's own SIGKILL: the hard end is for workers that nobody watches any more.
HARD_MARGIN: Final = 1.0  # seconds
# ... and later than this, SIGKILL ends what could not even write its stacks.
LAST_MARGIN: Final = 0.4  # seconds


class HardEnd:
    """The time when this process ends, whatever it is doing; the earliest that was asked for."""

    def __init__(self) -> None:
        self._at = float("inf")
        self._watches = False

    def watch_faults(self) -> None:
        """Send the stacks of a crash in C, and of DUMP_SIGNAL, to the error log.

        Again after each reopening, and for what the application did to faulthandler meanwhile.
        """
        stream = logs.error_stream()
        with suppress(OSError, ValueError, RuntimeError):
            faulthandler.register(DUMP_SIGNAL, file=stream, all_threads=True)
            # A second enable() changes the file only, and SIGABRT stays ours.
            faulthandler.enable(file=stream, all_threads=True)
            self._watches = True

    def within(self, seconds: float) -> None:
        """Log every stack and end the process then, if it is still there.

        The arbiter would do that, but may be gone.  A request that does not end and a thread of
        the application that the way out waits for are covered.
        """
        at = clock.now() + seconds
        if not self._watches or at >= self._at:
            return
        self._at = at
        ending.end_in(seconds + LAST_MARGIN)
        with suppress(OSError, ValueError, RuntimeError):
            faulthandler.dump_traceback_later(seconds, exit=True, file=logs.error_stream())


def ask_to_be_told(arbiter_pid: int, graceful_timeout: float) -> None:
    """Have the arbiter's death end this worker in time, also one that is stuck in C.

    It is told by its handler of SIGTERM.  Ask again after a change of user or group.  Elsewhere
    than on Linux a worker looks when its loop turns, see workers/pace.py.
    """
    try:
        ending.watch_parent(
            death=PARENT_DIED,
            told=signal.SIGTERM,
            dump=DUMP_SIGNAL,
            parent=arbiter_pid,
            seconds=graceful_timeout + HARD_MARGIN,
            margin=LAST_MARGIN,
        )
    except OSError:
        parent.signal_at_parents_death(signal.SIGTERM)
    else:
        parent.signal_at_parents_death(PARENT_DIED)
