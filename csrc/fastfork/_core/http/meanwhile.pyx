"""What happens on a connection while the application answers its request.

The connection is the application call's meanwhile.  Whoever leads the loop sends what the call has
made, notes that the client has gone, and lets the request's sink hear of what comes, if it has one.

Runs in: worker
"""

cimport cython
from libc.errno cimport EAGAIN, errno

from fastfork._core.base cimport MSG_DONTWAIT, MSG_PEEK, RECEIVE_BYTES, recv
from fastfork._core.conn.connection cimport NEVER
from fastfork._core.conn.connections cimport EPOLLIN, EPOLLOUT, EPOLLRDHUP, GONE
from fastfork._core.conn.deadlines cimport READER
from fastfork._core.interrupted cimport ff_interrupted
from fastfork._core.conn.outbox cimport FOLLOW_BYTES
from fastfork._core.scoreboard cimport BYTES_RECEIVED
from fastfork._core.conn.sink cimport LATER, Sink
from fastfork._core.conn.tls cimport SEEN_TO


@cython.final
cdef class Meanwhile:
    """All of it is about connections that are RUNNING."""

    def __cinit__(self, Connections connections, Tls tls):
        self.connections = connections
        self.tls = tls

    cdef int event(self, Connection connection, int mask) except -1:
        """The poller has reported `mask`."""
        if mask & GONE and connection.is_gone():
            return self.lose(connection)  # for the application's call to see
        if connection.request.sink is not None:
            return self._hear(connection, mask)
        if mask & EPOLLOUT:
            return self.send(connection)
        return self.connections.watch(connection, 0 if connection.outbox is None else EPOLLOUT)

    cdef int send(self, Connection connection) except -1:
        """Send what the application has made so far, while it makes more.

        A client that does not read holds what write() allows; that its time is over is for
        the end of the response to see."""
        cdef Connections connections = self.connections
        cdef Sink sink = connection.request.sink
        if connections.send(connection) == 1:
            if sink is None:
                return connections.watch(connection, EPOLLOUT)
            connections.deadlines.set(connection, READER, connections.now)
            if connection.outbox.in_memory() <= FOLLOW_BYTES:
                sink.drained()
            return self.watch(connection)
        connections.drop_outbox(connection)
        if sink is not None:
            if connection.which_list == READER:
                connections.deadlines.remove(connection)
            if connection.broken:
                return self.lose(connection)
            sink.drained()
            return 0 if connection.interest == NEVER else self.watch(connection)
        return 0 if connection.interest == NEVER else connections.watch(connection, 0)

    cdef int _hear(self, Connection connection, int mask) except -1:
        """Let the sink have what has come, or hear that nothing will."""
        cdef char *received = self.connections.crew.seat.received
        cdef Sink sink = connection.request.sink
        cdef ssize_t n
        cdef char byte
        if mask & EPOLLOUT:
            self.send(connection)
        if not mask & (EPOLLIN | EPOLLRDHUP) or connection.shut or connection.broken:
            return 0
        n = sink.wants()
        if n <= 0:
            if not mask & EPOLLRDHUP:
                return self.watch(connection)
            connection.at_end = 0  # it would be reported again and again
            # What comes before the end is no more to be received: requests that follow, or an alert
            # of TLS.  Or the sink will have it, and then the end.
            if n == LATER:
                n = recv(connection.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT)
        elif connection.sealed is not None:
            n = self.tls.receive(connection)
        else:
            n = recv(connection.fd, received, RECEIVE_BYTES, MSG_DONTWAIT)
        if n < 0 and not (n == SEEN_TO or errno == EAGAIN or ff_interrupted(errno)):
            return self.lose(connection)
        if n == 0:
            connection.shut = True
            sink.ended()
        elif n > 0 and sink.wants() > 0:
            self.connections.slot[BYTES_RECEIVED] += n
            sink.received(received, n)
        return self.watch(connection)

    cdef int watch(self, Connection connection) except -1:
        """Watch what the sink can do something with, and what waits for the client."""
        cdef Sink sink = connection.request.sink
        if sink is None or connection.broken or connection.fd < 0:
            return 0
        return self.connections.watch(connection, (0 if connection.outbox is None else EPOLLOUT) | (
            0 if connection.shut else EPOLLIN if sink.wants() > 0 else connection.at_end))

    cdef int lose(self, Connection connection) except -1:
        """Its client is gone, and there is nothing more to watch."""
        connection.broken = True
        self.connections.unwatch(connection)
        return 0 if connection.request.sink is None else connection.request.sink.left()

    cdef int late(self, Connection connection, int wait) except -1:
        """Its client's time is over; without a sink it waits for the application, not for its
        client."""
        return 0 if connection.request.sink is None else connection.request.sink.late(wait)
