"""The last exits of workers, for people who look later: a ring of records on the scoreboard.

A record is a place (256 bytes) of the server's slot: eight words and the request line that the
worker was serving.  The arbiter writes it, and its number last: a reader that finds another number
than it expects has been overtaken, and leaves the record out.

Runs in: both
"""

from __future__ import annotations

from typing import Final

from fastfork.ipc import counters
from fastfork.ipc.counters import Reason
from fastfork.ipc.published import look, publish
from fastfork.records import record

__all__ = ["RecentExit", "note_exit", "recent_exits"]

LINE_AT: Final = 8  # in words
LINE_BYTES: Final = (counters.EVENT_WORDS - LINE_AT) * 8


@record(frozen=True)
class RecentExit:
    """at: seconds since 1970.  code: the exit code, or minus the number of the signal.

    lived: milliseconds since it was ready, 0 if it never was.
    line: the request line it was serving, safe to log; '' for none.
    """

    at: int
    nr: int
    pid: int
    reason: Reason
    code: int
    lived: int
    line: str = ""


def note_exit(server: memoryview[int], end: RecentExit) -> None:
    """Count an end, and keep the record.  server: words of the server's slot.  Runs in: arbiter."""
    server[counters.ENDS + end.reason] += 1
    number = server[counters.NOTED] + 1
    start = _start(number)
    raw = end.line.encode("ascii", "replace")[:LINE_BYTES]
    publish(server, start, 0)
    values = (end.at, end.nr, end.pid, end.reason, end.code, end.lived, len(raw))
    for at, value in enumerate(values, start + 1):
        server[at] = value
    padded = raw.ljust(LINE_BYTES, b"\0")
    for at in range(LINE_BYTES // 8):
        word = int.from_bytes(padded[at * 8 : at * 8 + 8], "little", signed=True)
        server[start + LINE_AT + at] = word
    publish(server, start, number)
    publish(server, counters.NOTED, number)


def recent_exits(server: memoryview[int]) -> list[RecentExit]:
    """Return what is kept, the latest first."""
    found = []
    newest = look(server, counters.NOTED)
    for number in range(newest, max(newest - counters.EVENTS, 0), -1):
        start = _start(number)
        if look(server, start) != number:
            continue
        words = list(server[start : start + counters.EVENT_WORDS])
        if look(server, start) == number:
            found.append(_end(words))
    return found


def _end(words: list[int]) -> RecentExit:
    size = min(max(words[7], 0), LINE_BYTES)
    raw = b"".join(word.to_bytes(8, "little", signed=True) for word in words[LINE_AT:])[:size]
    reason = Reason(words[4]) if words[4] in Reason.__members__.values() else Reason.EXIT
    return RecentExit(words[1], words[2], words[3], reason, words[5], words[6], raw.decode("ascii"))


def _start(number: int) -> int:
    return counters.EVENTS_AT + (number % counters.EVENTS) * counters.EVENT_WORDS
