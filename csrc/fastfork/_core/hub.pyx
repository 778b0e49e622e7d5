"""A worker's heart: what happens between two waits of the event loop.

The loop itself is Python (fastfork.workers.reactor): it waits, and gives what it was told to
`Hub.turn`.  A request that answers at once costs one recv and one send; the poller is told
about a connection once, when it is accepted and has not already been served and closed.

Ownership: a connection belongs to the hub, or while `busy` to the application call that
answers it.  The hub belongs to one thread at a time: see crew.pyx.

Runs in: worker
"""

cimport cython
from libc.stdint cimport int64_t

from fastfork._core.answering cimport Answering
from fastfork._core.batch cimport BATCH_NS, ff_pusher_is_set
from fastfork._core.connection cimport Connection
from fastfork._core.crew cimport Seat, go_away, go_in
from fastfork._core.deadlines cimport NEXT_REQUEST
from fastfork._core.scoreboard cimport BYTES_SENT, HEARTBEAT, KEPT_ALIVE, REQUESTS
from fastfork._core.ticks cimport now_ns
from fastfork._core.writer cimport ResponseWriter

cdef enum:
    READY_NS = 10000000       # of a turn for work that was left over
    AWAKE_NS = 1000000000     # between two looks up of a worker that is used
    LOG_NS = 50000000         # how long an access log line may wait for company
    LOG_LINES = 512           # ... and how many may

cdef double LOOK_UP = -1.0    # what a turn returns besides the seconds to wait
cdef double LOST_LEAD = -2.0


@cython.final
cdef class Hub(Answering):
    """See `Answering`, `Receiver` and `Connections` for the other arguments.

    gateway: has requests answered.
    write_access(lines: list[str]) writes access log lines.
    most_requests: after so many the worker is told, 0 = never.
    """

    def __init__(self, gateway, *, site, batch, deadlines, poller, parser, environs, write_access,
                 most_connections, accepts, spool_after, spool_dir, trusted=None, forwarded=None,
                 proxy_versions=0, is_proxy=None, body_min_rate=0, body_grace=10.0,
                 queue_timeout=0, most_requests=0):
        # Each layer below takes its own of these, and none knows all: here they are named, so
        # that one which nobody takes is an error.
        self.write_access = write_access
        self.most_requests = most_requests

    def rest(self):
        """Forget what was remembered of requests, if none came since the last call; and in any
        case what has been remembered for long."""
        if self.slot[REQUESTS] == self.rested:
            self.forget_values()
        else:
            self.expire_blocks()
        self.rested = self.slot[REQUESTS]

    def look_up_in(self, seconds):
        """Return from the loop, see `turn`, in `seconds` at the latest; and in one second, as soon
        as something comes."""
        self.attention = False
        self.dozes = seconds > 1.0
        self.look_up_ns = now_ns() + <int64_t>(seconds * 1e9)

    def turn(self, list events, Seat seat=None):
        """Serve what the poller reported: [(descriptor, mask), ...].

        Returns the seconds to wait for more, 0 when there is work left; -1 when the worker
        should look up: the time given to `look_up_in` is over, `attention` is set,
        most_requests are served, or the last connection of a worker that leaves is gone.

        seat: of the thread that calls, where there are several.  -2: another one leads now.
        """
        cdef double wait = 0.0
        if self.crew.forks.foreign:
            self.crew.stay()
        go_in(self.crew, self.crew.first if seat is None else seat)
        try:
            if seat is None:
                return self._turn(events)
            if self.crew.leader is seat:
                wait = self._turn(events)
            else:
                self.now = self.turn_ns = now_ns()
                self._go_on_here(0)
                self._flush()
                if self.crew.seat.worn is not None:
                    self.gateway.shed(self.now)
            if self.crew.leader is not seat:
                self._nudge()
            return LOST_LEAD if self.crew.leader is not seat or self.crew.stopping else wait
        finally:
            go_away(self.crew)

    cdef int _nudge(self) except -1:
        """As a guest, on the way out: the leader may wait for longer than what we leave to it."""
        cdef int64_t wait = 0 if self._is_time() else self._wait()
        if self.now + wait < self.back_ns and self.crew.nudge is not None:
            self.back_ns = 0  # once is enough
            self.crew.nudge()
        return 0

    cdef bint _is_time(self) noexcept:
        return (self.attention or self.now >= self.look_up_ns
                or (self.site.draining and self._has_done())
                or (self.most_requests and self.slot[REQUESTS] >= self.most_requests
                    and not self.site.draining))

    cdef double _turn(self, list events) except -3:
        if not self.gateway.suspends:
            return self._serve(events)
        self.gateway.turn_begins()
        try:
            return self._serve(events)
        finally:
            self.gateway.turn_ends()

    cdef double _serve(self, list events) except -3:
        cdef Connection connection
        cdef int64_t wait, began, due, term = self.crew.terms
        cdef Py_ssize_t left
        self.now = self.turn_ns = began = now_ns()
        self.crew.end()  # after a mishap
        if self.crew.keeping:
            self._pause()
        else:
            if self.paused:
                self._unpause()
            self._serve_queued()
        if not self.crew.keeping or self.crew.places > 1:
            self.slot[HEARTBEAT] = self.now  # the keeper's alone says nothing of the only thread
        self.site.lines.refresh()
        left = len(events)
        if self.dozes and left:
            self.dozes = False
            self.look_up_ns = min(self.look_up_ns, began + AWAKE_NS)
        for event in events:
            if self.crew.terms != term:
                break  # others have led meanwhile, and the poller tells it all again
            left -= 1
            self.batch.is_last = left == 0
            fd = (<tuple>event)[0]
            entry = self.table[<int>fd]
            if type(entry) is Connection:
                connection = <Connection>entry
                try:
                    self._event(connection, (<tuple>event)[1])
                except BaseException:
                    self._mishap(connection)
                if self.batch.waiting() and self.now - self.batch.outs.first_ns > BATCH_NS:
                    self._flush()
                if left and self.crew.seat.worn is not None and not self.crew.displaced():
                    self.gateway.shed(self.now)
            elif entry is not None:
                entry()
        if self.ready and not self.crew.keeping and self.crew.terms == term:
            self._flush()  # whoever does not take what he asked for gets no more made for him
            self._go_on_anywhere(began)
        if self.crew.seat.inbox:
            self._flush()
            self._go_on_here(began)
        self._flush()
        due = self.deadlines.next()
        if 0 <= due <= began:
            self._expire(began)
            self._flush()
        if self.crew.seat.worn is not None:
            self.gateway.shed(self.now)
        if self.listen_again and self.now >= self.listen_again:
            self.listen_again = 0
            self._listen(True)
        self.slot[BYTES_SENT] = self.batch.bytes_sent
        self.slot[KEPT_ALIVE] = self.deadlines.count[NEXT_REQUEST]
        if self._is_time():
            return LOOK_UP
        wait = 0 if self.crew.terms != term else self._wait()
        if not self.crew.displaced():
            self.back_ns = self.now + wait
            if wait > 0 and ff_pusher_is_set(&self.batch.outs):
                self.batch.rest(self.now)
        return wait * 1e-9 if wait > 0 else 0.0

    cdef int _go_on_anywhere(self, int64_t began) except -1:
        """Take up the connections that had bytes left in an earlier turn."""
        cdef Connection connection
        going_on, self.ready = self.ready, []
        for at, connection in enumerate(going_on, 1):
            self.batch.is_last = at == len(going_on)
            try:
                self._go_on(connection)
            except BaseException:
                self._mishap(connection)
            if self.now - began > READY_NS or self.crew.displaced():
                self.ready = going_on[at:] + self.ready
                break
        return 0

    cdef int _go_on_here(self, int64_t began) except -1:
        """Take up the responses that are this thread's.  began: of the turn; 0: there is no
        hurry, as somebody else leads."""
        cdef Seat seat = self.crew.seat
        self.batch.is_last = True
        while seat.inbox:
            going_on, seat.inbox = seat.inbox, []
            for at, item in enumerate(going_on, 1):
                try:
                    if type(item) is Connection:
                        self._go_on(<Connection>item)
                    else:
                        self.gateway.abandon(<ResponseWriter>item)
                except BaseException:
                    if type(item) is Connection:
                        self._mishap(<Connection>item)
                    elif self.site.leaving() or self.crew.forks.foreign:
                        raise
                    else:
                        self.log.exception("Error in the server while it gave up a response")
                if self.crew.leader is seat and self.now - began > READY_NS:
                    # Many streams, each with its time: others have sent requests meanwhile.
                    seat.inbox = going_on[at:] + seat.inbox
                    return 0
            if self.crew.leader is seat:
                return 0  # who goes on again does so in the next turn
            self._flush()
        return 0

    cdef int64_t _wait(self) except -2:
        """Nanoseconds until something is due; also writes the access log when it is."""
        cdef int64_t wait = self.look_up_ns - self.now, due = self.deadlines.next()
        if due >= 0:
            wait = min(wait, due - self.now)
        if self.site.access_lines:
            if self.now - self.log_ns >= LOG_NS or len(self.site.access_lines) >= LOG_LINES:
                self.log_ns = self.now
                self.flush_access_log()
            else:
                wait = min(wait, <int64_t>LOG_NS)
        if self.listen_again:
            wait = min(wait, self.listen_again - self.now)
        return 0 if (self.ready and not self.crew.keeping) or self.crew.leader.inbox else wait

    def flush_access_log(self):
        """Write the lines that wait for company."""
        if self.site.access_lines:
            self.write_access(self.site.access_lines)
            self.site.access_lines.clear()
