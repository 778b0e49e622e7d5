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

from fastfork._core.conn.batch cimport BATCH_NS, Batch, ff_flusher_is_set
from fastfork._core.conn.connection cimport LINGERING, Connection
from fastfork._core.loop.crew cimport Seat, go_away, go_in
from fastfork._core.conn.crowded cimport Crowded
from fastfork._core.conn.deadlines cimport NEXT_REQUEST, QUEUED, Deadlines
from fastfork._core.http.environ cimport EnvironBuilder
from fastfork._core.http.http1 cimport Http1
from fastfork._core.conn.neighbours cimport Neighbours
from fastfork._core.http.parsers cimport HeadParser
from fastfork._core.http.protocol cimport Protocol
from fastfork._core.conn.proxy_protocol cimport ProxyProtocol
from fastfork._core.http.receiver cimport Receiver
from fastfork._core.scoreboard cimport BYTES_SENT, HEARTBEAT, KEPT_ALIVE, REQUESTS
from fastfork._core.http.site cimport Site
from fastfork._core.ticks cimport now_ns
from fastfork._core.http.trust cimport Trust
from fastfork._core.http.uploads cimport Uploads
from fastfork._core.http.writer cimport ResponseWriter

cdef enum:
    READY_NS = 10000000       # of a turn for work that was left over
    AWAKE_NS = 1000000000     # between two looks up of a worker that is used
    LOG_NS = 50000000         # how long an access log line may wait for company
    LOG_LINES = 512           # ... and how many may

cdef double LOOK_UP = -1.0    # what a turn returns besides the seconds to wait
cdef double LOST_LEAD = -2.0


@cython.final
cdef class Hub:
    """The loop of a worker, and what it is composed of.

    gateway: has requests answered.  parser, environs: see `Receiver`.  trusted, forwarded: see
    `Trust`.  most_connections: see `Crowded`.  accepts: see `Listeners`.  spool_after, spool_dir,
    body_min_rate, body_grace: see `Uploads`.  queue_timeout: see `RequestQueue`.
    proxy_versions, is_proxy: see `ProxyProtocol`; 0: connections begin with a request.
    write_access(lines: list[str]) writes access log lines.
    most_requests: after so many the worker is told, 0 = never.
    """

    def __cinit__(self, Gateway gateway, *, Site site, Batch batch, Deadlines deadlines, poller,
                  HeadParser parser, EnvironBuilder environs, write_access,
                  int most_connections, int accepts, int64_t spool_after, spool_dir,
                  EnvironBuilder trusted=None, forwarded=None, int proxy_versions=0, is_proxy=None,
                  int64_t body_min_rate=0, body_grace=10.0, queue_timeout=0, most_requests=0):
        cdef Connections connections = Connections(
            site=site, batch=batch, deadlines=deadlines, poller=poller)
        cdef Crowded crowded = Crowded(connections, most_connections)
        cdef Neighbours neighbours = Neighbours(connections.crew)
        self.site = site
        self.crew = connections.crew
        self.batch = batch
        self.deadlines = deadlines
        self.slot = connections.slot
        self.gateway = gateway
        self.connections = connections
        self.crowded = crowded
        self.neighbours = neighbours
        self.answering = Answering(gateway, connections)
        self.queue = RequestQueue(connections, neighbours, queue_timeout)
        self.tls = Tls(connections, self.queue, self.answering)
        self.uploads = Uploads(
            connections, self.answering, self.tls, parser, spool_after=spool_after,
            spool_dir=spool_dir, body_min_rate=body_min_rate, body_grace=body_grace)
        self.receiver = Receiver(connections, crowded, self.answering, self.uploads,
                                 Trust(site, trusted, forwarded), parser, environs)
        self.tls.inner = Http1(connections, self.answering, self.queue, self.tls, self.receiver)
        self.listeners = Listeners(connections, crowded, neighbours, accepts)
        self.listeners.inner = self.listeners.outer = self.tls.inner
        if proxy_versions:
            self.listeners.outer = ProxyProtocol(
                connections, crowded, self.queue, self.answering, self.tls.inner, proxy_versions,
                is_proxy)
        self.pool = Pool(self.listeners, self.queue)
        self.write_access = write_access
        self.most_requests = most_requests

    def secure(self, context, *, facts_of, bint at_once=False, bint tells_ragged=False):
        """Every connection that is accepted from now on has TLS; see `Tls.secure`."""
        self.tls.secure(context, facts_of=facts_of, at_once=at_once, tells_ragged=tells_ragged)
        self.listeners.inner = self.tls
        if type(self.listeners.outer) is ProxyProtocol:
            (<ProxyProtocol>self.listeners.outer).inner = self.tls
        else:
            self.listeners.outer = self.tls

    @property
    def has_done(self):
        """Is nobody left to serve?"""
        return self._has_done()

    cdef bint _has_done(self) noexcept:
        """An application that has taken its connection is still answering a request, and one
        whose client has left may be closing its iterable."""
        return (self.connections.count == 0 and not self.crew.at_work()
                and not self.gateway.at_work())

    def rest(self):
        """Forget what was remembered of requests, if none came since the last call; and in any
        case what has been remembered for long."""
        if self.slot[REQUESTS] == self.rested:
            self.receiver.forget_values()
        else:
            self.receiver.expire_blocks()
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
                self.connections.now = self.connections.turn_ns = now_ns()
                self._go_on_here(0)
                self.connections.flush()
                if self.connections.has_room:
                    self.listeners.see_room()
                if self.crew.seat.worn is not None:
                    self.gateway.shed(self.connections.now)
            if self.crew.leader is not seat:
                self._nudge()
            return LOST_LEAD if self.crew.leader is not seat or self.crew.stopping else wait
        finally:
            go_away(self.crew)

    cdef int _nudge(self) except -1:
        """As a guest, on the way out: the leader may wait for longer than what we leave to it."""
        cdef int64_t wait = 0 if self._is_time() else self._wait()
        if self.connections.now + wait < self.back_ns and self.crew.nudge is not None:
            self.back_ns = 0  # once is enough
            self.crew.nudge()
        return 0

    cdef bint _is_time(self) noexcept:
        return (self.attention or self.connections.now >= self.look_up_ns
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
        cdef Connections connections = self.connections
        cdef Connection connection
        cdef int64_t wait, began, due, term = self.crew.terms
        cdef Py_ssize_t left
        connections.now = connections.turn_ns = began = now_ns()
        self.crew.end()  # after a mishap
        if self.crew.keeping:
            self.listeners.pause()
        else:
            if self.listeners.paused:
                self.listeners.unpause()
            if self.deadlines.count[QUEUED]:
                self.queue.serve()
        if not self.crew.keeping or self.crew.places > 1:
            # The keeper's alone says nothing of the only thread.
            self.slot[HEARTBEAT] = connections.now
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
            entry = connections.table[<int>fd]
            if type(entry) is Connection:
                connection = <Connection>entry
                try:
                    if connection.state == LINGERING:
                        connections.drain(connection)
                    elif connection.turn_ns != connections.turn_ns:
                        (<Protocol>connection.protocol).event(connection, (<tuple>event)[1])
                    # else: it is about the one before, whose descriptor it got in this turn
                except BaseException:
                    connections.close_on_error(connection)
                if self.batch.waiting() and connections.now - self.batch.outs.first_ns > BATCH_NS:
                    connections.flush()
                if left and self.crew.seat.worn is not None and not self.crew.displaced():
                    self.gateway.shed(connections.now)
            elif entry is not None:
                entry()
        if connections.ready and not self.crew.keeping and self.crew.terms == term:
            # Whoever does not take what he asked for gets no more made for him.
            connections.flush()
            self._go_on_anywhere(began)
        if self.crew.seat.inbox:
            connections.flush()
            self._go_on_here(began)
        connections.flush()
        due = self.deadlines.next()
        if 0 <= due <= began:
            connections.expire(began)
            connections.flush()
        if self.crew.seat.worn is not None:
            self.gateway.shed(connections.now)
        if self.listeners.listen_again and connections.now >= self.listeners.listen_again:
            self.listeners.listen_again = 0
            self.listeners.listen(True)
        if connections.has_room:
            self.listeners.see_room()
        self.slot[BYTES_SENT] = self.batch.bytes_sent
        self.slot[KEPT_ALIVE] = self.deadlines.count[NEXT_REQUEST]
        if self._is_time():
            return LOOK_UP
        wait = 0 if self.crew.terms != term else self._wait()
        if not self.crew.displaced():
            self.back_ns = connections.now + wait
            if wait > 0 and ff_flusher_is_set(&self.batch.outs):
                self.batch.rest(connections.now)
        return wait * 1e-9 if wait > 0 else 0.0

    cdef int _go_on_anywhere(self, int64_t began) except -1:
        """Take up the connections that had bytes left in an earlier turn."""
        cdef Connection connection
        going_on, self.connections.ready = self.connections.ready, []
        for at, connection in enumerate(going_on, 1):
            self.batch.is_last = at == len(going_on)
            try:
                (<Protocol>connection.protocol).resume(connection)
            except BaseException:
                self.connections.close_on_error(connection)
            if self.connections.now - began > READY_NS or self.crew.displaced():
                self.connections.ready = going_on[at:] + self.connections.ready
                break
        return 0

    cdef int _go_on_here(self, int64_t began) except -1:
        """Take up the responses that are this thread's.  began: of the turn; 0: there is no
        hurry, as somebody else leads."""
        cdef Connection connection
        cdef Seat seat = self.crew.seat
        self.batch.is_last = True
        while seat.inbox:
            going_on, seat.inbox = seat.inbox, []
            for at, item in enumerate(going_on, 1):
                try:
                    if type(item) is Connection:
                        connection = <Connection>item
                        (<Protocol>connection.protocol).resume(connection)
                    else:
                        self.gateway.abandon(<ResponseWriter>item)
                except BaseException:
                    if type(item) is Connection:
                        self.connections.close_on_error(<Connection>item)
                    elif self.site.leaving() or self.crew.forks.foreign:
                        raise
                    else:
                        self.connections.log.exception(
                            "Error in the server while it gave up a response")
                if self.crew.leader is seat and self.connections.now - began > READY_NS:
                    # Many streams, each with its time: others have sent requests meanwhile.
                    seat.inbox = going_on[at:] + seat.inbox
                    return 0
            if self.crew.leader is seat:
                return 0  # who goes on again does so in the next turn
            self.connections.flush()
        return 0

    cdef int64_t _wait(self) except -2:
        """Nanoseconds until something is due; also writes the access log when it is."""
        cdef int64_t wait = self.look_up_ns - self.connections.now, due = self.deadlines.next()
        if due >= 0:
            wait = min(wait, due - self.connections.now)
        if self.site.access_lines:
            if (self.connections.now - self.log_ns >= LOG_NS
                    or len(self.site.access_lines) >= LOG_LINES):
                self.log_ns = self.connections.now
                self.flush_access_log()
            else:
                wait = min(wait, <int64_t>LOG_NS)
        if self.listeners.listen_again:
            wait = min(wait, self.listeners.listen_again - self.connections.now)
        if (self.connections.ready and not self.crew.keeping) or self.crew.leader.inbox:
            return 0
        return wait

    def flush_access_log(self):
        """Write the lines that wait for company."""
        if self.site.access_lines:
            self.write_access(self.site.access_lines)
            self.site.access_lines.clear()
