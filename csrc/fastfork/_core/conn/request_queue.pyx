"""Requests that arrive while every thread of the worker is in the application.

Where workers share a pool, the connection goes there, and the first worker that waits for
work takes it: see csrc/net/fd_passing.h.  That is possible while nothing of the request has been
read.  Other connections are watched no more and stay in line until a thread returns, or
`queue_timeout` is over and they get a 503.

Runs in: worker
"""

cimport cython
from libc.stdint cimport int64_t
from libc.string cimport memcpy, memset

from fastfork._core.conn.acceptor cimport ff_handover_put
from fastfork._core.base cimport MSG_DONTWAIT, MSG_PEEK, recv
from fastfork._core.conn.connection cimport CLOSED, HANDSHAKE, IDLE
from fastfork._core.conn.connections cimport EPOLLIN
from fastfork._core.conn.deadlines cimport QUEUED
from fastfork._core.http.protocol cimport Protocol


@cython.final
cdef class RequestQueue:
    """queue_timeout: seconds that a request may wait for a thread, 0 = as long as it takes; the
    patience of Deadlines is the same."""

    def __cinit__(self, Connections connections, Neighbours neighbours, queue_timeout=0):
        self.connections = connections
        self.crew = connections.crew
        self.neighbours = neighbours
        self.queue_ns = <int64_t>(queue_timeout * 1e9)
        self.pool_in = -1

    # Away with it.

    cdef int put_off(self, Connection connection) except -1:
        """Its request has arrived, and no thread can take it."""
        cdef char byte
        cdef ssize_t n
        if ((connection.state == IDLE or connection.state == HANDSHAKE)
                and connection.partial == NULL and connection.sealed is None):
            n = recv(connection.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT)
            if n == 0:
                return self.connections.close(connection)
            if n > 0 and self._hand_over(connection):
                return 0
            connection.request.asked_ns = self.connections.now
        self.connections.deadlines.set(connection, QUEUED, self.connections.now)
        return self.connections.watch(connection, 0)

    cdef bint _hand_over(self, Connection connection) except -1:
        """Put it into the pool; False when it has to stay."""
        cdef ff_facts facts
        # Who leaves takes everything out of the pool, and may be the last to look there.
        if (self.pool_in < 0 or self.connections.site.draining or connection.shared
                or connection.facts is not None  # which the message has no room for
                or (self.queue_ns and not self.neighbours.wait_for_work(self.connections.now))):
            return False
        self.describe(&facts, connection)
        if ff_handover_put(self.pool_in, connection.fd, &facts) != 0:
            return False
        # The socket lives on elsewhere, so closing our descriptor of it leaves it in the poller.
        self.connections.unwatch(connection)
        connection.moved = True
        self.connections.close(connection)
        return True

    cdef void describe(self, ff_facts *facts, Connection connection) noexcept:
        """What whoever takes the connection has to know."""
        cdef Py_ssize_t n = 0
        cdef const char *address = PyUnicode_AsUTF8AndSize(connection.remote_addr, &n)
        memset(facts, 0, sizeof(ff_facts))
        facts.ready_ns = self.connections.now
        facts.listener = self.keys[connection.listener]
        facts.port = connection.port
        memcpy(facts.address, address, min(n, <Py_ssize_t>sizeof(facts.address) - 1))

    # Back again.

    cdef int serve(self) except -1:
        """A thread is here: serve who is in line, from both ends in turn.

        A line that is there stays for a while.  Strictly in order, everybody in it would wait
        for as long; so half of them hardly wait, and none waits more than twice as long."""
        cdef Connection connection
        while not self.crew.keeping and not self.crew.displaced():
            self.newest_first = not self.newest_first
            if self.newest_first:
                connection = self.connections.deadlines.newest(QUEUED)
            else:
                connection = self.connections.deadlines.oldest(QUEUED)
            if connection is None:
                return 0
            try:
                self.release(connection)
            except BaseException:
                self.connections.close_on_error(connection)
        return 0

    cdef int late(self, Connection connection) except -1:
        """It has been in line for too long: its request is read, and refused, which even the
        keeper can do."""
        connection.request.turned_away = True
        return self.release(connection)

    cdef int release(self, Connection connection) except -1:
        """Go on reading where it was put off."""
        self.connections.rearm(connection)
        (<Protocol>connection.protocol).readable(connection)
        self.begin_anew(connection)
        if (connection.state != CLOSED and not connection.close_after
                and connection.interest == 0 and connection.outbox is None
                and connection.request.writer is None):
            self.connections.watch(connection, EPOLLIN)
        return 0

    cdef void begin_anew(self, Connection connection) noexcept:
        """A thread has looked at it.  If its request was not complete, what comes now is the
        client's time and no wait for a thread."""
        if connection.which_list != QUEUED:
            connection.request.asked_ns = 0
