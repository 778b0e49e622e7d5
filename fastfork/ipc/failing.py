"""Which URLs fail: a record a URL, in a table on each slot of the scoreboard.

A worker writes its own (csrc/fastfork/_core/failing.pyx, which has the same numbers), and the
arbiter adds the records of a worker that has gone to the server's.  A full table gives up the URL
whose last failure is the longest ago.  A record's number is 0 while its URL is exchanged, and
another one each time: a reader that finds two numbers leaves the record out.

Runs in: both
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from fastfork.ipc import counters
from fastfork.ipc.published import look, publish
from fastfork.records import record

__all__ = ["Failure", "add_up", "failures", "hand_over"]

RECORD_WORDS: Final = 32
# In words: where the records begin.  A worker's are behind its places, in pages that are not there
# before an answer fails; the server's behind all else that it has there.
OF_WORKER: Final = range(8704, 8704 + 32 * RECORD_WORDS, RECORD_WORDS)
OF_SERVER: Final = range(2816, 2816 + 128 * RECORD_WORDS, RECORD_WORDS)
NUMBER, COUNT, STATUS, LAST_NS, LINE_SIZE = range(5)  # in a record
LINE: Final = 8
LINE_BYTES: Final = (RECORD_WORDS - LINE) * 8


@record(frozen=True)
class Failure:
    """Answers to one URL that failed.

    line: method and path, without the query, safe to log.  status: of the last one; 0: it was
    cut.  last_ns: when that was, in nanoseconds of `fastfork.clock`.
    """

    line: str
    count: int
    status: int
    last_ns: int


def failures(words: memoryview[int], table: range = OF_WORKER) -> list[Failure]:
    """Return what a table has.  words: of the slot, a worker's or the server's."""
    return [_failure(record) for _start, record in _records(words, table)]


def add_up(found: Iterable[Failure]) -> list[Failure]:
    """Return one for each line, the latest failure first."""
    by_line: dict[str, Failure] = {}
    for one in sorted(found, key=lambda failure: failure.last_ns):
        before = by_line.get(one.line)
        count = one.count + (before.count if before else 0)
        by_line[one.line] = Failure(one.line, count, one.status, one.last_ns)
    return sorted(by_line.values(), key=lambda failure: -failure.last_ns)


def hand_over(server: memoryview[int], worker: memoryview[int]) -> None:
    """Add a worker's records to the server's, and clear its table.  Runs in: arbiter."""
    if not worker[counters.FAILING_NUMBERS]:
        return  # its table is a page that was never made
    known = {_raw(one): start for start, one in _records(server, OF_SERVER)}
    for _start, one in _records(worker, OF_WORKER):
        _add(server, one, known)
    for at in range(OF_WORKER.start, OF_WORKER.stop):
        worker[at] = 0


def _add(server: memoryview[int], record: list[int], known: dict[bytes, int]) -> None:
    """known: line -> where its record begins."""
    line = _raw(record)
    start = known.get(line)
    if start is not None:
        server[start + COUNT] += record[COUNT]
        if record[LAST_NS] >= server[start + LAST_NS]:
            server[start + STATUS] = record[STATUS]
            server[start + LAST_NS] = record[LAST_NS]
        return
    start = min(OF_SERVER, key=lambda at: server[at + LAST_NS])
    if server[start]:
        known.pop(_raw(server[start : start + RECORD_WORDS]), None)
    publish(server, start, 0)
    for at, word in enumerate(record[1:], start + 1):
        server[at] = word
    server[counters.FAILING_NUMBERS] += 1
    publish(server, start, server[counters.FAILING_NUMBERS])
    known[line] = start


def _records(words: memoryview[int], table: range) -> Iterator[tuple[int, list[int]]]:
    """(where it begins, the record), without those that are being written."""
    if not words[counters.FAILING_NUMBERS]:
        return
    for start in table:
        number = look(words, start)
        record = list(words[start : start + RECORD_WORDS])
        if number and record[COUNT] > 0 and look(words, start) == number:
            yield start, record


def _failure(record: list[int]) -> Failure:
    # Bytes come from the peer as they were.
    line = _raw(record).decode("latin-1").encode("unicode_escape").decode("ascii")
    return Failure(line, record[COUNT], record[STATUS], record[LAST_NS])


def _raw(record: memoryview[int] | list[int]) -> bytes:
    size = min(max(record[LINE_SIZE], 0), LINE_BYTES)  # an application can write over this memory
    return b"".join(word.to_bytes(8, "little", signed=True) for word in record[LINE:])[:size]
