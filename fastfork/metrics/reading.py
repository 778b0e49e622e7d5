"""One look at the scoreboard, as values.

Runs in: worker (in the process of `admin_bind`)
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from fastfork import clock, port
from fastfork.ipc import Field, Scoreboard, ServerState, Slot, State, counters
from fastfork.ipc.failing import OF_SERVER, Failure, add_up, failures
from fastfork.ipc.published import look
from fastfork.ipc.recent_exits import RecentExit, recent_exits
from fastfork.ipc.scoreboard import OUTLIVING
from fastfork.records import record

__all__ = ["Failing", "Histogram", "Reading", "Running", "WorkerFacts", "read"]

PAGE: Final = os.sysconf("SC_PAGE_SIZE")
# The arbiter takes microseconds to move the counts of a worker that has gone.  If it dies in the
# middle of that, nobody reads for long any more.
TRIES: Final = 100
PAUSE: Final = 0.001  # seconds
SLOWEST: Final = 10  # running requests that the page and /status.json name
ARBITER_SILENT: Final = 10.0  # seconds; its loop turns once a second


@record(frozen=True)
class Histogram:
    """counts: of each bucket, not of those below too.  sum: seconds."""

    counts: tuple[int, ...]
    sum: float


@record(frozen=True)
class Running:
    """A request that the application is working on.  seconds: for how long.

    line: method, path and version; its query is left out, because it may hold a secret.
    """

    line: str
    seconds: float


@record(frozen=True)
class Failing:
    """A URL whose answers failed.

    line: method and path.  count: failures.  status: of the last one; 0: the answer was cut.
    at: when that was, in seconds since 1970.
    """

    line: str
    count: int
    status: int
    at: int


@record(frozen=True)
class WorkerFacts:
    """One worker.  seconds: of silence.  memory: resident bytes, 0 = unknown.

    begun: requests that it has taken up.  in_flight: those it has not finished, of which `busy`
    are in the application.  tasks: of asyncio, of requests, which may go on after the response.
    lag: the longest of its asyncio loop between its last two looks up, in seconds; None without
    such a loop.
    """

    nr: int
    pid: int
    state: State
    begun: int
    in_flight: int
    busy: int
    threads: int
    connections: int
    idle: int
    memory: int
    silent: float
    running: tuple[Running, ...]
    tasks: int
    lag: float | None

    @property
    def serves(self) -> bool:
        """Whether it takes requests."""
        return self.state in (State.READY, State.SPENT)


@record(frozen=True)
class Reading:
    """The server.  Counts are of all workers that there were since its start.

    at: when, in seconds of `fastfork.clock`.  answers: responses by the first digit of their
    status, [0] those that were cut.
    arbiter_silent: seconds since the arbiter's loop turned.
    """

    at: float
    state: ServerState
    workers: tuple[WorkerFacts, ...]
    wanted: int
    started: int
    reloads: int
    waiting: int
    waiting_most: int
    arbiter_silent: float
    begun: int
    refused: int
    accepted: int
    sent: int
    received: int
    static: int
    streams: int  # of HTTP/2
    resets: tuple[int, int]  # of these by clients, and by the server
    goaways: int
    answers: tuple[int, ...]
    duration: Histogram
    wait: Histogram
    lag: Histogram
    ends_by_reason: tuple[int, ...]
    ends: tuple[RecentExit, ...]
    failing: tuple[Failing, ...]

    @property
    def slowest(self) -> list[tuple[Running, WorkerFacts]]:
        """Running requests with who is at them, the longest first."""
        found = [(running, worker) for worker in self.workers for running in worker.running]
        return sorted(found, key=lambda pair: -pair[0].seconds)

    @property
    def is_alive(self) -> bool:
        """Whether the arbiter supervises."""
        return self.arbiter_silent < ARBITER_SILENT

    @property
    def is_ready(self) -> bool:
        """Whether requests should be sent here.  Busy workers are workers."""
        serves = any(worker.serves for worker in self.workers)
        return self.state is ServerState.READY and serves and self.is_alive


def read(board: Scoreboard, proc: Path = Path(port.PROC)) -> Reading:
    """Look now.  Takes a system call or three for each worker, for its memory."""
    server = board.server
    now = clock.now_ns()
    totals, failed, slots = _counted(board)
    today = time.time() - now / 1e9
    counts = totals[counters.ANSWERS]
    return Reading(
        at=now / 1e9,
        state=_server_state(board),
        workers=tuple(_worker(nr, slot, now, proc) for nr, slot in slots),
        wanted=server[counters.WANTED],
        started=server[counters.STARTED],
        reloads=server[counters.RELOADS],
        waiting=server[counters.WAITING],
        waiting_most=server[counters.WAITING_MOST],
        arbiter_silent=max(0.0, (now - server[Field.HEARTBEAT_NS]) / 1e9),
        begun=totals[Field.REQUESTS][0],
        refused=totals[Field.REFUSED][0],
        accepted=totals[Field.ACCEPTED][0],
        sent=totals[Field.BYTES_SENT][0],
        received=totals[counters.BYTES_RECEIVED][0],
        static=totals[counters.STATIC_ANSWERS][0],
        streams=totals[counters.H2_STREAMS][0],
        resets=(totals[counters.H2_RESETS][0], totals[counters.H2_RESETS_SENT][0]),
        goaways=totals[counters.H2_GOAWAYS][0],
        answers=tuple(counts),
        duration=_histogram(totals, counters.DURATIONS, counters.DURATION_SUM),
        wait=_histogram(totals, counters.WAITED, counters.WAIT_SUM),
        lag=_histogram(totals, counters.LAGS, counters.LAG_SUM),
        ends_by_reason=tuple(server[counters.ENDS + reason] for reason in counters.Reason),
        ends=tuple(recent_exits(server)),
        failing=tuple(
            Failing(one.line, one.count, one.status, round(today + one.last_ns / 1e9))
            for one in add_up(failed)
        ),
    )


# First word -> how many.
RUNS: Final = {
    **{int(field): 1 for field in OUTLIVING},
    counters.ANSWERS: counters.ANSWER_CLASSES,
    counters.DURATION_SUM: 1,
    counters.WAIT_SUM: 1,
    counters.DURATIONS: counters.BUCKETS,
    counters.STATIC_ANSWERS: 1,
    counters.H2_STREAMS: 1,
    counters.H2_RESETS: 1,
    counters.H2_RESETS_SENT: 1,
    counters.H2_GOAWAYS: 1,
    counters.WAITED: counters.BUCKETS,
    counters.BYTES_RECEIVED: 1,
    counters.LAG_SUM: 1,
    counters.LAGS: counters.BUCKETS,
}


def _counted(
    board: Scoreboard,
) -> tuple[dict[int, list[int]], list[Failure], list[tuple[int, Slot]]]:
    """Totals, failures, and the slots of workers; read at a moment when no count is on its way."""
    server = board.server
    for _try in range(TRIES):
        before = look(server, counters.EDITS)
        slots = list(_slots(board))
        totals = {}
        for word, size in RUNS.items():
            sources = [server, *(slot.ints for _nr, slot in slots)]
            columns = zip(*(source[word : word + size] for source in sources), strict=True)
            totals[word] = [sum(column) for column in columns]
        failed = failures(server, OF_SERVER)
        for _nr, slot in slots:
            failed += failures(slot.ints)
        if look(server, counters.EDITS) == before and before % 2 == 0:
            break
        time.sleep(PAUSE)
    return totals, failed, slots


def _slots(board: Scoreboard) -> Iterator[tuple[int, Slot]]:
    """Yield those that a worker has.  A number beyond the highest used is not looked at: that would
    make its page."""
    for nr in range(min(board.server[counters.SLOTS], board.capacity)):
        slot = board.slot(nr)
        if slot.pid and slot.state is not State.EMPTY:
            yield nr, slot


def _worker(nr: int, slot: Slot, now: int, proc: Path) -> WorkerFacts:
    answered = sum(slot.ints[counters.ANSWERS : counters.ANSWERS + counters.ANSWER_CLASSES])
    busy = slot.in_flight
    connections = slot.connections
    # A thread's connection may still be in the list of those that wait.
    idle = max(0, min(slot.ints[counters.KEPT_ALIVE], connections - busy))
    running = [Running(_without_query(line), (now - since) / 1e9) for since, line in slot.serving()]
    return WorkerFacts(
        nr=nr,
        pid=slot.pid,
        state=slot.state,
        begun=slot.requests,
        in_flight=max(slot.requests + slot.refused - answered, busy, 0),
        busy=busy,
        threads=slot.threads,
        connections=connections,
        idle=idle,
        memory=_resident(slot.pid, proc) or slot.rss_bytes,
        silent=max(0.0, (now - slot.heartbeat_ns) / 1e9),
        running=tuple(running),
        tasks=slot.ints[counters.TASKS],
        lag=slot.ints[counters.LAG_LONGEST] / 1e9 if slot.ints[counters.LAG_SUM] else None,
    )


def _histogram(totals: dict[int, list[int]], at: int, sum_at: int) -> Histogram:
    return Histogram(tuple(totals[at]), totals[sum_at][0] / 1e9)


def _resident(pid: int, proc: Path) -> int:
    """Return the bytes (proc(5) statm); 0 when nobody knows."""
    try:
        return int((proc / str(pid) / "statm").read_text().split()[1]) * PAGE
    except (OSError, ValueError, IndexError):
        return 0


def _without_query(line: str) -> str:
    method, _, rest = line.partition(" ")
    target, _, version = rest.partition(" ")
    path, mark, _query = target.partition("?")
    return " ".join(filter(None, (method, path + ("?..." if mark else ""), version)))


def _server_state(board: Scoreboard) -> ServerState:
    try:
        return board.server_state
    except ValueError:
        return ServerState.STARTING  # an application can write over this memory
