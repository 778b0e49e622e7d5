"""Who gives way when a worker is full: of places for connections, or of memory for their heads.

A connection that nobody needs goes first: one that is idle between two requests, or that has its
answer and only does not close.  Then goes whoever has been slow for the longest, in saying
anything, in a handshake, in a head or a body; or who has taken nothing of an answer for eight times
as long.  Who has a request in the application, or in line for it, is left alone.

How long is slow depends on how crowded it is.  A second, as a rule; while somebody waits to be
accepted and nobody is that slow, it becomes less, and with each place that is free without this
it becomes more again.  So one who comes finds a place within a quarter of a second, or after those in front
of him, and who is a little slow is cut off only where slow ones take all places again and again.

Runs in: worker
"""

cimport cython

from fastfork._core.base cimport MSG_DONTWAIT, MSG_PEEK, recv
from fastfork._core.conn.connection cimport BODY, LINGERING, RESPONDING, RUNNING, partial_bytes
from fastfork._core.conn.deadlines cimport (
    BRIEF_LINGER,
    FIRST_BYTE,
    LINGER,
    MORE_BODY,
    NEXT_REQUEST,
    READER,
    SHAKE,
    WHOLE_HEAD,
)


cdef enum:
    FLOOR_NS = 50000000       # less is slow for nobody, however crowded it is
    IDLE_NS = 250000000       # between two requests: a request that crosses our end is lost
    PATIENT = 8               # pauses of a client that is quick on average count for so much less
    LOOKED_AT = 32            # connections that are looked at for that, of each kind
    FULL_LOG_NS = 10000000000
    DRAIN_BYTES = 64 << 10    # read and forgotten of one that gives way
    PARTIALS_MAX = 32 << 20   # bytes of heads that are not complete, and of what is read too early

cdef int[5] SLOW = [FIRST_BYTE, SHAKE, WHOLE_HEAD, MORE_BODY, READER]
cdef int[4] KEEPERS = [WHOLE_HEAD, READER, NEXT_REQUEST, FIRST_BYTE]


@cython.final
cdef class Crowded:
    """most_connections: the worker holds no more than this."""

    def __cinit__(self, Connections connections, int most_connections):
        self.connections = connections
        self.deadlines = connections.deadlines
        self.most_connections = most_connections
        self.least_ns = SLOW_NS

    # Room for one connection more.

    cdef bint make_room(self) except -1:
        """Close one connection, for one that waits to be accepted."""
        cdef int64_t least = self.least_ns
        return (self._let_one_go(BRIEF_LINGER, least // 4)
                or self._let_one_go(NEXT_REQUEST, IDLE_NS)
                or self._let_one_go(LINGER, least // 4)
                or self._let_slow_go(least))

    cdef void press(self) noexcept:
        """Nobody could give way, and somebody waits: look for less slow ones the next time."""
        self.least_ns = max(<int64_t>FLOOR_NS, self.least_ns * 7 // 8)

    cdef void relax(self) noexcept:
        """Somebody has come, and nobody had to give way for him."""
        if self.least_ns < SLOW_NS:
            self.least_ns += self.least_ns // 8

    cdef int64_t _slow_since(self, Connection connection, int wait) noexcept:
        """When a wait began; as it were, where it has to be PATIENT times as long to count as
        much.

        Of a body: when it would have begun, had it come at the rate that is asked for until now;
        which is in the future for one that came quickly, and then its pauses count."""
        cdef int64_t now = self.connections.now
        cdef int64_t since = connection.deadline - self.deadlines.patience[wait]
        if wait == READER or wait == MORE_BODY:
            since = now - (now - since) // PATIENT
        if wait == MORE_BODY and connection.state == BODY and connection.request.body is not None:
            return min(since, connection.request.body.due - connection.request.body.grace_ns)
        return since

    cdef Connection _slowest(self, int wait, int64_t until):
        """Who waits like this, nothing having come of it now, for the longest; since `until` at
        the latest.  None when there is nobody."""
        cdef Connection found = None
        cdef Connection connection = self.deadlines.oldest(wait)
        cdef int64_t since
        cdef char byte
        cdef int _i
        for _i in range(LOOKED_AT):
            if connection is None:
                break
            since = self._slow_since(connection, wait)
            # What has come already will be served in this turn.
            if (since <= until and connection.state != RUNNING and connection.carrier is None
                    and (wait == READER
                         or recv(connection.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0)):
                found = connection
                if wait != MORE_BODY:
                    break  # the others came later
                until = since - 1
            connection = <Connection>connection.behind if connection.behind != NULL else None
        return found

    cdef bint _let_one_go(self, int wait, int64_t least) except -1:
        """Close the oldest connection that waits like this, if it did for `least` ns."""
        cdef Connection connection = self.deadlines.oldest(wait)
        cdef char byte
        cdef int _i
        for _i in range(LOOKED_AT):
            if (connection is None
                    or connection.deadline - self.deadlines.patience[wait] + least > self.connections.now):
                return False
            if connection.state != RUNNING and (
                    wait == LINGER or wait == BRIEF_LINGER
                    or recv(connection.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0):
                self._send_away(connection, wait)
                return True
            connection = <Connection>connection.behind if connection.behind != NULL else None
        return False

    cdef bint _let_slow_go(self, int64_t least) except -1:
        """Close whoever has been slow for the longest, if for `least` ns."""
        cdef Connection connection, found = None
        cdef int64_t until = self.connections.now - least
        cdef int i, wait = 0
        for i in range(5):
            connection = self._slowest(SLOW[i], until)
            if connection is not None:
                found, wait = connection, SLOW[i]
                until = self._slow_since(connection, wait) - 1
        if found is None:
            return False
        self._send_away(found, wait)
        return True

    cdef int _send_away(self, Connection connection, int wait) except -1:
        """End its wait as if its time were up, and have its place at once."""
        self.deadlines.remove(connection)
        if wait == SHAKE:
            self._tell_full()
        elif wait == WHOLE_HEAD or wait == MORE_BODY or wait == READER:
            self._tell_full()
            try:
                self.connections.run_out(connection, wait)
            except Exception:
                self.connections.close_on_error(connection)
            self.connections.flush()
            if connection.state == LINGERING:
                # What is unread when a socket is closed makes the kernel send a reset.
                recv(connection.fd, self.connections.crew.seat.received, DRAIN_BYTES, 0)
            elif connection.state == RESPONDING:
                return self.connections.reset(connection)  # it does not take that answer either
        if self.connections.tells:
            self.connections.why = "others need its room"
        return self.connections.close(connection)

    cdef int _tell_full(self) except -1:
        self.gave_way += 1
        if self.connections.now - self.told_full_ns > FULL_LOG_NS:
            self.connections.log.warning(
                "No room for more than %d connections in this worker; those that have been slow "
                "for the longest give way (%d so far)", self.connections.count, self.gave_way)
            self.told_full_ns = self.connections.now
        return 0

    # Memory for what is not yet a request.

    cdef int keep(self, Connection connection, const char *p, Py_ssize_t n) except -1:
        """Append n bytes to what is kept of this connection.  All of a worker's together have
        PARTIALS_MAX of its memory; beyond it those with much of that give way, the oldest
        first."""
        connection.keep(p, n)
        if partial_bytes() > PARTIALS_MAX:
            return self._free_partials(connection)
        return 0

    cdef int _free_partials(self, Connection connection) except -1:
        """connection: is in use, and stays."""
        cdef Connection other
        cdef int64_t share = PARTIALS_MAX // max(1, self.connections.count)
        cdef void *at
        cdef int i
        for i in range(4):
            at = self.deadlines.first[KEEPERS[i]]
            while at != NULL and partial_bytes() > PARTIALS_MAX:
                other = <Connection>at
                at = other.behind
                if other is connection or other.state == RUNNING or other.partial_room < share:
                    continue
                self.deadlines.remove(other)
                try:
                    if KEEPERS[i] == WHOLE_HEAD:
                        self.connections.run_out(other, WHOLE_HEAD)
                    else:
                        self.connections.reset(other)
                except Exception:
                    self.connections.close_on_error(other)
        return 0
