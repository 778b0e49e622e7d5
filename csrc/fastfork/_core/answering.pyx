"""What becomes of a complete request: it is answered, refused, or its connection is taken.

Who is asked for the answer is the gateway's business (gateway.pyx); here is what the connection
does before, between and after that.

Runs in: worker
"""

from libc.stdint cimport int64_t
from posix.unistd cimport close

from fastfork._core.answer cimport Answer
from fastfork._core.batch cimport BATCH_NS
from fastfork._core.connection cimport BODY, CLOSED, IDLE, LINGERING, NEVER, RESPONDING, Connection
from fastfork._core.connections cimport EPOLLIN
from fastfork._core.deadlines cimport BRIEF_LINGER, HANGUP, LINGER, NEXT_REQUEST, READER
from fastfork._core.scan cimport ff_error_text
from fastfork._core.scoreboard cimport ANSWERS, CONNECTIONS, HEARTBEAT, REFUSED, REQUESTS
from fastfork._core.scoreboard cimport STATIC_ANSWERS
from fastfork._core.tally cimport tally_answer, tally_wait
from fastfork._core.ticks cimport now_ns
from fastfork._core.writer cimport AWAY, FINISHED, WATCHED, YIELDED, ResponseWriter

import socket

cdef enum:
    WORN_MAX = 16             # answers of a turn whose leftovers may wait for its end

cdef extern from "<fcntl.h>" nogil:
    int F_DUPFD_CLOEXEC
    int fcntl(int fd, int command, int lowest)

cdef extern from "<sys/socket.h>" nogil:
    int SHUT_WR
    int shutdown(int fd, int how)


cdef class Answering(Receiver):
    """The answering half of a worker.  See `Receiver` for the arguments."""

    # A request's answer.

    cdef int _answer(self, Connection connection) except -1:
        """Call the application for the complete request that is `running`."""
        cdef ResponseWriter writer
        cdef Answer answer = None
        cdef dict environ = self.running
        cdef int64_t began
        cdef int how
        if self.tells:
            self._tell(connection, "asks: %s %s" % (environ["REQUEST_METHOD"], environ["RAW_URI"]))
        if connection.turned_away:
            connection.turned_away = False
            self._forget_request(connection)
            connection.environ = environ  # for the access log
            return self._refuse(connection, 0, 503)
        if self.batch.waiting():
            # The answers already in the batch wait for this one, unless that takes long; where
            # requests have ended their workers, they would be lost with it.
            if (self.now - self.batch.outs.first_ns + self.usual_ns > BATCH_NS
                    or self.site.closing[0]):
                self._flush()
                if connection.state == CLOSED:
                    return self._forget_request(connection)
            else:
                self.batch.guard()
        if self.static is not None:
            answer = self.static.ask(environ)
        writer = self.gateway.writer(environ)
        began = self.now
        writer.begin(connection, connection.minor, connection.is_head,
                     connection.keep_alive and not connection.uploading
                     and self.deadlines.patience[NEXT_REQUEST] > 0, began)
        self.running = None
        self.slot[REQUESTS] += 1
        self.crew.begin(environ, began)
        connection.state = IDLE
        connection.busy = True
        connection.served += 1
        self.asked_ns = connection.asked_ns or self.turn_ns
        connection.asked_ns = 0
        tally_wait(self.slot, began - self.asked_ns)
        writer.environ = environ
        environ = None  # what is in it is the application's: the writer lets go of it (shed)
        if self.crew.seat.worn_count >= WORN_MAX:
            self.batch.flush()
            self.gateway.shed(self.now)
        how = self.gateway.answer(writer) if answer is None else writer.serve(answer)
        if how == AWAY:
            return 0
        connection.busy = False
        self.crew.end()
        self.now = now_ns()
        self.slot[HEARTBEAT] = self.now
        if answer is not None:
            self.slot[STATIC_ANSWERS] += 1
            return self._progress(connection, writer, how)
        # One that takes a minute says as much of the next as one that takes two milliseconds.
        self.usual_ns += (min(self.now - began, <int64_t>(2 * BATCH_NS)) - self.usual_ns) >> 3
        return self._progress(connection, writer, how)

    cdef int _progress(self, Connection connection, ResponseWriter writer, int how) except -1:
        """What a response did decides what the connection waits for."""
        if self.crew.many and writer.seat is not None:
            writer.seat.streams += (how != FINISHED) - (connection.responder is not None)
        if how == FINISHED:
            if connection.detached or (writer.started and writer.head.status == 101):
                self.slot[ANSWERS + 1] += 1  # how long it lasted says nothing of answers
            else:
                tally_answer(self.slot, writer.head.status if writer.started else 0,
                             self.now - writer.began_ns)
        if connection.state == CLOSED:
            connection.responder = None
            if how == FINISHED:
                self.gateway.done(writer)
            else:
                self.gateway.abandon(writer)
            return 0
        if how == FINISHED:
            connection.responder = None
            connection.lingers = LINGER if connection.close_after and (
                connection.keep_alive or connection.uploading) else 0
            self.gateway.done(writer)
            connection.state = IDLE
            if not connection.close_after:
                self.deadlines.set(connection, NEXT_REQUEST, self.now)
            if connection.has_ended():
                self.ready.append(connection)
            return self._catch_up(connection) if self.crew.aside else 0
        connection.responder = writer
        connection.state = RESPONDING
        if how == YIELDED:
            self.deadlines.remove(connection)
            self._later(connection)
        elif how == WATCHED:
            # Nothing but a reset or the end of this wait is of interest now.
            self.deadlines.set(connection, HANGUP, self.now)
            self._watch(connection, 0)
        else:
            self.deadlines.set(connection, READER, self.now)
            self.batch.look_at(connection)
        return 0

    cdef int _refuse(self, Connection connection, int code, int status) except -1:
        """Answer with an error page; nothing more is read as a request from this client."""
        cdef ResponseWriter writer = self.gateway.writer(None)
        self.slot[REFUSED] += 1
        if code and self._may_tell():
            self.log.warning("Invalid request from ip=%s: %s", connection.remote_addr or "-",
                             ff_error_text(code).decode("ascii"))
        writer.environ = self._seen(connection)
        connection.forget_partial()
        if connection.body is not None:
            connection.body.discard()
            connection.body = None
        connection.environ = None
        writer.begin(connection, 1, connection.is_head, False, self.now)
        writer.refuse(status)
        self._progress(connection, writer, FINISHED)
        connection.lingers = BRIEF_LINGER if status == 408 else LINGER
        return 0

    cdef int _go_on(self, Connection connection) except -1:
        """Take up a connection that had work left in an earlier turn."""
        cdef ResponseWriter writer
        cdef int64_t began = self.now
        if connection.state == CLOSED or connection.busy or connection.outbox is not None:
            return 0  # gone, or its turn comes when it has read what waits for it
        if connection.responder is not None:
            writer = <ResponseWriter>connection.responder
            if writer.seat is not self.crew.seat:
                return self.crew.hand(writer.seat, connection)
            self.crew.begin(writer.environ, began)
            connection.busy = True
            how = self.gateway.resume(writer)
            if how == AWAY:
                return 0
            connection.busy = False
            self.crew.end()
            self.now = now_ns()
            self._progress(connection, writer, how)
            if how != FINISHED:
                return 0
        if connection.partial != NULL and connection.state == IDLE:
            self._consume_partial(connection)
        if connection.state <= BODY and not connection.close_after:
            if connection.has_ended():
                return self._see_end(connection)
            self._watch(connection, EPOLLIN)
        return 0

    # For a gateway whose requests are AWAY.

    def connection_of_call(self):
        """The connection whose request the calling thread is answering, None for none."""
        return self.gateway.connection_of_call()

    cdef int64_t clock(self) except -1:
        """Something begins outside of what the poller has reported.  Returns the time."""
        self.now = self.turn_ns = self.slot[HEARTBEAT] = now_ns()
        return self.now

    cdef int went_away(self, Connection connection) except -1:
        """The request of `connection` waits for something: serve others."""
        if connection.state != CLOSED:  # the application may have taken the socket
            connection.state = RESPONDING  # what comes behind the request has to wait
            if connection.sink is None:  # which may have begun to wait for the client
                self.deadlines.remove(connection)
        return 0

    cdef int came_back(self, Connection connection, ResponseWriter writer, int how) except -1:
        """Go on as if the application had been called here and now; how: what the response does
        next."""
        connection.busy = False
        self._progress(connection, writer, how)
        if how == FINISHED and connection.state == IDLE and connection.partial != NULL:
            self.ready.append(connection)  # pipelined requests
        return 0

    # A connection that the application takes.

    def _detach(self, Connection connection):
        """The application takes the socket; see Connection.detach.  On a thread of its own,
        perhaps: what else the sending brings to light is for the loop to see to."""
        self.batch.flush()
        fd = connection.fd
        if fd < 0 or connection.broken or connection.outbox is not None:
            raise RuntimeError("the socket of a request cannot be detached: the client has not "
                               "read the answers before this one, or has left")
        self.batch.forget(connection)
        if connection.interest != NEVER:
            self.poller.unregister(fd)
        self.deadlines.remove(connection)
        self.table[fd] = None
        connection.fd = -1
        connection.state = CLOSED
        connection.detached = connection.broken = True
        self.connections -= 1
        self.slot[CONNECTIONS] = self.connections
        self._gone()
        sock = socket.socket(fileno=fd)
        sock.setblocking(False)  # as the descriptor is
        sealed, connection.sealed = connection.sealed, None
        rest = connection.take_rest()
        if self.batch.soon is not None:
            self.batch.soon()  # others may have been closed with it, and hear of it
        return self.site.take_over(sock, rest, sealed) if rest or sealed is not None else sock

    def _part(self, Connection connection):
        """The call has ended that took this connection by `gunicorn.socket`.

        What it has sent is for the client to read, so the connection lingers as any other that
        is closed (see _finish_connection), on a descriptor of ours.  A thread that still waits
        for the client hears of the end with it."""
        cdef Connection left
        cdef int fd = fcntl(connection.taken.fileno(), F_DUPFD_CLOEXEC, 0)
        if fd < 0:
            return  # the application has closed it
        connection.taken.close()
        if shutdown(fd, SHUT_WR) != 0:
            close(fd)
            return
        left = Connection.__new__(Connection)
        left.fd = fd
        left.hub = self
        left.port = -1
        left.interest = NEVER
        left.state = LINGERING
        left.parted = left.shared = True
        self._reserve(fd)
        self.table[fd] = left
        self.connections += 1
        self.slot[CONNECTIONS] = self.connections
        self.now = now_ns()
        self.deadlines.set(left, LINGER, self.now)
        self._watch(left, EPOLLIN)
        if self.batch.soon is not None:
            self.batch.soon()
