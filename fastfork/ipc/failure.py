"""Why the application could not be loaded, from who has tried to the arbiter: one line.

It stands in the server's slot of the scoreboard.  Several workers may fail together, for the same
reason; whoever comes last is read.

Runs in: both
"""

from __future__ import annotations

from fastfork.ipc.counters import FAILURE_AT, FAILURE_BYTES
from fastfork.ipc.published import look, publish

__all__ = ["note", "noted"]


def note(server: memoryview[int], line: str) -> None:
    """Write it down.  server: words of the server's slot.  line: cut where it is too long."""
    raw = line.encode("utf-8", "backslashreplace")[:FAILURE_BYTES]
    padded = raw.ljust(FAILURE_BYTES, b"\0")
    publish(server, FAILURE_AT, 0)
    for at in range(FAILURE_BYTES // 8):
        word = int.from_bytes(padded[at * 8 : at * 8 + 8], "little", signed=True)
        server[FAILURE_AT + 1 + at] = word
    publish(server, FAILURE_AT, len(raw))


def noted(server: memoryview[int]) -> str:
    """Return what was written last; '' for nothing."""
    size = min(max(look(server, FAILURE_AT), 0), FAILURE_BYTES)
    words = server[FAILURE_AT + 1 : FAILURE_AT + 1 + FAILURE_BYTES // 8]
    raw = b"".join(word.to_bytes(8, "little", signed=True) for word in words)
    return raw[:size].decode("utf-8", "replace")
