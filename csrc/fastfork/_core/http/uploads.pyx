"""Request bodies: collected before the application is called, or begun with.

Which of both is the gateway's choice (`Gateway.streams`), and nobody else's.  A body of known size
is received straight into the object the application will read it from.  What is too large for
memory, too slow or too long is noticed here.

Runs in: worker
"""

cimport cython
from libc.errno cimport EAGAIN, errno
from libc.stdint cimport int64_t

from fastfork._core.base cimport MSG_DONTWAIT, RECEIVE_BYTES, recv
from fastfork._core.conn.connection cimport BODY_FOLLOWS, move
from fastfork._core.conn.deadlines cimport MORE_BODY
from fastfork._core.interrupted cimport ff_interrupted
from fastfork._core.http.scan cimport ff_error_status
from fastfork._core.scoreboard cimport BYTES_RECEIVED
from fastfork._core.conn.tls cimport SEEN_TO
from fastfork._core.http.upload cimport Upload

import errno as errors
import sys


cdef enum:
    SLOW_RATE = 240  # bytes a second: who is slower gives way first where no rate is asked for

# No room on the disk, in the user's share of it, or below the limit of a file's size.
cdef tuple NO_ROOM = (errors.ENOSPC, errors.EDQUOT, errors.EFBIG)

cdef str WSGI_INPUT = sys.intern("wsgi.input")
cdef str CONTENT_LENGTH = sys.intern("CONTENT_LENGTH")


@cython.final
cdef class Uploads:
    """spool_after: bytes of a request body kept in memory; spool_dir: where the rest goes, None
    for the system's temporary directory.  body_min_rate: bytes a second that a body must come
    with, 0 = none, after body_grace seconds."""

    def __cinit__(self, Connections connections, Answering answering, Tls tls, HeadParser parser, *,
                  int64_t spool_after, spool_dir, int64_t body_min_rate, body_grace):
        self.connections = connections
        self.answering = answering
        self.tls = tls
        self.parser = parser
        self.spool_after = spool_after
        self.spool_dir = spool_dir
        self.grace_ns = <int64_t>(body_grace * 1e9)
        self.ends_slow = 0 < body_min_rate <= 1000000000
        self.byte_ns = 1000000000 // (body_min_rate or SLOW_RATE)

    cdef int begin(self, Connection connection, Request request) except -1:
        """The head that was just parsed announces a body."""
        move(connection, BODY_FOLLOWS)
        self.connections.deadlines.set(connection, MORE_BODY, self.connections.now)
        if self.answering.gateway.streams:
            request.body = Upload(
                self.parser, chunked=self.parser.framing.chunked, keeps=False,
                content_length=self.parser.framing.content_length,
                max_body=self.parser.max_body)
            request.awaits_continue = self.parser.framing.expect_continue
            return 0
        try:
            request.body = Body(
                self.parser, chunked=self.parser.framing.chunked,
                content_length=self.parser.framing.content_length,
                max_body=self.parser.max_body, spool_after=self.spool_after,
                spool_dir=self.spool_dir)
            request.body.grace_ns = self.grace_ns
            request.body.due = self.connections.now + self.grace_ns
        except OSError as error:
            self._spool_failed(connection, error)
        return 0

    def _spool_failed(self, Connection connection, error):
        self.connections.log.error("a request body cannot be kept: %s", error)
        self.answering.refuse(connection, 0, 507 if error.errno in NO_ROOM else 500)

    cdef int feed(self, Connection connection, const char **p, const char *end) except -1:
        """Give the body these bytes, and move p behind those that are part of it.  1 when it is
        complete and has been answered."""
        cdef Request request = connection.request
        cdef const char *begin = p[0]
        cdef int rc
        if request.body is None:
            return 0
        try:
            rc = request.body.feed(p, end)
        except OSError as error:
            self._spool_failed(connection, error)
            return 0
        if rc < 0:
            self.answering.refuse(connection, rc, ff_error_status(rc))
            return 0
        self.connections.deadlines.set(connection, MORE_BODY, self.connections.now)
        if rc == 0 and self.answering.gateway.streams:
            self._answer_while_it_comes(connection, request)
            return 0
        if rc == 0:
            if self.is_too_slow(request.body, p[0] - begin):
                self.answering.refuse(connection, 0, 408)
            return 0
        connection.rest = p[0]
        connection.rest_size = <int>(end - p[0])
        self._answer_with_body(connection)
        return 1

    def _answer_with_body(self, Connection connection):
        cdef Request request = connection.request
        body = request.body
        try:
            whole = (<Body>body).input()
        except OSError as error:  # the last bytes wait in the file's buffer until now
            self._spool_failed(connection, error)
            return
        request.body = None
        request.environ[WSGI_INPUT] = whole
        request.spool = (<Body>body).file
        if (<Body>body).chunked:
            request.environ[CONTENT_LENGTH] = str(body.size)
        self.answering.answer(connection, request)

    cdef int _answer_while_it_comes(self, Connection connection, Request request) except -1:
        """Have the request answered though its body is not complete."""
        cdef Body body = request.body
        request.body = None
        body.grace_ns = self.grace_ns
        body.due = self.connections.now + self.grace_ns
        request.environ[WSGI_INPUT] = body
        connection.rest_size = 0
        request.uploading = True
        return self.answering.answer(connection, request)

    cdef int fill(self, Connection connection, const char **p, const char **end) except -1:
        """Receive once, into the body itself where its size is known, else through the buffer.
        1 when it is complete and has been answered, and what is between p and end has come behind
        it."""
        cdef Body body = connection.request.body
        cdef Py_ssize_t room = RECEIVE_BYTES
        cdef char *into = body.tail(&room)
        cdef char *received = self.connections.crew.seat.received
        cdef ssize_t n
        if connection.sealed is not None:
            into = NULL
            n = self.tls.receive(connection)
        elif into == NULL:
            n = recv(connection.fd, received, RECEIVE_BYTES, MSG_DONTWAIT)
        else:
            n = recv(connection.fd, into, room, MSG_DONTWAIT)
        if n < 0:
            if n != SEEN_TO and errno != EAGAIN and not ff_interrupted(errno):
                self.connections.close(connection)
            return 0
        if n == 0:
            self.answering.refuse(connection, 0, 400)
            return 0
        self.connections.slot[BYTES_RECEIVED] += n
        if into == NULL:
            p[0] = received
            end[0] = received + n
            return self.feed(connection, p, end[0])
        self.connections.deadlines.set(connection, MORE_BODY, self.connections.now)
        if body.wrote(n):
            connection.rest_size = 0
            self._answer_with_body(connection)
        elif self.is_too_slow(body, n):
            self.answering.refuse(connection, 0, 408)
        return 0

    cdef bint is_too_slow(self, Body body, Py_ssize_t n) noexcept:
        """n more bytes of a body have come, and not its end: did they take too long?

        Each byte moves the time when the next must have come; how far ahead it can be moved
        is bounded, so that a quick beginning does not pay for hours of dripping.  A client
        that sends nothing at all is MORE_BODY's.
        """
        cdef int64_t ahead
        if self.connections.now > body.due and self.ends_slow:
            return True
        ahead = (self.connections.now + self.grace_ns
                 + self.connections.deadlines.patience[MORE_BODY])
        body.due = min(body.due + n * self.byte_ns, ahead)
        return False
