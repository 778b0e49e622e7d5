"""HTTP/2 (RFC 9113) on the loop: what happens on its connections, and on the streams of those.

Runs in: worker
"""

cimport cython
from libc.errno cimport EAGAIN, errno

from fastfork._core.base cimport MSG_DONTWAIT, RECEIVE_BYTES, recv
from fastfork._core.conn.connection cimport CLEAR, CLOSED, IDLE, LINGERING, PARKED, RESPONDING, RUNNING, move
from fastfork._core.conn.connections cimport EPOLLIN, EPOLLOUT, GONE
from fastfork._core.conn.deadlines cimport (
    CLOSING,
    HANGUP,
    MORE_BODY,
    NOTHING,
    QUEUED,
    READER,
    WHOLE_HEAD,
)
from fastfork._core.http.http2receiver cimport Http2Limits
from fastfork._core.http.http2stream cimport Http2Stream
from fastfork._core.loop.hub cimport Hub
from fastfork._core.interrupted cimport ff_interrupted
from fastfork._core.http.nghttp2 cimport FF_H2_OK, NGHTTP2_CANCEL
from fastfork._core.http.request cimport Request
from fastfork._core.scoreboard cimport BYTES_RECEIVED
from fastfork._core.http.site cimport says_close
from fastfork._core.conn.tls cimport SEEN_TO
from fastfork._core.http.writer cimport FINISHED, WATCHED, YIELDED, ResponseWriter

from fastfork import forks


@cython.final
cdef class Http2(Protocol):
    """See `Protocol` for what each method is asked.  hub: the loop's, which has it spoken from now
    on where TLS agrees on it (RFC 7301); in_clear: and where a connection without TLS begins with
    its preface (RFC 9113 section 3.3)."""

    def __init__(self, Hub hub, Http2Limits limits, bint in_clear=False):
        self.worker = Http2Site(hub.connections, hub.answering, hub.receiver, hub.queue, limits)
        self.worker.streams = Http2Streams(self.worker)
        self.tls = hub.tls
        hub.tls.http2 = self
        if in_clear:
            hub.receiver.http2 = self

    cdef Http2Connection _of(self, Connection connection):
        return <Http2Connection>connection.http2

    cdef int open(self, Connection connection) except -1:
        connection.answering = self.worker.answering
        if connection.state != IDLE:
            move(connection, CLEAR)
        connection.http2 = Http2Connection(self.worker.limits, self.worker, connection)
        return self._of(connection).pump()

    # What comes.

    cdef int event(self, Connection connection, int mask) except -1:
        if mask & GONE and connection.is_gone():
            connection.broken = True
            return self.worker.connections.close(connection)
        if mask & EPOLLOUT and connection.outbox is not None:
            self.after_flush(connection)
            if connection.state == CLOSED:
                return 0
        return self.readable(connection) if mask & ~EPOLLOUT else 0

    cdef int readable(self, Connection connection) except -1:
        cdef char *clear = self.worker.crew.seat.received
        cdef ssize_t n
        if connection.close_after:
            return 0
        if connection.sealed is not None:
            n = self.tls.receive(connection)
        else:
            n = recv(connection.fd, clear, RECEIVE_BYTES, MSG_DONTWAIT)
        if n < 0:
            if n == SEEN_TO or errno == EAGAIN or ff_interrupted(errno):
                return 0
            return self.worker.connections.close(connection)
        if n == 0:
            return self.worker.connections.close(connection)
        self.worker.slot[BYTES_RECEIVED] += n
        self.received(connection, clear, n)
        return 0 if connection.sealed is None else self.worker.connections.end_follows(connection)

    cdef int received(self, Connection connection, const char *p, Py_ssize_t n) except -1:
        return self._of(connection).receive(p, n) if n else 0

    cdef int resume(self, Connection connection) except -1:
        if connection.state == CLOSED:
            return 0
        return self.readable(connection) if connection.has_ended() else 0

    cdef int late(self, Connection connection, int wait) except -1:
        cdef Http2Connection session = self._of(connection)
        if wait == READER:
            return self.worker.connections.reset(connection)
        if wait == WHOLE_HEAD:
            session.exceed(FF_H2_OK)
        elif wait == CLOSING or not session.streams:
            session.leave()
            return session.pump()  # what is open ends in its own time
        session.pump()
        return session.rearm()

    # What is sent.

    cdef int after_flush(self, Connection connection) except -1:
        cdef Http2Connection session = self._of(connection)
        if connection.state == CLOSED or connection.state == LINGERING:
            return 0
        if self.worker.connections.send(connection) == 1:
            self.worker.deadlines.set(connection, READER, self.worker.connections.now)
            return self.worker.connections.watch(connection, EPOLLIN | EPOLLOUT)
        self.worker.connections.drop_outbox(connection)
        if connection.broken:
            return self.worker.connections.close(connection)
        session.settle()
        session.pump()
        if connection.outbox is not None or self.worker.batch.has(connection):
            return 0
        if connection.close_after:
            return self._end(connection)
        if connection.which_list == READER:
            session.rearm()
        return self.worker.connections.watch(connection, EPOLLIN)

    cdef int _end(self, Connection connection) except -1:
        """All is said."""
        cdef Http2Connection session = self._of(connection)
        cdef str complaint = session.complaint()
        if complaint is not None and self.worker.connections.site.may_log_refusal(
                self.worker.connections.now):
            self.worker.connections.log.warning(
                "HTTP/2 with ip=%s is ended: %s", connection.remote_addr or "-", complaint)
        return self.worker.connections.linger(connection)

    # How it ends.

    cdef int drain(self, Connection connection) except -1:
        """Streams that cross the first GOAWAY on its way are served."""
        cdef Http2Connection session = self._of(connection)
        session.warn()
        self.worker.deadlines.set(connection, CLOSING, self.worker.connections.now)
        return session.pump()

    cdef int closed(self, Connection connection) except -1:
        return 0 if connection.http2 is None else self._of(connection).end_all()

    cdef int leave_to_parent(self, Connection connection) except -1:
        cdef Http2Stream stream
        cdef Request request
        for stream in self._of(connection).streams.values():
            if stream.request is None:
                continue
            request = stream.request.request
            if request.body is not None and request.body.file is not None:
                forks.file_to_nowhere(request.body.file)
            if request.spool is not None:
                forks.file_of_its_own(request.spool)
        return 0


@cython.final
cdef class Http2Streams(Protocol):
    """What becomes of a request that came on a stream."""

    def __cinit__(self, Http2Site worker):
        self.worker = worker

    cdef int readable(self, Connection connection) except -1:
        """A thread has become free for it; see RequestQueue."""
        self.worker.deadlines.remove(connection)
        if connection.state != IDLE or (<Http2Stream>connection.http2).closed:
            return 0
        return (<Http2Connection>connection.carrier).call(connection)

    cdef int resume(self, Connection connection) except -1:
        cdef ResponseWriter writer
        cdef Request request = connection.request
        if (connection.state != RESPONDING or request.writer is None
                or connection.outbox is not None):
            return 0
        writer = <ResponseWriter>request.writer
        if writer.seat is not self.worker.crew.seat:
            return self.worker.crew.hand(writer.seat, connection)
        self.worker.answering.resume(connection, request)
        return 0

    cdef int _later(self, Connection connection) except -1:
        """Go on with its response in the next turn, on the thread that began it."""
        return self.worker.crew.hand((<ResponseWriter>connection.request.writer).seat, connection)

    cdef int away(self, Connection connection) except -1:
        return 0

    cdef int after_response(self, Connection connection, ResponseWriter writer, int how) except -1:
        cdef Http2Connection session = <Http2Connection>connection.carrier
        cdef Http2Stream stream = <Http2Stream>connection.http2
        if how == FINISHED:
            session.complete(connection, connection.cut)
            if session.connection is not None:
                if says_close(self.worker.connections.site) and not session.has_warned:
                    self.drain_of(session)
                session.rearm()
            return 0
        move(connection, PARKED)
        if stream.closed:
            session.gone.append(stream)
            return session.settle()
        if how == YIELDED:
            return self._later(connection)
        if how == WATCHED:
            self.worker.deadlines.set(connection, HANGUP, self.worker.connections.now)
            return 0
        if connection.outbox is None:
            return self._later(connection)
        return 0

    cdef int drain_of(self, Http2Connection session) except -1:
        return (<Protocol>session.connection.protocol).drain(session.connection)

    cdef int after_flush(self, Connection connection) except -1:
        cdef Http2Connection session = <Http2Connection>connection.carrier
        cdef Http2Stream stream = <Http2Stream>connection.http2
        if stream.closed:
            return 0
        if stream.head is not None:
            session.submit_head(stream, False)
            session.pump()
        if connection.outbox is None and connection.state == RESPONDING and (
                connection.request.writer is not None):
            return self._later(connection)
        if connection.outbox is None and connection.request.sink is not None:
            return connection.request.sink.drained()
        return 0

    cdef int late(self, Connection connection, int wait) except -1:
        cdef Http2Connection session = <Http2Connection>connection.carrier
        if wait == HANGUP:
            return self._later(connection)
        if wait == QUEUED:
            return self.worker.queue.late(connection)
        if connection.state == RUNNING:
            return 0 if connection.request.sink is None else connection.request.sink.late(wait)
        if wait == MORE_BODY:
            session.refuse_by(connection, 0, 408)
            session.serve()
        else:
            session.reset(<Http2Stream>connection.http2, NGHTTP2_CANCEL)
        return session.pump()

    # What a request's sink wants.

    cdef int watch(self, Connection connection, Request request) except -1:
        cdef Http2Connection session = <Http2Connection>connection.carrier
        session.body_taken(<Http2Stream>connection.http2)
        return session.pump()

    cdef int wait(self, Connection connection, Request request, int kind) except -1:
        if kind == NOTHING:
            self.worker.deadlines.remove(connection)
        else:
            self.worker.deadlines.set(connection, kind, self.worker.connections.now)
        return 0

    cdef int lose(self, Connection connection, Request request) except -1:
        cdef Http2Connection session = <Http2Connection>connection.carrier
        session.reset(<Http2Stream>connection.http2, NGHTTP2_CANCEL)
        return session.pump()

    cdef int keep(self, Connection connection, const char *p, Py_ssize_t n) except -1:
        return 0
