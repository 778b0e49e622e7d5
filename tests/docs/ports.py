"""Ports that nobody takes between the moment they are chosen and the one they are used.

Other tests run at the same time and let the kernel choose: so these are below the range from which
it does (ip(7), ip_local_port_range), and each has a mark, the name of an abstract unix socket, for
as long as it is claimed.

Runs in: cli
"""

from __future__ import annotations

import random
import socket
from contextlib import ExitStack
from pathlib import Path

LOWEST = 10_000
RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


class Claims:
    """Claimed ports.  Raises OSError when there are none left."""

    def __init__(self, count: int) -> None:
        self._marks = ExitStack()
        below = int(RANGE.read_text().split()[0]) if RANGE.exists() else 32_768
        candidates = iter(random.sample(range(LOWEST, below), below - LOWEST))
        self.numbers: list[int] = []
        while len(self.numbers) < count:
            number = next(candidates, None)
            if number is None:
                raise OSError(f"fewer than {count} free ports between {LOWEST} and {below}")
            if self._claim(number):
                self.numbers.append(number)

    def _claim(self, number: int) -> bool:
        mark = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            mark.bind(f"\0fastfork-docs-port-{number}")
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("", number))
        except OSError:
            mark.close()
            return False
        self._marks.enter_context(mark)
        return True

    def close(self) -> None:
        """Let go of all."""
        self._marks.close()
