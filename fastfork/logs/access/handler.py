"""What writes access lines to their file.

Runs in: both
"""

from __future__ import annotations

import logging

from fastfork import clock

from ..base.bounded_writer import Unwritten
from ..base.serverlogger import COMPLAIN_EVERY, LOGGER
from ..error.errorlog import STANDARD_STREAM, LogHandler

__all__ = ["AccessHandler", "Losses"]


class Losses:
    """Counts lines of the access log that are lost, and says so once a minute.

    where: after the words "Access log".
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._lost = 0
        self._complained = float("-inf")

    def add(self, lines: int, reason: str) -> None:
        """So many more are lost."""
        self._lost += lines
        now = clock.now()
        if now - self._complained < COMPLAIN_EVERY:
            return
        self._complained = now
        lost, self._lost = self._lost, 0
        LOGGER.error("Access log %s: %d line(s) lost: %s", self._where, lost, reason)


class AccessHandler(LogHandler):
    """Writes access lines to the file at `path`; what is lost is told of in the error log.

    Raises ConfigError when the file cannot be opened.
    """

    def __init__(self, path: str, formatter: logging.Formatter | None = None) -> None:
        self._losses = Losses("on standard output" if path == STANDARD_STREAM else path)
        chosen = formatter or logging.Formatter("%(message)s")
        super().__init__(path, chosen, setting="accesslog")

    def lose(self, lost: Unwritten) -> None:
        """A full disk, or a reader that stopped, costs lines and nothing else."""
        self._losses.add(lost.lines, lost.error.strerror or str(lost.error))
