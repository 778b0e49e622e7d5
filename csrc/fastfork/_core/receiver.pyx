"""From readable sockets to complete requests.

Bytes are received into one buffer of the thread's and parsed where they lie.  Only what does
not yet make a request is copied aside.  Bodies are the business of `Uploads`.

Runs in: worker
"""

from libc.errno cimport EAGAIN, errno
from libc.stdint cimport uint32_t
from libc.stdlib cimport free
from libc.string cimport memcmp, memcpy

from fastfork._core.base cimport MSG_DONTWAIT, MSG_PEEK, RECEIVE_BYTES, recv
from fastfork._core.blocks cimport ask
from fastfork._core.connection cimport BODY, CLOSED, HANDSHAKE, HEAD, IDLE
from fastfork._core.connection cimport LINGERING, NEVER, PREFACE, RESPONDING, TRUSTED, UNASKED
from fastfork._core.connections cimport EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP
from fastfork._core.deadlines cimport BRIEF_LINGER, FIRST_BYTE, HANGUP, LINGER, MORE_BODY
from fastfork._core.deadlines cimport NEXT_REQUEST, QUEUED, READER, SHAKE, WHOLE_HEAD
from fastfork._core.interrupted cimport ff_interrupted
from fastfork._core.scan cimport (
    FF_CASEFOLD_METHOD,
    FF_NEED_DATA,
    ff_equals,
    ff_error_status,
    ff_head,
    ff_is_head_error,
    ff_limits,
    ff_scan_field_line,
)
from fastfork._core.scoreboard cimport BYTES_RECEIVED, LINE, LINE_BYTES, LINE_SIZE
from fastfork._core.secured cimport SEEN_TO
from fastfork._core.sink cimport LATER, Sink

import sys


cdef extern from "<poll.h>" nogil:
    struct pollfd:
        int fd
        short events
        short revents
    int poll(pollfd *fds, unsigned long count, int timeout)

cdef enum:
    PIPELINED_MAX = 16        # requests of one connection answered in one turn
    LOOK_BYTES = 4096         # of an unfinished line, before the limits are looked at again
    DRAIN_BYTES = 64 << 20    # read and forgotten while lingering: proxies look up late

cdef str SOCKET = sys.intern("fastfork.socket")
cdef str HTTP_HOST = sys.intern("HTTP_HOST")
cdef str REMOTE_ADDR = sys.intern("REMOTE_ADDR")
cdef str REMOTE_PORT = sys.intern("REMOTE_PORT")


cdef class Receiver(Uploads):
    """The reading half of a worker.  environs: makes the environ of each request."""

    def __cinit__(self, *args, EnvironBuilder environs, **kwargs):
        self.environs = environs

    def forget_values(self):
        """Drop the field values that are remembered."""
        self.environs.forget_values()
        if self.trusted is not None:
            self.trusted.forget_values()

    def expire_blocks(self):
        """Drop the field blocks if one has been kept for long."""
        self.environs.blocks.expire()
        if self.trusted is not None:
            self.trusted.blocks.expire()

    cdef int _event(self, Connection connection, int mask) except -1:
        if connection.turn_ns == self.turn_ns:
            return 0  # meant for the one before it, whose descriptor it got in this turn
        if connection.busy:
            return self._meanwhile(connection, mask)
        if connection.which_list == QUEUED:
            # Watched for nothing but this: whoever waited in line is gone.
            return self._close(connection) if self._has_ended(connection, mask) else 0
        # Pipelined bytes, or the client's end, while an answer is on the way: not read now.
        # Level-triggered readiness would report it for ever.
        if connection.state == RESPONDING and self._has_ended(connection, mask):
            connection.broken = True  # a reset: nobody is there to read the rest
            return self._settle(connection)
        if connection.outbox is not None:
            if mask & EPOLLOUT:
                return self._settle(connection)
            return self._watch(connection, EPOLLOUT)
        if connection.state == RESPONDING:
            return self._watch(connection, 0)
        if connection.state == IDLE and connection.partial != NULL and not self.crew.keeping:
            return 0  # in `ready`: the requests that came before these bytes are served first
        return self._readable(connection)

    cdef bint _has_ended(self, Connection connection, int mask) noexcept:
        """Has its client reset or left it, as the poller reports?

        What the poller says may be about a connection before this one: a registration stays as
        long as any process has a copy of the descriptor, and be it a child that has yet to
        execute a program.  So it is asked once more before anything is given up."""
        cdef pollfd asked = pollfd(fd=connection.fd, events=0, revents=0)
        if not mask & (EPOLLERR | EPOLLHUP):
            return False
        return poll(&asked, 1, 0) != 0

    cdef int _meanwhile(self, Connection connection, int mask) except -1:
        """Something happens on a connection whose request is with another thread."""
        if self._has_ended(connection, mask):
            return self._lost(connection)  # for that thread to see
        if connection.sink is not None:
            return self._hear(connection, mask)
        if mask & EPOLLOUT:
            return self._send_meanwhile(connection)
        return self._watch(connection, 0 if connection.outbox is None else EPOLLOUT)

    cdef int _hear(self, Connection connection, int mask) except -1:
        """Let the sink of a busy connection have what has come, or hear that nothing will."""
        cdef char *received = self.crew.seat.received
        cdef Sink sink = connection.sink
        cdef ssize_t n
        cdef char byte
        if mask & EPOLLOUT:
            self._send_meanwhile(connection)
        if not mask & (EPOLLIN | EPOLLRDHUP) or connection.shut or connection.broken:
            return 0
        n = sink.wants()
        if n <= 0:
            if not mask & EPOLLRDHUP:
                return self._watch_for_sink(connection)
            connection.at_end = 0  # it would be reported again and again
            # What comes before the end is no more to be received: requests that follow, or an alert
            # of TLS.  Or the sink will have it, and then the end.
            if n == LATER:
                n = recv(connection.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT)
        elif connection.sealed is not None:
            n = self._unseal(connection)
        else:
            n = recv(connection.fd, received, RECEIVE_BYTES, MSG_DONTWAIT)
        if n < 0 and not (n == SEEN_TO or errno == EAGAIN or ff_interrupted(errno)):
            return self._lost(connection)
        if n == 0:
            connection.shut = True
            sink.ended()
        elif n > 0 and sink.wants() > 0:
            self.slot[BYTES_RECEIVED] += n
            sink.received(received, n)
        return self._watch_for_sink(connection)

    cdef int _readable(self, Connection connection) except -1:
        """Receive once.  A short read means that the socket is empty, so there is no second."""
        cdef ssize_t n
        cdef char *received = self.crew.seat.received
        if (self.crew.keeping and connection.state != LINGERING
                and not connection.turned_away):
            return self._put_off(connection)
        if connection.state == BODY:
            return self._fill_body(connection)
        if connection.state == PREFACE or connection.state == HANDSHAKE:
            return self._fill_preface(connection)
        if connection.sealed is not None and connection.state != LINGERING:
            n = self._unseal(connection)
        else:
            n = recv(connection.fd, received, RECEIVE_BYTES, MSG_DONTWAIT)
        if n < 0:
            if n == SEEN_TO or errno == EAGAIN or ff_interrupted(errno):
                return 0
            return self._close(connection)
        if connection.state == LINGERING:
            connection.drained += <uint32_t>n
            if n == 0 or connection.drained > DRAIN_BYTES:
                self._close(connection)
            return 0
        if n == 0:
            self._end_of_head(connection)
            return 0
        self.slot[BYTES_RECEIVED] += n
        self._take_in(connection, received, n)
        return 0 if connection.sealed is None else self._end_follows(connection)

    cdef int _take_in(self, Connection connection, const char *received, Py_ssize_t n) except -1:
        """These bytes have come, between requests or within a head."""
        if connection.partial == NULL:
            return self._consume(connection, received, n)
        self._keep(connection, received, n)
        # A head that comes in drops is not scanned anew for each: while a field line goes on
        # and nothing in it offends, one look at that line is enough.
        if (connection.line_at and connection.partial_size - connection.scanned < LOOK_BYTES
                and ff_scan_field_line(connection.partial + connection.line_at,
                                       connection.partial_size - connection.line_at,
                                       self._limits_of(connection).options) == FF_NEED_DATA):
            return 0
        return self._consume_partial(connection)

    cdef int _see_end(self, Connection connection) except -1:
        """The end that came with the last bytes, once what is before it is answered and sent."""
        if self.batch.has(connection) or (connection.state == IDLE and connection.partial != NULL):
            self.ready.append(connection)
            return 0
        return self._readable(connection)

    def _end_of_head(self, Connection connection):
        """The client sends no more, here between requests or within a head."""
        # What came in drops of one line may be an offence that nobody has looked for yet.
        if connection.partial != NULL and connection.partial_size > connection.scanned:
            self._consume_partial(connection)
            if connection.close_after:
                return  # it was refused
        self._close(connection)

    cdef int _consume_partial(self, Connection connection) except -1:
        cdef char *own = connection.partial
        cdef uint32_t size = connection.partial_size
        connection.partial = NULL
        connection.forget_partial()
        try:
            self._consume(connection, own, size)
        finally:
            free(own)
        return 0

    cdef int _consume(self, Connection connection, const char *p, Py_ssize_t n) except -1:
        """Answer the requests in these bytes, in order, and keep what is left."""
        cdef const char *end = p + n
        cdef EnvironBuilder builder
        cdef Py_ssize_t used
        cdef int code, count = 0
        while p < end:
            if connection.state == CLOSED or connection.close_after or connection.detached:
                return 0  # what follows the last request is never answered
            if (connection.state == RESPONDING and connection.sink is not None
                    and connection.sink.wants() > 0):
                return connection.sink.received(<char *>p, end - p)
            if connection.state == RESPONDING or count == PIPELINED_MAX:
                self._keep(connection, p, end - p)
                connection.rest_size = 0
                if connection.state != RESPONDING:
                    self.ready.append(connection)
                return 0
            builder = self._builder_for(connection)
            used = self.parser.parse(p, end - p, builder.blocks, self._limits_of(connection))
            if used <= 0:
                if used == FF_NEED_DATA:
                    return self._head_incomplete(connection, p, end - p)
                connection.is_head = ff_is_head_error(<int>used) and self._is_head(p)
                self.offence = p[:min(end - p, <Py_ssize_t>LINE_BYTES)]
                return self._refuse(connection, <int>used, ff_error_status(<int>used))
            code = self._begin(connection, builder, p)
            if code:
                self.running = None
                self.offence = p[:min(end - p, <Py_ssize_t>LINE_BYTES)]
                return self._refuse(connection, code, ff_error_status(code))
            p += used
            count += 1
            if not self.parser.framing.chunked and self.parser.framing.content_length <= 0:
                connection.rest = p
                connection.rest_size = <uint32_t>(end - p)
                self._answer(connection)
                continue
            self._begin_body(connection)
            if (p == end and self.parser.framing.expect_continue
                    and not self.gateway.streams and connection.state == BODY):
                self.batch.put(connection, b"HTTP/1.1 100 Continue\r\n\r\n", 25)
            if not self._feed_body(connection, &p, end):
                return 0
        return 0

    cdef int _head_incomplete(self, Connection connection, const char *p,
                              Py_ssize_t n) except -1:
        cdef bint was_idle = (connection.state != HEAD
                              or connection.which_list == NEXT_REQUEST
                              or connection.which_list == FIRST_BYTE)
        connection.state = HEAD
        self._keep(connection, p, n)
        connection.scanned = <uint32_t>n
        connection.is_head = False  # whatever the last request was
        if connection.is_blank():
            return 0  # the head has yet to begin, and so has its time
        if was_idle:
            self.deadlines.set(connection, WHOLE_HEAD, self.now)
        while n > 0 and p[n - 1] != b'\n':
            n -= 1
        connection.line_at = <uint32_t>n
        return 0

    cdef int _run_out(self, Connection connection, int wait) except -1:
        """The patience for what it has been waiting for is over."""
        cdef char byte
        if wait == WHOLE_HEAD and connection.state == PREFACE:
            return self._close(connection)  # a proxy that speaks no HTTP yet
        if wait == WHOLE_HEAD or wait == MORE_BODY:
            return self._refuse(connection, 0, 408)
        if wait == READER:
            return self._reset(connection)  # it never reads: what we hold cannot be delivered
        if wait == SHAKE:
            return self._close(connection)
        if wait == HANGUP:
            return self._later(connection)
        if wait == QUEUED:
            # Read it, and say no: even the keeper can do that.
            connection.turned_away = True
            return self._release(connection)
        if (wait != LINGER and wait != BRIEF_LINGER
                and recv(connection.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0):
            # The request crossed our decision: a socket with bytes waiting is not idle.
            return self._readable(connection)
        return self._close(connection)

    cdef const ff_limits *_limits_of(self, Connection connection) noexcept:
        """Of a trusted peer the builder says which names with an underscore are refused."""
        return &self.parser.lenient if connection.trust == TRUSTED else &self.parser.limits

    cdef EnvironBuilder _builder_for(self, Connection connection):
        """Who makes the environ of its next request."""
        cdef EnvironBuilder builder = self.environs
        if connection.trust == UNASKED:
            self._ask(connection)
        if connection.trust == TRUSTED:
            builder = self.trusted
        ask(builder.blocks, self.templates[connection.listener], connection.block)
        return builder

    cdef int _begin(self, Connection connection, EnvironBuilder builder,
                    const char *p) except -1:
        """Take up the request whose head was just parsed at p: build its environ (it becomes
        `running`) and put its request line on the scoreboard.  0, or a code to refuse it with."""
        cdef ff_head *head = &self.parser.head
        cdef Py_ssize_t n = head.target.at + head.target.len + 9 - head.start
        cdef dict environ = builder.build(p, head, &self.parser.framing)
        connection.block = builder.blocks.hint
        environ[REMOTE_ADDR] = connection.remote_addr
        if connection.port >= 0:
            environ[REMOTE_PORT] = connection.port_text()
        elif HTTP_HOST in environ:
            self._name_from_host(environ)
        if connection.facts is not None:
            environ.update(connection.facts)
        environ[SOCKET] = connection
        self.running = environ
        connection.minor = head.minor
        connection.keep_alive = self.parser.framing.keep_alive
        connection.is_head = self._is_head(p)
        if not connection.turned_away:  # else the place is another request's, and stays that
            n = min(n, <Py_ssize_t>LINE_BYTES)
            memcpy(&self.crew.seat.place[LINE], p + head.start, n)
            self.crew.seat.place[LINE_SIZE] = n
        return self._believe(connection, environ, builder.marks) if builder.marks else 0

    cdef int _catch_up(self, Connection connection) except -1:
        """See to what others left alone while this connection was the application's."""
        if connection.broken or connection.close_after or connection.outbox is not None:
            return self.batch.look_at(connection)
        return 0 if connection.interest == NEVER else self._watch(connection, EPOLLIN)

    cdef int _forget_request(self, Connection connection) except -1:
        """Sending the answers before this one showed that the client has left."""
        self.running = None
        if connection.spool is not None:
            connection.spool.close()
            connection.spool = None
        return 0

    cdef dict _seen(self, Connection connection):
        """What the access log can say of a request that is refused: its environ, else its
        first line."""
        cdef bytes raw = self.offence or b""
        self.offence = None
        if connection.environ is not None or self.site.access_line is None:
            return connection.environ
        if not raw and connection.partial != NULL:
            raw = connection.partial[:min(connection.partial_size, <uint32_t>LINE_BYTES)]
        line = raw.lstrip(b"\r\n").split(b"\n", 1)[0].rstrip(b"\r").decode("latin-1")
        words = zip(("REQUEST_METHOD", "RAW_URI", "SERVER_PROTOCOL"), line.split(" ", 2))
        return {"REMOTE_ADDR": connection.remote_addr, **dict(words)}

    cdef bint _is_head(self, const char *p):
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
