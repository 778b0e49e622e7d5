"""What is counted on the scoreboard, and how it is read.

A worker counts in the page of its slot (csrc/fastfork/_core/tally.pxd), the arbiter in the slot of
the server.  When a worker has gone, its counts are added to the server's: a total never falls.

Runs in: both
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final

# Words of a worker's slot; the compiled code has the same numbers.
ANSWERS: Final = 64  # by the first digit of the status; the first word: cut
ANSWER_CLASSES: Final = 10
DURATION_SUM: Final = 74  # nanoseconds
WAIT_SUM: Final = 75
DURATIONS: Final = 76
STATIC_ANSWERS: Final = 101
# Of HTTP/2: streams that clients have opened, reset, had reset by the server; GOAWAY frames sent.
H2_STREAMS: Final = 102
H2_RESETS: Final = 103
H2_RESETS_SENT: Final = 104
H2_GOAWAYS: Final = 105
WAITED: Final = 108
BUCKETS: Final = 25
BYTES_RECEIVED: Final = 133
KEPT_ALIVE: Final = 134  # connections
# ... and not a count: how many numbers failing.py has given, on the server's slot too.
FAILING_NUMBERS: Final = 135
# Of an asyncio loop: the longest lag between two looks up, nanoseconds; and requests whose task has
# not ended.
LAG_LONGEST: Final = 136
TASKS: Final = 137
# A histogram again.  Words 160 to 191 are others in the server's slot.
LAG_SUM: Final = 192
LAGS: Final = 193
# Counts that outlive the worker: all but the words between these.
COUNTED: Final = (*range(ANSWERS, KEPT_ALIVE), *range(LAG_SUM, LAGS + BUCKETS))

# Upper bounds of all buckets but the last, in seconds: from 16 microseconds, each twice the
# one before.
BOUNDS: Final = tuple((1 << (14 + at)) / 1e9 for at in range(BUCKETS - 1))

# Words of the server's slot beyond those.
EDITS: Final = 160  # odd while counts go from a worker's slot to the server's
WANTED: Final = 161  # workers
SLOTS: Final = 162  # numbers that workers have had so far
WAITING: Final = 163  # connections in the accept queues of TCP listeners
WAITING_MOST: Final = 164  # ... and how many may be
STARTED: Final = 165  # seconds since 1970
RELOADS: Final = 166
NOTED: Final = 167  # ends that were ever noted
CLOSING: Final = 168  # why no connection is kept: some of `Closing`
ENDS: Final = 176  # workers that ended, a word for each `Reason`
# The last of them, a ring of records: see recent_exits.py.
EVENTS_AT: Final = 512
EVENT_WORDS: Final = 32
EVENTS: Final = 64
# Why a worker could not start: a word, the number of bytes, and the text behind it.
FAILURE_AT: Final = EVENTS_AT + EVENTS * EVENT_WORDS
FAILURE_BYTES: Final = 1024


class Closing(IntFlag):
    """Why answers say `Connection: close`; workers read it with each of them."""

    DRAINS = 1  # the server will stop
    CAREFUL = 2  # a request has ended its worker a while ago


class Reason(IntEnum):
    """Why a worker ended."""

    TOLD = 0  # the count was lowered, the server stops, or somebody told it (kill PID)
    RELOAD = 1  # of the settings or the code
    SPENT = 2  # max_requests or request_timeout, told by itself
    MEMORY = 3  # max_rss
    TIMEOUT = 4  # silent for longer than `timeout`
    BOOT = 5  # the application did not load, or not in time
    CRASH = 6  # a signal that the arbiter did not send
    EXIT = 7  # an exit code of the application's
    OVERDUE = 8  # told to go, and did not in time


def quantile(counts: list[int], share: float) -> float:
    """Return the time in seconds below which `share` (0 to 1) of a histogram is; 0.0 when it is
    empty.

    Within a bucket the times are taken for evenly spread, as Prometheus does; what is in the
    last one, for its lower bound.
    """
    rank, below = share * sum(counts), 0
    for at, count in enumerate(counts):
        if count and below + count >= rank:
            if at >= len(BOUNDS):
                return BOUNDS[-1]
            lower = BOUNDS[at - 1] if at else 0.0
            return lower + (BOUNDS[at] - lower) * (rank - below) / count
        below += count
    return 0.0
