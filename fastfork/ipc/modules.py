"""Which files the application is made of: written by the workers, read by the watcher.

One anonymous file that everybody has inherited.  Lines are only ever appended, each with the
time from which on the file counts as changed; a worker adds what nobody has added before it.

Runs in: both
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable
from typing import Final

from fastfork import forks, port

# Paths of a large application are 200 KiB; more than this is no list of source files.
MOST_BYTES: Final = 16 << 20


class ModuleList:
    """Paths of files, each with nanoseconds of the wall clock, as st_mtime_ns has them."""

    def __init__(self) -> None:
        self._fd = port.memory_file("fastfork-modules")
        # Several processes append: each write(2) goes to the end, whole (open(2), O_APPEND).
        flags = fcntl.fcntl(self._fd, fcntl.F_GETFL)
        fcntl.fcntl(self._fd, fcntl.F_SETFL, flags | os.O_APPEND)
        forks.hold(self)

    def add(self, paths: Iterable[str], since_ns: int) -> None:
        """Add the paths that are not there.  since_ns: before they were read."""
        known = self.read()
        self.note((path for path in paths if path not in known), since_ns)

    def note(self, paths: Iterable[str], since_ns: int) -> None:
        """Add the paths, or a later time for those that are there."""
        lines = [f"{since_ns} {path}\n" for path in paths if "\n" not in path]
        data = "".join(lines).encode("utf-8", "surrogateescape")
        if data and os.fstat(self._fd).st_size + len(data) <= MOST_BYTES:
            os.write(self._fd, data)

    def read(self) -> dict[str, int]:
        """Return every path so far, with the latest time that was given for it."""
        data = os.pread(self._fd, os.fstat(self._fd).st_size, 0)
        found: dict[str, int] = {}
        for line in data.decode("utf-8", "surrogateescape").splitlines():
            since, _, path = line.partition(" ")
            if since.isdigit() and path:  # an application can write over this file
                found[path] = max(int(since), found.get(path, 0))
        return found

    def close(self) -> None:
        """Give the descriptor back.  May be called again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    let_go = close  # in a child that is not ours
