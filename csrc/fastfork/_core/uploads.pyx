"""Request bodies: collected before the application is called.

A body of known size is received straight into the object the application will read it from.
What is too large for memory, too slow or too long is noticed here.

Runs in: worker
"""

from libc.errno cimport EAGAIN, errno
from libc.stdint cimport int64_t

from fastfork._core.base cimport MSG_DONTWAIT, RECEIVE_BYTES, recv
from fastfork._core.body cimport Body
from fastfork._core.connection cimport BODY
from fastfork._core.crowded cimport Crowded
from fastfork._core.deadlines cimport MORE_BODY
from fastfork._core.interrupted cimport ff_interrupted
from fastfork._core.scan cimport ff_error_status
from fastfork._core.scoreboard cimport BYTES_RECEIVED
from fastfork._core.secured cimport SEEN_TO
from fastfork._core.upload cimport Upload

import errno as errors
import sys


cdef enum:
    SLOW_RATE = 240  # bytes a second: who is slower gives way first where no rate is asked for

# No room on the disk, in the user's share of it, or below the limit of a file's size.
cdef tuple NO_ROOM = (errors.ENOSPC, errors.EDQUOT, errors.EFBIG)

cdef str WSGI_INPUT = sys.intern("wsgi.input")
cdef str CONTENT_LENGTH = sys.intern("CONTENT_LENGTH")


cdef class Uploads(Prefaced):
    """spool_after: bytes of a request body kept in memory; spool_dir: where the rest goes, None
    for the system's temporary directory.  body_min_rate: bytes a second that a body must come
    with, 0 = none, after body_grace seconds."""

    def __cinit__(self, *args, HeadParser parser, int64_t spool_after, spool_dir,
                  int64_t body_min_rate=0, body_grace=10.0, **kwargs):
        self.parser = parser
        self.spool_after = spool_after
        self.spool_dir = spool_dir
        self.grace_ns = <int64_t>(body_grace * 1e9)
        self.ends_slow = 0 < body_min_rate <= 1000000000
        self.byte_ns = 1000000000 // (body_min_rate or SLOW_RATE)

    cdef int _answer(self, Connection connection) except -1:
        raise AssertionError("Hub has the application")

    cdef int _begin_body(self, Connection connection) except -1:
        connection.environ = self.running
        self.running = None
        connection.state = BODY
        self.deadlines.set(connection, MORE_BODY, self.now)
        if self.gateway.streams:
            connection.body = Upload(
                self.parser, chunked=self.parser.framing.chunked, keeps=False,
                content_length=self.parser.framing.content_length,
                max_body=self.parser.max_body)
            connection.awaits_continue = self.parser.framing.expect_continue
            return 0
        try:
            connection.body = Body(
                self.parser, chunked=self.parser.framing.chunked,
                content_length=self.parser.framing.content_length,
                max_body=self.parser.max_body, spool_after=self.spool_after,
                spool_dir=self.spool_dir)
            connection.body.due = self.now + self.grace_ns
        except OSError as error:
            self._spool_failed(connection, error)
        return 0

    def _spool_failed(self, Connection connection, error):
        self.log.error("a request body cannot be kept: %s", error)
        self._refuse(connection, 0, 507 if error.errno in NO_ROOM else 500)

    cdef int _feed_body(self, Connection connection, const char **p, const char *end) except -1:
        """Give the body these bytes.  1 when it is complete and has been answered."""
        cdef int rc
        cdef const char *begin = p[0]
        if connection.body is None:
            return 0
        try:
            rc = connection.body.feed(p, end)
        except OSError as error:
            self._spool_failed(connection, error)
            return 0
        if rc < 0:
            self._refuse(connection, rc, ff_error_status(rc))
            return 0
        self.deadlines.set(connection, MORE_BODY, self.now)
        if rc == 0 and self.gateway.streams:
            self._answer_while_it_comes(connection)
            return 0
        if rc == 0:
            if self._is_too_slow(connection.body, p[0] - begin):
                self._refuse(connection, 0, 408)
            return 0
        connection.rest = p[0]
        connection.rest_size = <int>(end - p[0])
        self._answer_with_body(connection)
        return 1

    def _answer_with_body(self, Connection connection):
        body = connection.body
        try:
            whole = (<Body>body).input()
        except OSError as error:  # the last bytes wait in the file's buffer until now
            self._spool_failed(connection, error)
            return
        self.running = connection.environ
        connection.environ = None
        connection.body = None
        self.running[WSGI_INPUT] = whole
        connection.spool = (<Body>body).file
        if (<Body>body).chunked:
            self.running[CONTENT_LENGTH] = str(body.size)
        self._answer(connection)

    cdef int _answer_while_it_comes(self, Connection connection) except -1:
        """Have the request answered though its body is not complete."""
        cdef Body body = connection.body
        self.running = connection.environ
        connection.environ = connection.body = None
        body.due = self.now + self.grace_ns
        self.running[WSGI_INPUT] = body
        connection.rest_size = 0
        connection.uploading = True
        return self._answer(connection)

    cdef int _fill_body(self, Connection connection) except -1:
        """Receive into the body itself where its size is known, else through the buffer."""
        cdef Body body = connection.body
        cdef Py_ssize_t room = RECEIVE_BYTES
        cdef char *into = body.tail(&room)
        cdef char *received = self.crew.seat.received
        cdef const char *p = received
        cdef ssize_t n
        if connection.sealed is not None:
            into = NULL
            n = self._unseal(connection)
        elif into == NULL:
            n = recv(connection.fd, received, RECEIVE_BYTES, MSG_DONTWAIT)
        else:
            n = recv(connection.fd, into, room, MSG_DONTWAIT)
        if n < 0:
            if n == SEEN_TO or errno == EAGAIN or ff_interrupted(errno):
                return 0
            return self._close(connection)
        if n == 0:
            return self._refuse(connection, 0, 400)
        self.slot[BYTES_RECEIVED] += n
        if into == NULL:
            if self._feed_body(connection, &p, p + n):
                self._consume(connection, p, received + n - p)
            return self._end_follows(connection)
        self.deadlines.set(connection, MORE_BODY, self.now)
        if body.wrote(n):
            connection.rest_size = 0
            self._answer_with_body(connection)
        elif self._is_too_slow(body, n):
            self._refuse(connection, 0, 408)
        return 0

    cdef int64_t _slow_since(self, Connection connection, int wait) noexcept:
        """Of a body: when it would have begun, had it come at `byte_ns` until now; which is in the
        future for one that came quickly, and then its pauses count."""
        cdef int64_t since = Crowded._slow_since(self, connection, wait)
        if wait == MORE_BODY and connection.body is not None:
            return min(since, connection.body.due - self.grace_ns)
        return since

    cdef bint _is_too_slow(self, Body body, Py_ssize_t n) noexcept:
        """n more bytes of a body have come, and not its end: did they take too long?

        Each byte moves the time when the next must have come; how far ahead it can be moved
        is bounded, so that a quick beginning does not pay for hours of dripping.  A client
        that sends nothing at all is MORE_BODY's.
        """
        cdef int64_t ahead
        if self.now > body.due and self.ends_slow:
            return True
        ahead = self.now + self.grace_ns + self.deadlines.patience[MORE_BODY]
        body.due = min(body.due + n * self.byte_ns, ahead)
        return False
