"""Which exceptions may leave a log call: one only, by which a signal handler ends the worker.

Handlers, filters, formatters and values come from the application, and may raise anything.  A line
is told from signal handlers, in the middle of a request, and where an exception would end a worker.

Runs in: both
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["let_pass_when", "must_pass"]


class _Process:
    """Of this process."""

    def __init__(self) -> None:
        self.is_leaving: Callable[[], bool] = lambda: False


_process = _Process()


def let_pass_when(is_leaving: Callable[[], bool]) -> None:
    """Let a SystemExit pass from now on while `is_leaving()` says that it is the worker's own."""
    _process.is_leaving = is_leaving


def must_pass(error: BaseException) -> bool:
    """Return whether what was raised in a log call is ours and ends this process."""
    return not isinstance(error, Exception) and _process.is_leaving()
