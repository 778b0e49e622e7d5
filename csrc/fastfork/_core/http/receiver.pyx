"""From received bytes to complete requests.

Bytes are parsed where they lie, in the buffer of the thread.  Only what does not yet make a request
is copied aside.  Bodies are the business of `Uploads`.

Runs in: worker
"""

cimport cython
from libc.stdint cimport uint32_t
from libc.stdlib cimport free
from libc.string cimport memcmp, memcpy

from fastfork._core.http.blocks cimport ask
from fastfork._core.conn.connection cimport BODY, CLOSED, HEAD, HEAD_CAME, RUNNING, TRUSTED, UNASKED
from fastfork._core.conn.connection cimport move
from fastfork._core.conn.deadlines cimport FIRST_BYTE, NEXT_REQUEST, WHOLE_HEAD
from fastfork._core.http.scan cimport (
    FF_CASEFOLD_METHOD,
    FF_HTTP2_NOT_TAKEN,
    FF_NEED_DATA,
    ff_equals,
    ff_error_status,
    ff_head,
    ff_is_head_error,
    ff_limits,
    ff_scan_field_line,
)
from fastfork._core.scoreboard cimport LINE, LINE_BYTES, LINE_SIZE

import sys

cdef extern from "http2/frames.h" nogil:
    enum:
        FF_H2_PREFACE_BYTES
    const char *FF_H2_PREFACE


cdef enum:
    PIPELINED_MAX = 16        # requests of one connection answered in one turn
    LOOK_BYTES = 4096         # of an unfinished line, before the limits are looked at again

cdef str SOCKET = sys.intern("fastfork.socket")
cdef str HTTP_HOST = sys.intern("HTTP_HOST")
cdef str REMOTE_ADDR = sys.intern("REMOTE_ADDR")
cdef str REMOTE_PORT = sys.intern("REMOTE_PORT")


@cython.final
cdef class Receiver:
    """Reads the requests of HTTP/1.1.  environs: makes the environ of each."""

    def __cinit__(self, Connections connections, Crowded crowded, Answering answering,
                  Uploads uploads, Trust trust, HeadParser parser, EnvironBuilder environs):
        self.connections = connections
        self.crew = connections.crew
        self.crowded = crowded
        self.answering = answering
        self.uploads = uploads
        self.trust = trust
        self.parser = parser
        self.environs = environs

    def forget_values(self):
        """Drop the field values that are remembered."""
        self.environs.forget_values()
        if self.trust.trusted is not None:
            self.trust.trusted.forget_values()

    def expire_blocks(self):
        """Drop the field blocks if one has been kept for long."""
        self.environs.blocks.expire()
        if self.trust.trusted is not None:
            self.trust.trusted.blocks.expire()

    cdef int take_in(self, Connection connection, const char *received, Py_ssize_t n) except -1:
        """These bytes have come behind what is kept of this connection."""
        self.crowded.keep(connection, received, n)
        # A head that comes in drops is not scanned anew for each: while a field line goes on
        # and nothing in it offends, one look at that line is enough.
        if (connection.line_at and connection.partial_size - connection.scanned < LOOK_BYTES
                and ff_scan_field_line(connection.partial + connection.line_at,
                                       connection.partial_size - connection.line_at,
                                       self._limits_of(connection).options) == FF_NEED_DATA):
            return 0
        return self.consume_partial(connection)

    cdef int end_of_head(self, Connection connection) except -1:
        """The client sends no more, here between requests or within a head."""
        # What came in drops of one line may be an offence that nobody has looked for yet.
        if connection.partial != NULL and connection.partial_size > connection.scanned:
            self.consume_partial(connection)
            if connection.close_after:
                return 0  # it was refused
        return self.connections.close(connection)

    cdef int consume_partial(self, Connection connection) except -1:
        """The same as `consume`, for what is kept of this connection."""
        cdef char *own = connection.partial
        cdef uint32_t size = connection.partial_size
        connection.partial = NULL
        connection.forget_partial()
        try:
            self.consume(connection, own, size)
        finally:
            free(own)
        return 0

    cdef int consume(self, Connection connection, const char *p, Py_ssize_t n) except -1:
        """Answer the requests in these bytes, in order, and keep what is left."""
        cdef const char *end = p + n
        cdef EnvironBuilder builder
        cdef Py_ssize_t used
        cdef int code, count = 0
        while p < end:
            if connection.state == CLOSED or connection.close_after:
                return 0  # what follows the last request is never answered
            if connection.state > BODY or count == PIPELINED_MAX:
                return self._leave_rest(connection, p, end - p)
            if connection.trust == UNASKED:
                self.trust.ask(connection)
            builder = self.environs if connection.trust != TRUSTED else self.trust.trusted
            ask(builder.blocks, connection.template, connection.request.block)
            used = self.parser.parse(p, end - p, builder.blocks, self._limits_of(connection))
            if used <= 0:
                if used == FF_NEED_DATA:
                    return self._head_incomplete(connection, p, end - p)
                if self.http2 is not None and self._begins_http2(connection, p, end - p):
                    return 0
                if _is_http2(p, end - p):
                    used = FF_HTTP2_NOT_TAKEN
                connection.request.is_head = ff_is_head_error(<int>used) and self._is_head(p)
                return self._refuse(connection, p, end - p, <int>used)
            code = self._begin(connection, builder, p)
            if code:
                connection.request.environ = None
                return self._refuse(connection, p, end - p, code)
            p += used
            count += 1
            if not self.parser.framing.chunked and self.parser.framing.content_length <= 0:
                connection.rest = p
                connection.rest_size = <uint32_t>(end - p)
                self.answering.answer(connection, connection.request)
                continue
            self.uploads.begin(connection, connection.request)
            if (p == end and self.parser.framing.expect_continue
                    and not self.answering.gateway.streams and connection.state == BODY):
                self.connections.batch.put(connection, b"HTTP/1.1 100 Continue\r\n\r\n", 25)
            if not self.uploads.feed(connection, &p, end):
                return 0
        return 0

    cdef int _leave_rest(self, Connection connection, const char *p, Py_ssize_t n) except -1:
        """What comes next is for later: an answer is on the way, or others have a turn first."""
        if (connection.state == RUNNING and connection.request.sink is not None
                and connection.request.sink.wants() > 0):
            return connection.request.sink.received(<char *>p, n)
        self.crowded.keep(connection, p, n)
        connection.rest_size = 0
        if connection.state <= BODY:
            self.connections.ready.append(connection)
        return 0

    cdef int _begins_http2(self, Connection connection, const char *p, Py_ssize_t n) except -1:
        """Is what comes first on this connection HTTP/2 (RFC 9113 section 3.4), from a peer that is
        trusted?  1: it is seen to."""
        cdef Py_ssize_t known = min(n, <Py_ssize_t>FF_H2_PREFACE_BYTES)
        if (connection.served or connection.sealed is not None or connection.trust != TRUSTED
                or memcmp(p, FF_H2_PREFACE, known) != 0):
            return 0
        if n < FF_H2_PREFACE_BYTES:
            self._head_incomplete(connection, p, n)
            return 1
        connection.protocol = self.http2
        self.http2.open(connection)
        self.http2.received(connection, p, n)
        return 1

    cdef int _refuse(self, Connection connection, const char *p, Py_ssize_t n,
                     int code) except -1:
        """The request at p is not answered; code: why (errors.h)."""
        connection.request.offence = p[:min(n, <Py_ssize_t>LINE_BYTES)]
        return self.answering.refuse(connection, code, ff_error_status(code))

    cdef int _head_incomplete(self, Connection connection, const char *p,
                              Py_ssize_t n) except -1:
        cdef bint was_idle = (connection.state != HEAD
                              or connection.which_list == NEXT_REQUEST
                              or connection.which_list == FIRST_BYTE)
        move(connection, HEAD_CAME)
        self.crowded.keep(connection, p, n)
        connection.scanned = <uint32_t>n
        connection.request.is_head = False  # whatever the last request was
        if connection.is_blank():
            return 0  # the head has yet to begin, and so has its time
        if was_idle:
            self.connections.deadlines.set(connection, WHOLE_HEAD, self.connections.now)
        while n > 0 and p[n - 1] != b'\n':
            n -= 1
        connection.line_at = <uint32_t>n
        return 0

    cdef inline const ff_limits *_limits_of(self, Connection connection) noexcept:
        """Of a trusted peer the builder says which names with an underscore are refused."""
        return &self.parser.lenient if connection.trust == TRUSTED else &self.parser.limits

    cdef inline int _begin(self, Connection connection, EnvironBuilder builder,
                           const char *p) except -1:
        """Take up the request whose head was just parsed at p: build its environ, and put its
        request line on the scoreboard.  0, or a code to refuse it with."""
        cdef Request request = connection.request
        cdef ff_head *head = &self.parser.head
        cdef Py_ssize_t n = head.target.at + head.target.len + 9 - head.start
        cdef dict environ = builder.build(p, head, &self.parser.framing)
        request.block = builder.blocks.hint
        environ[REMOTE_ADDR] = connection.remote_addr
        if connection.port >= 0:
            environ[REMOTE_PORT] = connection.port_text()
        elif HTTP_HOST in environ:
            self._name_from_host(environ)
        if connection.facts is not None:
            environ.update(connection.facts)
        environ[SOCKET] = connection
        request.environ = environ
        request.minor = head.minor
        request.keep_alive = self.parser.framing.keep_alive
        request.is_head = self._is_head(p)
        if not request.turned_away:  # else the place is another request's, and stays that
            n = min(n, <Py_ssize_t>LINE_BYTES)
            memcpy(&self.crew.seat.place[LINE], p + head.start, n)
            self.crew.seat.place[LINE_SIZE] = n
        return self.trust.believe(connection, environ, builder.marks) if builder.marks else 0

    cdef inline bint _is_head(self, const char *p):
        cdef ff_head *head = &self.parser.head
        cdef const char *method = p + head.method.at
        if head.method.len != 4:
            return False
        return memcmp(method, b"HEAD", 4) == 0 or (
            self.parser.limits.options & FF_CASEFOLD_METHOD != 0
            and ff_equals(method, 4, b"head", 4))

    def _name_from_host(self, dict environ):
        """A Unix socket has neither name nor port: the client's word for them is Host."""
        name, colon, port = environ[HTTP_HOST].rpartition(":")
        if not colon or port.endswith("]"):
            name, port = environ[HTTP_HOST], ""
        environ["SERVER_NAME"] = name or "localhost"  # never empty (PEP 3333)
        environ["SERVER_PORT"] = port or ("80" if environ["wsgi.url_scheme"] == "http" else "443")


cdef bint _is_http2(const char *p, Py_ssize_t n) noexcept:
    """Is that the request line with which HTTP/2 begins (RFC 9113 section 3.4)?"""
    return n >= FF_H2_PREFACE_BYTES and memcmp(p, FF_H2_PREFACE, FF_H2_PREFACE_BYTES) == 0
