"""Where connections come from: accepted when there is room, or not for a while.

Runs in: worker
"""

from libc.errno cimport EMFILE, ENFILE, ENOPROTOOPT, errno
from posix.unistd cimport close

from fastfork._core.base cimport MSG_DONTWAIT, MSG_PEEK, recv
from fastfork._core.batch cimport BATCH_NS
from fastfork._core.connection cimport CLOSED, IDLE, NEVER, PREFACE
from fastfork._core.connections cimport EPOLLIN
from fastfork._core.crowded cimport SLOW_NS
from fastfork._core.deadlines cimport BRIEF_LINGER, FIRST_BYTE, LINGER, NEXT_REQUEST, QUEUED, SHAKE
from fastfork._core.port cimport ff_tcp_facts
from fastfork._core.scoreboard cimport ACCEPTED, CONNECTIONS, HEARTBEAT
from fastfork._core.scoreboard cimport IN_FLIGHT_SINCE, SLOT_WORDS, STATE
from fastfork._core.ticks cimport now_ns
from fastfork._core.words cimport words_of

import errno as errors

from fastfork import forks

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
    READY = 2                 # a worker's state (fastfork.ipc.scoreboard)
    STUCK_NS = 5000000        # in the application for so long, a worker takes nobody
    LOST_NS = 10000000000     # nor does one that has been silent for so long: see workers/pace.py
    STAND_BACK_NS = 3000000   # in which others may take what is too much for this one


cdef bint _is_near(int fd) noexcept:
    """Does a packet reach the client and come back soon, and has the client got everything?"""
    cdef unsigned int round_trip = 0, unconfirmed = 0
    if ff_tcp_facts(fd, &round_trip, &unconfirmed) != 0:
        return errno == ENOPROTOOPT  # a Unix socket
    return round_trip <= NEAR_US and unconfirmed == 0


cdef class Listeners(Crowded):
    """The listeners of one worker and what it accepts from them.

    accepts: connections taken from one listener in a turn.
    """

    def __cinit__(self, *args, int accepts, **kwargs):
        self.acceptor = Acceptor()
        self.accepts = accepts
        self.templates = []
        self.listeners = []

    def share_with(self, board, Py_ssize_t workers):
        """Leave connections to the other workers of `board`, the memory of the scoreboard, when
        this one has more than its share.  workers: as many slots are looked at, from the first."""
        self.board_view = memoryview(board)
        self.board = words_of(self.board_view, SLOT_WORDS)
        self.workers = min(workers, self.board_view.nbytes // (8 * SLOT_WORDS))

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
        self.site.draining = True
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

    def let_idle_go(self):
        """The whole server stops: close what says nothing, so that nobody waits for its end.

        A request that the client sends in the moment of the close is lost, here as with every
        close.  That moment lasts as long as the way to the client; a connection that has been
        idle for many times as long is hardly ever hit, and one from further away has the time
        that `begin_drain` gave it."""
        self._close_idle(NEXT_REQUEST, LAST_IDLE_NS)
        self._close_idle(FIRST_BYTE, SILENT_NS)
        self._flush()

    cdef int _close_idle(self, int wait, int64_t least) except -1:
        cdef Connection connection = self.deadlines.oldest(wait), following
        cdef char byte
        cdef int _i
        self.now = now_ns()
        for _i in range(CLOSED_MAX):
            if (connection is None
                    or connection.deadline - self.deadlines.patience[wait] + least > self.now):
                return 0
            following = <Connection>connection.behind if connection.behind != NULL else None
            if (not connection.busy and connection.outbox is None and _is_near(connection.fd)
                    and recv(connection.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0):
                self._close(connection)
            connection = following
        return 0

    def take_queue(self):
        """Accept what waits in the listeners' queues.  True when nobody waits any more."""
        cdef uint32_t i
        cdef int _k, took
        cdef int64_t began = now_ns()
        cdef bint is_empty = True
        self.now = began
        for i in range(len(self.listeners)):
            took = 0
            for _k in range(QUEUE_MAX):
                took = self.connections < self.most_connections and self._take(i)
                if not took or self.now - began > QUEUE_NS or self.crew.displaced():
                    break
            if took or self.connections >= self.most_connections:
                is_empty = False
        self._flush()
        return is_empty

    def let_go(self):
        """Accept nothing any more.  The descriptors are the caller's to close."""
        self._listen(False)
        self.listeners = []

    def let_go_of_all(self):
        """In a child that is not ours: every client is the parent's alone.

        Nothing is said to anybody, and no lock is taken: whoever held it is not in this process."""
        cdef Connection connection
        self.batch.let_go()
        self.crew.let_go()
        for entry in self.table:
            if type(entry) is not Connection:
                continue
            connection = <Connection>entry
            close(connection.fd)
            connection.fd = -1
            connection.state = CLOSED
            connection.interest = NEVER
            connection.broken = True
            connection.sealed = connection.outbox = None
            if connection.body is not None and connection.body.file is not None:
                forks.file_to_nowhere(connection.body.file)
            if connection.spool is not None:
                forks.file_of_its_own(connection.spool)
        self.table = [None] * len(self.table)
        self.ready = []

    cdef int _adopt(self) except -1:
        return 0  # see Queued

    cdef int _await_handshake(self, Connection connection) except -1:
        raise AssertionError("Secured knows TLS")

    cdef int _watch_pool(self, bint on) except -1:
        return 0

    cdef int _gone(self) except -1:
        """A connection has gone: room for one that waits."""
        if self.is_full:
            self.is_full = False
            self.listen_again = 0
        if self.stands_back and self._held() <= self._fair_share():
            self.listen_again = 0
        if not self.listening and not self.listen_again and not self.site.draining:
            return self._listen(True)
        return 0

    cdef int _pause(self) except -1:
        """Every thread is in the application: leave new connections to others."""
        if self.listening and not self.paused:
            self.paused = True
            return self._listen(False)
        return 0

    cdef int _unpause(self) except -1:
        self.paused = False
        if not self.listen_again and not self.site.draining:
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
            self._reserve(fd)
            if on:
                self.table[fd] = Listening(self, index)
                self.poller.register_listener(fd)
            else:
                self.poller.unregister(fd)
                self.table[fd] = None
        return self._watch_pool(on)

    def accept_stranded(self):
        """Accept without having been woken, from every listener."""
        cdef uint32_t i
        if self.listening:
            for i in range(len(self.listeners)):
                self._accept(i, False)
            self._adopt()
            self._flush()

    cdef int _accept(self, uint32_t listener, bint one_waits) except -1:
        """Take connections from the queue of a listener.  one_waits: one is there for certain."""
        cdef int _i
        cdef bint is_crowded = False
        cdef int64_t share = self._fair_share()
        for _i in range(self.accepts):
            if not self.listening:
                return 0
            if not one_waits and self._has_more_than(share + max(<int64_t>1, share // 10)):
                return self._stand_back()
            if self.connections >= self.most_connections:
                if not one_waits:
                    return 0
                if self.connections > share + max(<int64_t>1, share // 10):
                    return self._stand_back()  # others have places
                if not self._make_room():
                    return self._no_room()
                is_crowded = True
            one_waits = False
            if not self._take(listener):
                if not self.acceptor.error:
                    return 0
                # A descriptor that somebody gives back is as good as a place.
                if (self.acceptor.error != EMFILE and self.acceptor.error != ENFILE
                        or not self._make_room()):
                    return self._shortage()
                is_crowded = one_waits = True
            if self.least_ns < SLOW_NS and not is_crowded:
                self.least_ns += self.least_ns // 8
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
        self._flush()
        return self._held() > most

    cdef int64_t _held(self) noexcept:
        return (self.connections - self.deadlines.count[LINGER]
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
        self.slot[ACCEPTED] += 1
        if self.prefaced:
            connection.state = PREFACE
        return self._welcome(connection)

    cdef int _welcome(self, Connection connection) except -1:
        """Serve what a connection that is new here has sent."""
        if self.tells:
            self._tell(connection, "is accepted")
        self._reserve(connection.fd)
        connection.hub = self
        connection.turn_ns = self.turn_ns
        connection.interest = NEVER
        self.table[connection.fd] = connection
        self.connections += 1
        self.slot[CONNECTIONS] = self.connections
        self.deadlines.set(connection, FIRST_BYTE, self.now)
        # Most clients have sent their request by now.  One that is answered and closed in
        # this turn never costs a word to the poller.
        try:
            if self.context is not None and connection.state == IDLE:
                self._await_handshake(connection)
            self._readable(connection)
            if (connection.state != CLOSED and not connection.close_after
                    and connection.which_list != QUEUED):
                self._watch(connection, EPOLLIN)
        except BaseException:
            self._mishap(connection)
        if self.batch.waiting() and self.now - self.batch.outs.first_ns > BATCH_NS:
            self._flush()
        return 1

    cdef int64_t _fair_share(self) noexcept:
        """The connections of a worker, on average over those that could take one now."""
        cdef int64_t *slot
        cdef int64_t total = 0, count = 0
        cdef Py_ssize_t i
        if self.board == NULL:
            return self.most_connections
        for i in range(self.workers):
            slot = self.board + i * SLOT_WORDS
            if slot[STATE] != READY:
                continue
            if slot != self.slot and (
                    self.now - slot[HEARTBEAT] > LOST_NS
                    or (slot[IN_FLIGHT_SINCE] and self.now - slot[IN_FLIGHT_SINCE] > STUCK_NS)):
                continue
            total += slot[CONNECTIONS]
            count += 1
        # Rounded up: of an odd number somebody has one more than the others.
        return (total + count - 1) // count if count > 1 else self.most_connections

    cdef int _stand_back(self) except -1:
        """Let others have a go.  The kernel wakes the first of the workers that wait for a
        listener; whoever begins to wait anew comes last (EPOLLEXCLUSIVE)."""
        self.stands_back = True  # or until it has no more than its share
        self.listen_again = self.now + STAND_BACK_NS
        return self._listen(False)

    cdef int _no_room(self) except -1:
        self.is_full = True
        self._press()
        self.listen_again = self.now + FULL_NS
        return self._listen(False)

    cdef int _shortage(self) except -1:
        """Out of descriptors or memory: leave the queue alone for a moment, do not spin."""
        self._press()
        if self.now - self.shortage_told_ns > SHORTAGE_LOG_NS:
            self.shortage_told_ns = self.now
            self.log.error("cannot accept: %s; trying again every 0.1 s",
                           errors.errorcode.get(self.acceptor.error, self.acceptor.error))
        self.listen_again = self.now + SHORTAGE_NS
        return self._listen(False)


cdef class Listening:
    """What the table holds for a listener: called when it is readable."""

    def __cinit__(self, Listeners hub, int index):
        self.hub = hub
        self.index = index

    def __call__(self):
        self.hub._accept(self.index, True)
