"""Where connections come from: accepted when there is room, or not for a while.

Runs in: worker
"""

cimport cython
from libc.errno cimport EMFILE, ENFILE, ENOPROTOOPT, errno

from fastfork._core.base cimport MSG_DONTWAIT, MSG_PEEK, recv
from fastfork._core.conn.batch cimport BATCH_NS
from fastfork._core.conn.connection cimport CLOSED, RUNNING
from fastfork._core.conn.connections cimport EPOLLIN
from fastfork._core.conn.deadlines cimport BRIEF_LINGER, FIRST_BYTE, LINGER, NEXT_REQUEST, QUEUED, SHAKE
from fastfork._core.port cimport ff_tcp_facts
from fastfork._core.scoreboard cimport ACCEPTED
from fastfork._core.ticks cimport now_ns

import errno as errors

cdef enum:
    SHORTAGE_NS = 100000000   # pause after a shortage of descriptors
    SHORTAGE_LOG_NS = 1000000000
    QUEUE_MAX = 256           # connections taken from one queue at a time, when the worker leaves
    QUEUE_NS = 50000000       # ... and how long that may take
    LEAVING_NS = 2000000000   # linger of kept-alive connections when the worker leaves
    FULL_NS = 25000000        # ... of room: somebody may give way soon
    SILENT_NS = 1000000000    # a new connection that has said nothing for this long,
    LAST_IDLE_NS = 500000000  # and a kept-alive one, are closed when the whole server stops,
    CLOSED_MAX = 256          # so many in one go
    NEAR_US = 10000           # the way to a client and back, where that is a small part of it
    STAND_BACK_NS = 3000000   # in which others may take what is too much for this one


cdef bint _is_near(int fd) noexcept:
    """Does a packet reach the client and come back soon, and has the client got everything?"""
    cdef unsigned int round_trip = 0, unconfirmed = 0
    if ff_tcp_facts(fd, &round_trip, &unconfirmed) != 0:
        return errno == ENOPROTOOPT  # a Unix socket
    return round_trip <= NEAR_US and unconfirmed == 0


@cython.final
cdef class Listeners:
    """The listeners of one worker and what it accepts from them.

    accepts: connections taken from one listener in a turn.
    """

    def __cinit__(self, Connections connections, Crowded crowded, Neighbours neighbours, int accepts):
        self.connections = connections
        self.crowded = crowded
        self.neighbours = neighbours
        self.deadlines = connections.deadlines
        self.crew = connections.crew
        self.acceptor = Acceptor()
        self.accepts = accepts
        self.templates = []
        self.listeners = []

    def add_listener(self, int fd, dict template):
        """Accept from `fd`; `template` is the environ that its requests begin with."""
        self.templates.append(template)
        self.listeners.append(fd)

    def listen(self, bint on):
        """Begin or stop to watch the listeners."""
        self._listen(on)

    def begin_drain(self, bint keep_listeners=False):
        """Serve what is here, what waits in the accept queue and what comes on open
        connections, then let them go.

        keep_listeners: nobody else accepts there any more; call `take_queue()` now and then.
        """
        self.take_queue()
        self.connections.site.draining = True
        self._listen(False)
        self.listen_again = 0
        if not keep_listeners:
            self.let_go()
        self.deadlines.limit(FIRST_BYTE, LEAVING_NS)
        self.deadlines.limit(SHAKE, LEAVING_NS)
        self.deadlines.limit(NEXT_REQUEST, LEAVING_NS)
        self.deadlines.shorten(FIRST_BYTE, now_ns() + LEAVING_NS)
        self.deadlines.shorten(SHAKE, now_ns() + LEAVING_NS)
        self.deadlines.shorten(NEXT_REQUEST, now_ns() + LEAVING_NS)
        for entry in list(self.connections.table):
            if type(entry) is Connection:
                (<Protocol>(<Connection>entry).protocol).drain(<Connection>entry)

    def let_idle_go(self):
        """The whole server stops: close what says nothing, so that nobody waits for its end.

        A request that the client sends in the moment of the close is lost, here as with every
        close.  That moment lasts as long as the way to the client; a connection that has been
        idle for many times as long is hardly ever hit, and one from further away has the time
        that `begin_drain` gave it."""
        self._close_idle(NEXT_REQUEST, LAST_IDLE_NS)
        self._close_idle(FIRST_BYTE, SILENT_NS)
        self.connections.flush()

    cdef int _close_idle(self, int wait, int64_t least) except -1:
        cdef Connection connection = self.deadlines.oldest(wait), following
        cdef char byte
        cdef int _i
        self.connections.now = now_ns()
        for _i in range(CLOSED_MAX):
            if (connection is None
                    or connection.deadline - self.deadlines.patience[wait] + least > self.connections.now):
                return 0
            following = <Connection>connection.behind if connection.behind != NULL else None
            if (connection.state != RUNNING and connection.outbox is None and _is_near(connection.fd)
                    and recv(connection.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0):
                self.connections.close(connection)
            connection = following
        return 0

    def take_queue(self):
        """Accept what waits in the listeners' queues.  True when nobody waits any more."""
        cdef uint32_t i
        cdef int _k, took
        cdef int64_t began = now_ns()
        cdef bint is_empty = True
        self.connections.now = began
        for i in range(len(self.listeners)):
            took = 0
            for _k in range(QUEUE_MAX):
                took = not self.is_at_limit() and self._take(i)
                if not took or self.connections.now - began > QUEUE_NS or self.crew.displaced():
                    break
            if took or self.is_at_limit():
                is_empty = False
        self.connections.flush()
        return is_empty

    def let_go(self):
        """Accept nothing any more.  The descriptors are the caller's to close."""
        self._listen(False)
        self.listeners = []

    cdef int see_room(self) except -1:
        """A connection has gone since the last call: room for one that waits."""
        self.connections.has_room = False
        if self.is_full:
            self.is_full = False
            self.listen_again = 0
        if self.stands_back and self._held() <= self._share():
            self.listen_again = 0
        if not self.listening and not self.listen_again and not self.connections.site.draining:
            return self._listen(True)
        return 0

    cdef int pause(self) except -1:
        """Every thread is in the application: leave new connections to others."""
        if self.listening and not self.paused:
            self.paused = True
            return self._listen(False)
        return 0

    cdef int unpause(self) except -1:
        self.paused = False
        if not self.listen_again and not self.connections.site.draining:
            return self._listen(True)
        return 0

    cdef int _listen(self, bint on) except -1:
        if on and self.crew.keeping:
            self.paused = True  # until a thread can serve who comes
            return 0
        if on == self.listening:
            return 0
        self.listening = on
        self.stands_back = self.stands_back and not on
        self.acceptor.try_out()
        for index, fd in enumerate(self.listeners):
            self.connections.reserve(fd)
            if on:
                self.connections.table[fd] = Listening(self, index)
                self.connections.poller.register_listener(fd)
            else:
                self.connections.poller.unregister(fd)
                self.connections.table[fd] = None
        if self.pool is not None:
            self.connections.reserve(self.pool_fd)
            if on:
                self.connections.table[self.pool_fd] = self.pool
                self.connections.poller.register_listener(self.pool_fd)
            else:
                self.connections.poller.unregister(self.pool_fd)
                self.connections.table[self.pool_fd] = None
        return 0

    cdef int _leave_alone(self, int64_t until) except -1:
        """Accept nobody until then, or until what `see_room` knows."""
        self.connections.has_room = False
        self.listen_again = until
        return self._listen(False)

    def accept_stranded(self):
        """Accept without having been woken, from every listener."""
        cdef uint32_t i
        if self.listening:
            for i in range(len(self.listeners)):
                self._accept(i, False)
            if self.pool is not None:
                self.pool()
            self.connections.flush()

    cdef int _accept(self, uint32_t listener, bint one_waits) except -1:
        """Take connections from the queue of a listener.  one_waits: one is there for certain."""
        cdef int _i
        cdef bint is_crowded = False
        cdef int64_t share = self._share()
        for _i in range(self.accepts):
            if not self.listening:
                return 0
            if not one_waits and self._has_more_than(share + max(<int64_t>1, share // 10)):
                return self._stand_back()
            if self.is_at_limit():
                if not one_waits:
                    return 0
                if self.connections.count > share + max(<int64_t>1, share // 10):
                    return self._stand_back()  # others have places
                if not self.crowded.make_room():
                    return self._no_room()
                is_crowded = True
            one_waits = False
            if not self._take(listener):
                if not self.acceptor.error:
                    return 0
                # A descriptor that somebody gives back is as good as a place.
                if (self.acceptor.error != EMFILE and self.acceptor.error != ENFILE
                        or not self.crowded.make_room()):
                    return self._shortage()
                is_crowded = one_waits = True
            if not is_crowded:
                self.crowded.relax()
            if self.crew.displaced():
                return 0
        if self._has_more_than(share):
            self._stand_back()
        return 0

    cdef bint _has_more_than(self, int64_t most) except -1:
        """Does it hold more connections than that, those that have their last answer left aside?

        Where each request comes on a connection of its own, none of them stays."""
        if self._held() <= most:
            return False
        self.connections.flush()
        return self._held() > most

    cdef int64_t _held(self) noexcept:
        return (self.connections.count - self.deadlines.count[LINGER]
                - self.deadlines.count[BRIEF_LINGER])

    cdef int _take(self, uint32_t listener) except -1:
        """Accept one connection and serve what it has sent.  Returns 0 when there was none;
        `acceptor.error` then says why."""
        cdef Connection connection
        if listener >= <Py_ssize_t>len(self.listeners):
            return 0  # another thread let go of them, while this one was in the application
        # Whoever was served a moment ago may have undone it.
        self.acceptor.set_ready(self.listeners[listener])
        connection = self.acceptor.accept(self.listeners[listener], listener)
        if connection is None:
            return 0
        self.connections.slot[ACCEPTED] += 1
        return self.welcome(connection, self.outer)

    cdef int welcome(self, Connection connection, Protocol protocol) except -1:
        """Serve what a connection that is new here has sent.  protocol: what it speaks."""
        if self.connections.tells:
            self.connections.tell(connection, "is accepted")
        connection.turn_ns = self.connections.turn_ns
        connection.template = self.templates[connection.listener]
        self.connections.enter(connection, protocol)
        self.deadlines.set(connection, FIRST_BYTE, self.connections.now)
        # Most clients have sent their request by now.  One that is answered and closed in
        # this turn never costs a word to the poller.
        try:
            protocol.open(connection)
            protocol.readable(connection)
            if (connection.state != CLOSED and not connection.close_after
                    and connection.which_list != QUEUED):
                self.connections.watch(connection, EPOLLIN)
        except BaseException:
            self.connections.close_on_error(connection)
        if (self.connections.batch.waiting()
                and self.connections.now - self.connections.batch.outs.first_ns > BATCH_NS):
            self.connections.flush()
        return 1

    cdef bint is_at_limit(self) noexcept:
        """Does the worker hold as many connections as it may?"""
        return self.connections.count >= self.crowded.most_connections

    cdef bint has_place(self) except -1:
        """Is one more connection wanted, and is there a place for it, or can one be made?"""
        if not self.listening:
            return False
        if self.is_at_limit() and not self.crowded.make_room():
            self._no_room()
            return False
        return True

    cdef int64_t _share(self) noexcept:
        """How many of the server's connections are this worker's, about."""
        cdef int64_t share = self.neighbours.fair_share(self.connections.now)
        return self.crowded.most_connections if share < 0 else share

    cdef int _stand_back(self) except -1:
        """Let others have a go.  The kernel wakes the first of the workers that wait for a
        listener; whoever begins to wait anew comes last (EPOLLEXCLUSIVE)."""
        self.stands_back = True  # or until it has no more than its share
        return self._leave_alone(self.connections.now + STAND_BACK_NS)

    cdef int _no_room(self) except -1:
        self.is_full = True
        self.crowded.press()
        return self._leave_alone(self.connections.now + FULL_NS)

    cdef int _shortage(self) except -1:
        """Out of descriptors or memory: leave the queue alone for a moment, do not spin."""
        self.crowded.press()
        if self.connections.now - self.shortage_told_ns > SHORTAGE_LOG_NS:
            self.shortage_told_ns = self.connections.now
            self.connections.log.error(
                "cannot accept: %s; trying again every 0.1 s",
                errors.errorcode.get(self.acceptor.error, self.acceptor.error))
        return self._leave_alone(self.connections.now + SHORTAGE_NS)


@cython.final
cdef class Listening:
    """What the table holds for a listener: called when it is readable."""

    def __cinit__(self, Listeners listeners, int index):
        self.listeners = listeners
        self.index = index

    def __call__(self):
        self.listeners._accept(self.index, True)
