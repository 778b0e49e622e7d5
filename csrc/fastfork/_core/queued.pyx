"""Requests that arrive while every thread of the worker is in the application.

Where workers share a pool, the connection goes there, and the first worker that waits for
work takes it: see csrc/handover.h.  That is possible while nothing of the request has been
read.  Other connections are watched no more and stay in line until a thread returns, or
`queue_timeout` is over and they get a 503.

Runs in: worker
"""

from libc.stdint cimport uint64_t
from libc.string cimport memset, strncpy
from posix.unistd cimport close

from fastfork._core.acceptor cimport ff_facts, ff_handover_put, ff_handover_take
from fastfork._core.connection cimport BODY, CLOSED, HANDSHAKE, HEAD, IDLE, NEVER, PREFACE
from fastfork._core.connections cimport EPOLLIN, STATE
from fastfork._core.crew cimport HEARTBEAT, IN_FLIGHT_SINCE, SLOT_WORDS
from fastfork._core.deadlines cimport FIRST_BYTE, MORE_BODY, NEXT_REQUEST, QUEUED, SHAKE, WHOLE_HEAD

cdef extern from "<sys/socket.h>" nogil:
    int MSG_DONTWAIT
    int MSG_PEEK
    ssize_t recv(int fd, void *p, size_t n, int flags)

cdef enum:
    READY = 2                # a worker's state (fastfork.ipc.scoreboard)
    POOL_MAX = 256           # connections taken out at a time, when the worker leaves
    LOST_NS = 2000000000     # a worker that has been silent for so long takes nothing


cdef class Queued(Listeners):
    """queue_timeout: seconds that a request may wait for a thread, 0 = as long as it takes; the
    patience of Deadlines is the same."""

    def __cinit__(self, *args, queue_timeout=0, **kwargs):
        self.queue_ns = <int64_t>(queue_timeout * 1e9)
        self.pool_in = self.pool_out = -1

    def share_connections(self, int pool_in, int pool_out, list keys, template_of):
        """Put connections into the one end of the pool and take them from the other.

        keys: a number for each listener, the same in all workers.  template_of(fd) -> the
        environ that requests begin with on a connection of a listener that is not ours, as in a
        reload to other addresses.
        """
        self.pool_in = pool_in
        self.pool_out = pool_out
        self.keys = keys
        self.template_of = template_of

    # Away with it.

    cdef int _put_off(self, Connection connection) except -1:
        """Its request has arrived, and no thread can take it."""
        cdef char byte
        cdef ssize_t n
        if ((connection.state == IDLE or connection.state == HANDSHAKE)
                and connection.partial == NULL and connection.sealed is None):
            n = recv(connection.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT)
            if n == 0:
                return self._close(connection)
            if n > 0 and self._hand_over(connection):
                return 0
            connection.asked_ns = self.now
        self.deadlines.set(connection, QUEUED, self.now)
        return self._watch(connection, 0)

    cdef bint _hand_over(self, Connection connection) except -1:
        """Put it into the pool; False when it has to stay."""
        cdef ff_facts facts
        # Who leaves takes everything out of the pool, and may be the last to look there.
        if (self.pool_in < 0 or self.site.draining or connection.shared
                or connection.facts is not None  # which the message has no room for
                or (self.queue_ns and not self._others_wait())):
            return False
        memset(&facts, 0, sizeof(facts))
        facts.ready_ns = self.now
        facts.listener = self.keys[connection.listener]
        facts.port = connection.port
        address = connection.remote_addr.encode("ascii")
        strncpy(facts.address, address, sizeof(facts.address) - 1)
        if ff_handover_put(self.pool_in, connection.fd, &facts) != 0:
            return False
        # The socket lives on elsewhere, so closing our descriptor of it leaves it in the poller.
        if connection.interest != NEVER:
            self.poller.unregister(connection.fd)
            connection.interest = NEVER
        connection.moved = True
        self._close(connection)
        return True

    cdef bint _others_wait(self) noexcept:
        """Is there another worker with a thread to spare?"""
        cdef int64_t *slot
        cdef Py_ssize_t i
        if self.board == NULL:
            return False
        for i in range(self.workers):
            slot = self.board + i * SLOT_WORDS
            if (slot != self.slot and slot[STATE] == READY and not slot[IN_FLIGHT_SINCE]
                    and self.now - slot[HEARTBEAT] < LOST_NS):
                return True
        return False

    # Back again.

    cdef int _serve_queued(self) except -1:
        """A thread is here: serve who is in line, from both ends in turn.

        A line that is there stays for a while.  Strictly in order, everybody in it would wait
        for as long; so half of them hardly wait, and none waits more than twice as long."""
        cdef Connection connection
        while not self.crew.keeping and not self.crew.displaced():
            self.newest_first = not self.newest_first
            if self.newest_first:
                connection = self.deadlines.newest(QUEUED)
            else:
                connection = self.deadlines.oldest(QUEUED)
            if connection is None:
                return 0
            try:
                self._release(connection)
            except BaseException:
                self._mishap(connection)
        return 0

    cdef int _release(self, Connection connection) except -1:
        """Go on reading where it was put off."""
        if connection.state == BODY:
            self.deadlines.set(connection, MORE_BODY, self.now)
        elif connection.state == HANDSHAKE:
            self.deadlines.set(connection, SHAKE if connection.sealed is not None else FIRST_BYTE,
                               self.now)
        elif connection.state == PREFACE or (
                connection.state == HEAD and not connection.is_blank()):
            self.deadlines.set(connection, WHOLE_HEAD, self.now)
        else:
            self.deadlines.set(connection, NEXT_REQUEST, self.now)
        self._readable(connection)
        self._begin_anew(connection)
        if (connection.state != CLOSED and not connection.close_after
                and connection.interest == 0 and connection.outbox is None
                and connection.responder is None):
            self._watch(connection, EPOLLIN)
        return 0

    cdef void _begin_anew(self, Connection connection) noexcept:
        """A thread has looked at it.  If its request was not complete, what comes now is the
        client's time and no wait for a thread."""
        if connection.which_list != QUEUED:
            connection.asked_ns = 0

    cdef int _watch_pool(self, bint on) except -1:
        if self.pool_out < 0:
            return 0
        self._reserve(self.pool_out)
        if on:
            self.table[self.pool_out] = Pool(self)
            self.poller.register_listener(self.pool_out)
        else:
            self.poller.unregister(self.pool_out)
            self.table[self.pool_out] = None
        return 0

    cdef int _adopt(self) except -1:
        """Take connections out of the pool, a few a turn."""
        cdef int _i
        for _i in range(self.accepts):
            if not self.listening:
                return 0
            if self.connections >= self.most_connections and not self._make_room():
                return self._no_room()
            if not self._adopt_one() or self.crew.displaced():
                return 0
        return 0

    cdef int _adopt_one(self) except -1:
        """Returns 0 when there was none."""
        cdef ff_facts facts
        cdef Connection connection
        cdef int fd = ff_handover_take(self.pool_out, &facts) if self.pool_out >= 0 else -1
        if fd < 0:
            return 0
        try:
            listener = self._listener_of(fd, facts.listener)
        except Exception:
            self.log.exception("Error in the server while it took over a connection; it is closed")
            close(fd)
            return 1
        connection = self.acceptor.adopt(fd, listener, &facts)
        connection.asked_ns = facts.ready_ns
        connection.turned_away = self.queue_ns and self.now - facts.ready_ns > self.queue_ns
        self.adopted += 1
        self._welcome(connection)
        self._begin_anew(connection)
        return 1

    def _listener_of(self, int fd, uint64_t key):
        if key not in self.keys:
            template = self.template_of(fd)
            self.templates.append(template)
            self.keys.append(key)
        return self.keys.index(key)

    def take_pool(self):
        """Serve what is in the pool, on the way out: perhaps nobody else will."""
        cdef int _i
        for _i in range(POOL_MAX):
            if (self.connections >= self.most_connections or self.crew.displaced()
                    or self.crew.keeping or not self._adopt_one()):
                break
        self._flush()


cdef class Pool:
    """What the table holds for the pool: called when it is readable."""

    def __cinit__(self, Queued hub):
        self.hub = hub

    def __call__(self):
        self.hub._adopt()
