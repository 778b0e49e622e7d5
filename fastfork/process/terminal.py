"""The terminal of a server in the foreground: it sends SIGWINCH when its window changes.

Runs in: arbiter
"""

from __future__ import annotations

import os
from contextlib import suppress


class Terminal:
    """The controlling terminal, if there is one, and the size that it had last."""

    def __init__(self, path: str = "/dev/tty") -> None:
        self._path = path
        self._size = self._measure()

    def was_resized(self) -> bool:
        """Return whether its size is another than at the last look: then SIGWINCH is the kernel's.

        A signal handler in Python is not told who sent a signal (sigaction(2) si_code).
        """
        before, self._size = self._size, self._measure()
        return before != self._size

    def _measure(self) -> tuple[int, int] | None:
        with suppress(OSError):
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
            try:
                return tuple(os.get_terminal_size(descriptor))  # type: ignore[return-value]
            finally:
                os.close(descriptor)
        return None
