"""Shared memory: what every worker is doing, at no system call.

One anonymous shared mapping, a slot of whole pages a worker number.  A field has one writer,
the worker but for two, and is an aligned 8-byte store, so it is read without a lock.  Where
several words belong together, one of them says whether they may be read (published.py).
A number outlives its pid: the arbiter clears a slot while no worker owns it.

Runs in: both
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from enum import IntEnum
from typing import Final

from fastfork import clock, forks
from fastfork.ipc import counters, failing, failure
from fastfork.ipc.counters import Closing
from fastfork.ipc.published import look, publish

# A page for the worker, its first 16 words the `Field`s, words 64 to 255 what counters.py names,
# and then 256 bytes, a place, for each application thread: two words, when it entered the
# application (0: it is not there) and the length of its request line, and the line.  Behind the
# places is the table of failing.py.  Pages that are not used cost nothing, and no worker's store
# takes a cache line from another.
PLACES_AT: Final = 4096
PLACE_BYTES: Final = 256
PLACES_MAX: Final = 256
SLOT_BYTES: Final = 8 * failing.OF_WORKER.stop
REQUEST_LINE_AT: Final = 16  # in a place
# A reader that finds another request behind the line than before it: so often it reads again.
TRIES: Final = 8
REQUEST_LINE_BYTES: Final = PLACE_BYTES - REQUEST_LINE_AT


class State(IntEnum):
    """The life of a worker.  Only ever goes up."""

    EMPTY = 0
    BOOTING = 1
    READY = 2
    SPENT = 3  # serves, and asks to be replaced (max_requests)
    DRAINING = 4
    EXITING = 5
    WARM = 6  # no worker any more: becomes a template


class Order(IntEnum):
    """What the arbiter wants of a worker beyond its signals; written before SIGTERM is sent."""

    NONE = 0
    WARM = 2  # become a template when you have finished
    LAST = 1  # the whole server stops: whoever waits in the accept queue is yours to serve


class ServerState(IntEnum):
    """The life of the whole server.  Only READY means: send requests here."""

    STARTING = 0
    READY = 1
    DRAINING = 2  # serves, and will stop in `drain_delay` seconds
    STOPPING = 3


class Field(IntEnum):
    """Index of each native signed 64-bit integer in a slot; the compiled code has the same.

    ORDER and RSS_BYTES are the arbiter's to write, all others the worker's.
    """

    PID = 0
    STATE = 1
    HEARTBEAT_NS = 2
    REQUESTS = 3
    CONNECTIONS = 4
    IN_FLIGHT = 5  # threads in the application
    IN_FLIGHT_SINCE_NS = 6  # since when all of them are; 0: one is free
    BYTES_SENT = 7
    REFUSED = 8
    ACCEPTED = 9
    ORDER = 11
    RSS_BYTES = 12
    THREADS = 13  # that run the application


# What the worker counts there, and the server goes on with when it has gone.
OUTLIVING: Final = (Field.REQUESTS, Field.BYTES_SENT, Field.REFUSED, Field.ACCEPTED)


class _Int:
    """One integer field of a slot, as an attribute."""

    def __init__(self, field: Field) -> None:
        self._index = int(field)

    def __get__(self, slot: Slot, _owner: type[Slot]) -> int:
        return slot.ints[self._index]

    def __set__(self, slot: Slot, value: int) -> None:
        slot.ints[self._index] = value


class Slot:
    """What one worker says about itself.

    `view` is the raw bytes for the compiled code, `ints` the same bytes as integers,
    `board` the bytes of all slots, this one among them, for a look at the other workers.
    server: the words of the server's own slot: its state, and the counts of workers that have
    gone.
    Times are nanoseconds of `fastfork.clock`.
    """

    pid = _Int(Field.PID)
    heartbeat_ns = _Int(Field.HEARTBEAT_NS)
    requests = _Int(Field.REQUESTS)
    connections = _Int(Field.CONNECTIONS)
    in_flight = _Int(Field.IN_FLIGHT)
    in_flight_since_ns = _Int(Field.IN_FLIGHT_SINCE_NS)
    bytes_sent = _Int(Field.BYTES_SENT)
    refused = _Int(Field.REFUSED)
    accepted = _Int(Field.ACCEPTED)
    order = _Int(Field.ORDER)
    rss_bytes = _Int(Field.RSS_BYTES)
    threads = _Int(Field.THREADS)

    def __init__(
        self,
        view: memoryview,
        ring: Callable[[], None],
        board: memoryview | None = None,
        server: memoryview[int] | None = None,
    ) -> None:
        self.view: Final = view
        self.board: Final = view if board is None else board
        self.ints: Final[memoryview[int]] = view.cast("q")
        self._ring = ring
        self.server: Final = server

    @property
    def state(self) -> State:
        """Where the worker is in its life; a value nobody could have written reads as EMPTY."""
        try:
            return State(self.ints[Field.STATE])
        except ValueError:
            # An application can write over this memory; it must not stop the arbiter.
            return State.EMPTY

    @state.setter
    def state(self, state: State) -> None:
        """Say it, and wake the arbiter to read it."""
        self.ints[Field.STATE] = state
        self._ring()

    def beat(self) -> None:
        """Write the heartbeat: the worker is alive now."""
        self.heartbeat_ns = clock.now_ns()

    def request_line(self) -> str:
        """Return the request line that is served for the longest time, '' when idle; safe to
        log."""
        running = self.serving()
        return running[0][1] if running else ""

    def serving(self) -> list[tuple[int, str]]:
        """(since when, request line) of all that the application is working on, the longest first.

        Bytes come from the peer as they were, so all but printable ASCII is escaped here.
        """
        running = []
        for at in self._places():
            since, raw = self._in_place(at)
            if since:
                line = raw.decode("latin-1").encode("unicode_escape").decode("ascii")
                running.append((since, line))
        return sorted(running)

    def _in_place(self, at: int) -> tuple[int, bytes]:
        """(since when, line) of one place.  Read again when another request has come meanwhile."""
        for _try in range(TRIES):
            since = look(self.ints, at // 8)
            size = min(max(self.ints[at // 8 + 1], 0), REQUEST_LINE_BYTES)
            start = at + REQUEST_LINE_AT
            raw = bytes(self.view[start : start + size])
            if look(self.ints, at // 8) == since:
                return since, raw
        return 0, b""  # requests that are over before they are read: nobody waits for one

    def note_failure(self, line: str) -> None:
        """Say why the application cannot be served; the arbiter's last line, if none ever was."""
        if self.server is not None:
            failure.note(self.server, line)

    def clear(self) -> None:
        """Make the slot EMPTY, and keep what was counted.  Only while no worker owns it.

        Runs in: arbiter.
        """
        used = self._places().stop
        server = self.server
        if server is None:
            self.view[:] = bytes(SLOT_BYTES)
            return
        publish(server, counters.EDITS, server[counters.EDITS] + 1)
        for word in (*OUTLIVING, *counters.COUNTED):
            server[word] += self.ints[word]
        failing.hand_over(server, self.ints)
        self.view[:used] = bytes(used)
        publish(server, counters.EDITS, server[counters.EDITS] + 1)

    def _places(self) -> range:
        """Return where the places are that are in use, in bytes."""
        count = min(max(self.threads, 1), PLACES_MAX)
        return range(PLACES_AT, PLACES_AT + count * PLACE_BYTES, PLACE_BYTES)


class Scoreboard:
    """`capacity` slots, numbered from 0, and `server`, the words of one for the server itself.

    Pages that no worker touches cost no memory, so the capacity can be generous.
    ring: called after a worker has changed its state; wakes the arbiter.
    """

    def __init__(self, capacity: int, *, ring: Callable[[], None] = lambda: None) -> None:
        self.capacity: Final = capacity
        self._ring = ring
        # -1: anonymous, and shared with the children (mmap(2) MAP_SHARED | MAP_ANONYMOUS).
        # One slot more than there are workers, for what the arbiter says of the server.
        self._memory: Final = memoryview(mmap.mmap(-1, (capacity + 1) * SLOT_BYTES))
        self.server: Final[memoryview[int]] = self._memory[capacity * SLOT_BYTES :].cast("q")
        forks.hold(self)

    def let_go(self) -> None:
        """Let go in a child that is not ours: what it writes here from now on nobody else sees."""
        forks.make_private(self._memory)

    def slot(self, nr: int) -> Slot:
        """Return the slot of worker `nr`.  Raises IndexError for a number outside the capacity."""
        if not 0 <= nr < self.capacity:
            raise IndexError(f"worker number {nr} is not below {self.capacity}")
        start = nr * SLOT_BYTES
        workers = self._memory[: self.capacity * SLOT_BYTES]  # without the server's own slot
        return Slot(workers[start : start + SLOT_BYTES], self._ring, workers, self.server)

    def claim(self, nr: int) -> Slot:
        """Return the same, for a worker that is about to be: readers look at it from now on.

        Runs in: arbiter, which alone writes how many numbers there are.
        """
        slot = self.slot(nr)
        self.server[counters.SLOTS] = max(self.server[counters.SLOTS], nr + 1)
        return slot

    @property
    def server_state(self) -> ServerState:
        """Whether the server is ready.  Every process can read it, the arbiter writes it."""
        return ServerState(self.server[Field.STATE])

    @server_state.setter
    def server_state(self, state: ServerState) -> None:
        self.server[Field.STATE] = state
        self.say_close(Closing.DRAINS, state >= ServerState.DRAINING)

    def say_close(self, reason: Closing, is_so: bool) -> None:
        """Have the answers of all workers say that their connection closes, or not any more.

        Runs in: arbiter.
        """
        word = self.server[counters.CLOSING]
        self.server[counters.CLOSING] = word | reason if is_so else word & ~reason
