"""What becomes of a complete request: it is answered, refused, or its connection is taken.

Who is asked for the answer is the gateway's business (gateway.pyx), what the connection waits for
then its protocol's; here is what is done before, between and after that.

Runs in: worker
"""

cimport cython
from libc.stdint cimport int64_t, uint32_t
from posix.unistd cimport close

from fastfork._core.http.answer cimport Answer
from fastfork._core.conn.batch cimport BATCH_NS
from fastfork._core.conn.connection cimport ASKED, CLOSED, HALF_CLOSED, IDLE, move
from fastfork._core.conn.connections cimport EPOLLIN
from fastfork._core.loop.crew cimport owns
from fastfork._core.conn.deadlines cimport BRIEF_LINGER, LINGER, NEXT_REQUEST
from fastfork._core.http.protocol cimport Protocol
from fastfork._core.http.request cimport HTTP_2
from fastfork._core.http.scan cimport ff_error_text
from fastfork._core.scoreboard cimport ANSWERS, HEARTBEAT, LINE_BYTES, REFUSED, REQUESTS
from fastfork._core.scoreboard cimport STATIC_ANSWERS
from fastfork._core.http.site cimport SERVER_DRAINING
from fastfork._core.tally cimport tally_answer, tally_wait
from fastfork._core.ticks cimport now_ns
from fastfork._core.http.writer cimport AWAY, FINISHED

import socket

cdef enum:
    WORN_MAX = 16             # answers of a turn whose leftovers may wait for its end

cdef extern from "<fcntl.h>" nogil:
    int F_DUPFD_CLOEXEC
    int fcntl(int fd, int command, int lowest)

cdef extern from "<sys/socket.h>" nogil:
    int SHUT_WR
    int shutdown(int fd, int how)


@cython.final
cdef class Answering:
    """Has requests answered.  gateway: calls the application."""

    def __cinit__(self, Gateway gateway, Connections connections):
        self.gateway = gateway
        self.connections = connections
        self.site = connections.site
        self.crew = connections.crew
        self.batch = connections.batch
        self.slot = connections.slot

    # A request's answer.

    cdef int answer(self, Connection connection, Request request) except -1:
        """Have a request answered that is complete, or whose gateway takes the body as it comes."""
        cdef Connections connections = self.connections
        cdef ResponseWriter writer
        cdef Answer answer = None
        cdef dict environ = request.environ
        cdef int64_t began
        cdef int how
        owns(self.crew)
        if connections.tells:
            connections.tell(
                connection, "asks: %s %s" % (environ["REQUEST_METHOD"], environ["RAW_URI"]))
        if request.turned_away:
            request.turned_away = False
            self._forget(request)
            request.environ = environ  # for the access log
            return self.refuse(connection, 0, 503)
        if self.batch.waiting():
            # The answers already in the batch wait for this one, unless that takes long; where
            # requests have ended their workers, they would be lost with it.
            if (connections.now - self.batch.outs.first_ns + self.usual_ns > BATCH_NS
                    or self.site.closing[0]):
                connections.flush()
                if connection.state == CLOSED:
                    return self._forget(request)
            else:
                self.batch.guard()
        if self.static is not None:
            answer = self.static.ask(environ)
        writer = self.gateway.writer(environ)
        began = connections.now
        writer.begin(connection, request, request.keep_alive and not request.uploading
                     and connections.deadlines.patience[NEXT_REQUEST] > 0, began)
        request.environ = None
        self.slot[REQUESTS] += 1
        self.crew.begin(environ, began)
        if connection.request is request:  # which the connection belongs to, until it is answered
            move(connection, ASKED)
        request.busy = True
        connection.served += 1
        self.asked_ns = request.asked_ns or connections.turn_ns
        request.asked_ns = 0
        tally_wait(self.slot, began - self.asked_ns)
        writer.environ = environ
        environ = None  # what is in it is the application's: the writer lets go of it (shed)
        if self.crew.seat.worn_count >= WORN_MAX:
            self.batch.flush()
            self.gateway.shed(connections.now)
        how = self.gateway.answer(writer) if answer is None else writer.serve(answer)
        if how == AWAY:
            return 0
        request.busy = False
        self.crew.end()
        connections.now = now_ns()
        self.slot[HEARTBEAT] = connections.now
        if answer is not None:
            self.slot[STATIC_ANSWERS] += 1
        else:
            # One that takes a minute says as much of the next as one that takes two milliseconds.
            self.usual_ns += (min(connections.now - began, <int64_t>(2 * BATCH_NS))
                              - self.usual_ns) >> 3
        return self._go_on(connection, request, writer, how)

    cdef int resume(self, Connection connection, Request request) except -1:
        """Go on with a response that was parked on this thread.  Returns what it does next."""
        cdef ResponseWriter writer = <ResponseWriter>request.writer
        cdef int how
        owns(self.crew)
        self.crew.begin(writer.environ, self.connections.now)
        if connection.request is request:
            move(connection, ASKED)
        request.busy = True
        how = self.gateway.resume(writer)
        if how == AWAY:
            return AWAY
        request.busy = False
        self.crew.end()
        self.connections.now = now_ns()
        self._go_on(connection, request, writer, how)
        return how

    cdef inline int _go_on(self, Connection connection, Request request, ResponseWriter writer,
                           int how) except -1:
        """A response has ended or paused; how: what it does next."""
        if self.crew.many and writer.seat is not None:
            writer.seat.streams += (how != FINISHED) - (request.writer is not None)
        if how != FINISHED:
            if connection.state == CLOSED:
                request.writer = None
                return self.gateway.abandon(writer)
            request.writer = writer
            return (<Protocol>connection.protocol).after_response(connection, writer, how)
        request.writer = None
        if connection.detached or (writer.started and writer.head.status == 101):
            self.slot[ANSWERS + 1] += 1  # how long it lasted says nothing of answers
        else:
            tally_answer(self.slot, writer.head.status if writer.started else 0,
                         self.connections.now - writer.began_ns)
        self.gateway.done(writer)
        return (<Protocol>connection.protocol).after_response(connection, writer, how)

    cdef int refuse(self, Connection connection, int code, int status) except -1:
        """Answer with an error page; nothing more is read as a request from this client.  code: of
        errors.h, why; 0: that is the server's alone."""
        cdef Request request = connection.request
        cdef ResponseWriter writer = self.gateway.writer(None)
        self.slot[REFUSED] += 1
        if code and self.site.may_log_refusal(self.connections.now):
            self.connections.log.warning("Invalid request from ip=%s: %s",
                                         connection.remote_addr or "-",
                                         ff_error_text(code).decode("ascii"))
        writer.environ = self._seen(connection, request)
        connection.forget_partial()
        if request.body is not None:
            request.body.discard()
            request.body = None
        request.environ = None
        if request.minor < HTTP_2:
            request.minor = 1
        writer.begin(connection, request, False, self.connections.now)
        writer.refuse(status)
        self._go_on(connection, request, writer, FINISHED)
        connection.lingers = BRIEF_LINGER if status == 408 else LINGER
        return 0

    cdef int _forget(self, Request request) except -1:
        """It is not answered: sending the answers before it showed that the client has left."""
        request.environ = None
        if request.spool is not None:
            request.spool.close()
            request.spool = None
        return 0

    cdef dict _seen(self, Connection connection, Request request):
        """What the access log can say of a request that is refused: its environ, else its
        first line."""
        cdef bytes raw = request.offence or b""
        request.offence = None
        if request.environ is not None or self.site.access_line is None:
            return request.environ
        if not raw and connection.partial != NULL:
            raw = connection.partial[:min(connection.partial_size, <uint32_t>LINE_BYTES)]
        line = raw.lstrip(b"\r\n").split(b"\n", 1)[0].rstrip(b"\r").decode("latin-1")
        words = zip(("REQUEST_METHOD", "RAW_URI", "SERVER_PROTOCOL"), line.split(" ", 2))
        return {"REMOTE_ADDR": connection.remote_addr, **dict(words)}

    # For a gateway whose requests are AWAY.

    def connection_of_call(self):
        """The connection whose request the calling thread is answering, None for none."""
        return self.gateway.connection_of_call()

    cdef int64_t clock(self) except -1:
        """Something begins outside of what the poller has reported.  Returns the time."""
        owns(self.crew)
        self.connections.now = self.connections.turn_ns = self.slot[HEARTBEAT] = now_ns()
        return self.connections.now

    cdef int went_away(self, Connection connection) except -1:
        """Its request waits for something: serve others."""
        owns(self.crew)
        return (<Protocol>connection.protocol).away(connection)

    cdef int came_back(self, Connection connection, ResponseWriter writer, int how) except -1:
        """Go on as if the application had been called here and now; how: what the response does
        next."""
        owns(self.crew)
        writer.request.busy = False
        self._go_on(connection, writer.request, writer, how)
        if how == FINISHED and connection.state == IDLE and connection.partial != NULL:
            self.connections.ready.append(connection)  # pipelined requests
        return 0

    def leaves(self):
        """Does the worker finish what it has, to go then?"""
        return self.site.draining or self.site.server_state[0] == SERVER_DRAINING

    # A connection that the application takes.

    def _detach(self, Connection connection):
        """The application takes the socket; see Connection.detach.  On a thread of its own,
        perhaps: what else the sending brings to light is for the loop to see to."""
        self.batch.flush()
        fd = connection.fd
        if fd < 0 or connection.broken or connection.outbox is not None:
            raise RuntimeError("the socket of a request cannot be detached: the client has not "
                               "read the answers before this one, or has left")
        self.connections.unwatch(connection)
        self.connections.leave(connection)
        connection.detached = True
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
        is closed (see Connections.finish), on a descriptor of ours.  A thread that still waits
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
        left.request = Request.__new__(Request)
        left.fd = fd
        left.port = -1
        left.parted = left.shared = True
        self.connections.enter(left, <Protocol>connection.protocol)
        self.connections.now = now_ns()
        move(left, HALF_CLOSED)
        self.connections.deadlines.set(left, LINGER, self.connections.now)
        self.connections.watch(left, EPOLLIN)
        if self.batch.soon is not None:
            self.batch.soon()
