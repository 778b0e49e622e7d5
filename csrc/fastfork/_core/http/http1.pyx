"""HTTP/1.1 (RFC 9112): one request after the other, each answered before the next is read.

What a connection waits for between these steps is here; its bytes are read by `Receiver` and
`Uploads`.  One object serves all connections of a worker.

Runs in: worker
"""

cimport cython
from libc.errno cimport EAGAIN, errno

from fastfork._core.base cimport MSG_DONTWAIT, RECEIVE_BYTES, recv
from fastfork._core.conn.connection cimport (
    ALL_SENT,
    ANSWERED,
    ANSWERED_LAST,
    BODY,
    CLEAR,
    CLOSED,
    IDLE,
    LINGERING,
    NEVER,
    PARKED,
    RESPONDING,
    RUNNING,
    move,
)
from fastfork._core.conn.connections cimport EPOLLIN, EPOLLOUT, GONE
from fastfork._core.loop.crew cimport owns
from fastfork._core.conn.deadlines cimport HANGUP, LINGER, MORE_BODY, NEXT_REQUEST, NOTHING, QUEUED
from fastfork._core.conn.deadlines cimport READER, WHOLE_HEAD
from fastfork._core.interrupted cimport ff_interrupted
from fastfork._core.http.request cimport Request
from fastfork._core.conn.request_queue cimport has_to_wait
from fastfork._core.scoreboard cimport BYTES_RECEIVED
from fastfork._core.conn.tls cimport SEEN_TO
from fastfork._core.http.writer cimport FINISHED, WATCHED, YIELDED, ResponseWriter

from fastfork import forks


@cython.final
cdef class Http1(Protocol):
    """See `Protocol` for what each method is asked."""

    def __cinit__(self, Connections connections, Answering answering, RequestQueue queue, Tls tls,
                  Receiver receiver):
        self.connections = connections
        self.deadlines = connections.deadlines
        self.crew = connections.crew
        self.answering = answering
        self.queue = queue
        self.tls = tls
        self.receiver = receiver
        self.uploads = receiver.uploads
        self.meanwhile = Meanwhile(connections, tls)

    cdef int open(self, Connection connection) except -1:
        connection.answering = self.answering
        move(connection, CLEAR)
        return 0

    # What comes.

    cdef int event(self, Connection connection, int mask) except -1:
        owns(self.crew)
        if connection.state == RUNNING:
            return self.meanwhile.event(connection, mask)
        if connection.which_list == QUEUED:
            # Watched for nothing but this: whoever waited in line is gone.
            return self.connections.close(connection) if mask & GONE and connection.is_gone() else 0
        # Pipelined bytes, or the client's end, while an answer is on the way: not read now.
        # Level-triggered readiness would report it for ever.
        if connection.state == RESPONDING and mask & GONE and connection.is_gone():
            connection.broken = True  # a reset: nobody is there to read the rest
            return self.after_flush(connection)
        if connection.outbox is not None:
            if mask & EPOLLOUT:
                return self.after_flush(connection)
            return self.connections.watch(connection, EPOLLOUT)
        if connection.state == RESPONDING:
            return self.connections.watch(connection, 0)
        if connection.state == IDLE and connection.partial != NULL and not self.crew.keeping:
            return 0  # in `ready`: the requests that came before these bytes are served first
        return self.readable(connection)

    cdef int readable(self, Connection connection) except -1:
        """A short read means that the socket is empty, so there is no second."""
        cdef char *clear = self.crew.seat.received
        cdef const char *p = NULL
        cdef const char *end = NULL
        cdef ssize_t n
        if has_to_wait(self.crew, connection):
            return self.queue.put_off(connection)
        if connection.state == BODY:
            if self.uploads.fill(connection, &p, &end):
                self.receiver.consume(connection, p, end - p)
            return self.connections.end_follows(connection)
        if connection.sealed is not None:
            n = self.tls.receive(connection)
        else:
            n = recv(connection.fd, clear, RECEIVE_BYTES, MSG_DONTWAIT)
        if n < 0:
            if n == SEEN_TO or errno == EAGAIN or ff_interrupted(errno):
                return 0
            return self.connections.close(connection)
        if n == 0:
            return self.receiver.end_of_head(connection)
        self.connections.slot[BYTES_RECEIVED] += n
        if connection.partial == NULL:
            self.receiver.consume(connection, clear, n)
        else:
            self.receiver.take_in(connection, clear, n)
        return 0 if connection.sealed is None else self.connections.end_follows(connection)

    cdef int received(self, Connection connection, const char *p, Py_ssize_t n) except -1:
        owns(self.crew)
        return self.receiver.consume(connection, p, n)

    cdef int _see_end(self, Connection connection) except -1:
        """The end that came with the last bytes, once what is before it is answered and sent."""
        if (self.connections.batch.has(connection)
                or (connection.state == IDLE and connection.partial != NULL)):
            self.connections.ready.append(connection)
            return 0
        return self.readable(connection)

    cdef int late(self, Connection connection, int wait) except -1:
        owns(self.crew)
        if connection.state == RUNNING:
            return self.meanwhile.late(connection, wait)
        if wait == WHOLE_HEAD or wait == MORE_BODY:
            return self.answering.refuse(connection, 0, 408)
        if wait == READER:
            # It never reads: what we hold cannot be delivered.
            return self.connections.reset(connection)
        if wait == HANGUP:
            return self._later(connection)
        if wait == QUEUED:
            return self.queue.late(connection)
        return self.connections.close_if_silent(connection)

    # What is answered.

    cdef int away(self, Connection connection) except -1:
        # The application may have taken the socket; and a sink may have begun to wait.
        if connection.state != CLOSED and connection.request.sink is None:
            self.deadlines.remove(connection)
        return 0

    cdef int after_response(self, Connection connection, ResponseWriter writer, int how) except -1:
        cdef Request request = connection.request
        if connection.state == CLOSED:
            return 0
        if how == FINISHED:
            connection.lingers = 0
            if connection.close_after:
                move(connection, ANSWERED_LAST)
                if request.keep_alive or request.uploading:
                    connection.lingers = LINGER
            else:
                move(connection, ANSWERED)
                self.deadlines.set(connection, NEXT_REQUEST, self.connections.now)
            if connection.has_ended():
                self.connections.ready.append(connection)
            return self._rearm(connection) if self.crew.aside else 0
        move(connection, PARKED)
        if how == YIELDED:
            self.deadlines.remove(connection)
            return self._later(connection)
        if how == WATCHED:
            # Nothing but a reset or the end of this wait is of interest now.
            self.deadlines.set(connection, HANGUP, self.connections.now)
            return self.connections.watch(connection, 0)
        self.deadlines.set(connection, READER, self.connections.now)
        return self.connections.batch.look_at(connection)

    cdef int _rearm(self, Connection connection) except -1:
        """See to what others left alone while this connection was the application's."""
        if connection.broken or connection.close_after or connection.outbox is not None:
            return self.connections.batch.look_at(connection)
        return 0 if connection.interest == NEVER else self.connections.watch(connection, EPOLLIN)

    cdef int after_flush(self, Connection connection) except -1:
        """When all is sent, go on to what comes then."""
        owns(self.crew)
        if connection.state == RUNNING:
            return self.meanwhile.send(connection)
        if connection.state == CLOSED or connection.state == LINGERING:
            return 0
        # A request may be half read meanwhile, and stays so: what comes next on this connection
        # is the rest of it, not a new request.
        if self.connections.wait_for_reader(connection):
            return 0
        if connection.broken:
            return (self.connections.reset(connection) if connection.cut
                    else self.connections.close(connection))
        if connection.request.writer is not None:
            return self._later(connection) if connection.state == RESPONDING else 0
        if connection.close_after:
            return self.connections.finish(connection)
        if connection.state == RESPONDING:
            move(connection, ALL_SENT)
            self.deadlines.set(connection, NEXT_REQUEST, self.connections.now)
            if connection.partial != NULL or connection.has_ended():
                self.connections.ready.append(connection)
                return 0
            return self.connections.watch(connection, EPOLLIN)
        if connection.which_list == READER:
            self.connections.rearm(connection)
            return self.connections.watch(connection, EPOLLIN)
        return 0

    cdef int _later(self, Connection connection) except -1:
        """Go on with it in the next turn; a response on the thread that began it."""
        if connection.request.writer is None:
            self.connections.ready.append(connection)
            return 0
        return self.crew.hand((<ResponseWriter>connection.request.writer).seat, connection)

    cdef int resume(self, Connection connection) except -1:
        cdef ResponseWriter writer
        owns(self.crew)
        if (connection.state == CLOSED or connection.state == RUNNING
                or connection.outbox is not None):
            return 0  # gone, or its turn comes when it has read what waits for it
        if connection.request.writer is not None:
            writer = <ResponseWriter>connection.request.writer
            if writer.seat is not self.crew.seat:
                return self.crew.hand(writer.seat, connection)
            if self.answering.resume(connection, connection.request) != FINISHED:
                return 0
        if connection.partial != NULL and connection.state == IDLE:
            self.receiver.consume_partial(connection)
        if connection.state <= BODY and not connection.close_after:
            if connection.has_ended():
                return self._see_end(connection)
            return self.connections.watch(connection, EPOLLIN)
        return 0

    # How it ends.

    cdef int closed(self, Connection connection) except -1:
        cdef Request request = connection.request
        cdef ResponseWriter writer
        if request.body is not None:
            request.body.discard()
            request.body = None
        request.environ = None
        if request.writer is None or request.busy:
            return 0
        writer, request.writer = <ResponseWriter>request.writer, None
        if not self.crew.aside:
            return self.answering.gateway.abandon(writer)
        # Its close() is the application's: on its own thread, and not in here.
        writer.seat.streams -= 1
        return self.crew.hand(writer.seat, writer)

    cdef int leave_to_parent(self, Connection connection) except -1:
        cdef Request request = connection.request
        if request.body is not None and request.body.file is not None:
            forks.file_to_nowhere(request.body.file)
        if request.spool is not None:
            forks.file_of_its_own(request.spool)
        return 0

    # What a request's sink wants.

    cdef int watch(self, Connection connection, Request request) except -1:
        return self.meanwhile.watch(connection)

    cdef int wait(self, Connection connection, Request request, int kind) except -1:
        if kind == NOTHING:
            self.deadlines.remove(connection)
        else:
            self.deadlines.set(connection, kind, self.connections.now)
        return 0

    cdef int lose(self, Connection connection, Request request) except -1:
        return self.meanwhile.lose(connection)

    cdef int keep(self, Connection connection, const char *p, Py_ssize_t n) except -1:
        return self.receiver.crowded.keep(connection, p, n)
