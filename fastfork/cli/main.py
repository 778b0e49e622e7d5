"""The command's door.

Runs in: cli, arbiter (until it is one)
"""

from __future__ import annotations

from collections.abc import Sequence

from fastfork.process import collector, streams

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; `arguments` without the program's name.  Returns the exit code."""
    # First: a module that opens a file for good when it is imported would have number 0, 1 or 2
    # (libffi's memory for ctypes does since 3.5).
    streams.open_closed_ones()
    with collector.paused():
        from .dispatch import dispatch

    return dispatch(arguments)
