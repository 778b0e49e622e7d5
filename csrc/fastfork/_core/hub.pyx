"""A worker's connections: what happens between two waits of the event loop.

The loop itself is Python (fastfork.workers.reactor): it waits, and gives what it was told to
`Hub.turn`.  A request that answers at once costs one recv and one send; the poller is told
about a connection once, when it is accepted and has not already been served and closed.

Ownership: a connection belongs to the hub, or while `busy` to the application call that
answers it.  Only the thread inside `turn` touches either.

Runs in: worker
"""

from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memchr, memcmp, memcpy

from fastfork._core.batch cimport BATCH_NS
from fastfork._core.body cimport Body
from fastfork._core.connection cimport (
    BODY,
    CLOSED,
    HEAD,
    IDLE,
    LINGERING,
    RESPONDING,
)
from fastfork._core.connections cimport (
    BYTES_SENT,
    EPOLLIN,
    EPOLLOUT,
    HEARTBEAT,
    IN_FLIGHT,
    IN_FLIGHT_SINCE,
    LINE,
    LINE_BYTES,
    LINE_SIZE,
    REFUSED,
    REQUESTS,
)
from fastfork._core.deadlines cimport (
    LINGER,
    MORE_BODY,
    NEXT_REQUEST,
    READER,
    WHOLE_HEAD,
)
from fastfork._core.response cimport FINISHED, YIELDED
from fastfork._core.scan cimport (
    FF_NEED_DATA,
    ff_head,
    ff_error_status,
    ff_error_text,
)
from fastfork._core.ticks cimport now_ns

import errno as errors
import sys

cdef extern from "<sys/socket.h>" nogil:
    int MSG_PEEK
    ssize_t recv(int fd, void *p, size_t n, int flags)

cdef enum:
    SHORTAGE_NS = 100000000
    RECEIVE_BYTES = 64 << 10
    PIPELINED_MAX = 16        # requests of one connection answered in one turn
    LOOK_BYTES = 4096         # of an unfinished line, before the limits are looked at again
    DRAIN_BYTES = 256 << 10   # read and forgotten while lingering
    EAGER_REQUESTS = 64
    LOG_NS = 50000000         # how long an access log line may wait for company
    REFUSAL_LOG_NS = 1000000000

cdef str WSGI_INPUT = sys.intern("wsgi.input")
cdef str EARLY_HINTS = sys.intern("wsgi.early_hints")
cdef str SOCKET = sys.intern("fastfork.socket")
cdef str HTTP_HOST = sys.intern("HTTP_HOST")
cdef str REMOTE_ADDR = sys.intern("REMOTE_ADDR")
cdef str REMOTE_PORT = sys.intern("REMOTE_PORT")
cdef str CONTENT_LENGTH = sys.intern("CONTENT_LENGTH")


cdef class Hub(Connections):
    """What happens to requests.  See `Connections` for the other arguments.

    app: the WSGI application.  write_access(lines: list[str]) writes access log lines.
    spool_after: bytes of a request body kept in memory; spool_dir: where the rest goes,
    None for the system's temporary directory.
    """

    def __init__(self, app, *, HeadParser parser, EnvironBuilder environs, write_access,
                 int64_t spool_after, spool_dir, site, batch, deadlines, poller, slot,
                 most_connections, accepts):
        self.app = app
        self.parser = parser
        self.environs = environs
        self.write_access = write_access
        self.spool_after = spool_after
        self.spool_dir = spool_dir
        self.received = <char *>malloc(RECEIVE_BYTES)
        if self.received == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.received)

    def running_request(self):
        """Request line of what the application is answering, '' when it is idle."""
        environ = self.running
        if environ is None:
            return ""
        return (f"{environ.get('REQUEST_METHOD')} {environ.get('RAW_URI')} "
                f"{environ.get('SERVER_PROTOCOL')}")

    def turn(self, list events):
        """Serve what the poller reported: [(descriptor, mask), ...].

        Returns the seconds until the next deadline, 0 when there is work left, at most 1.
        """
        cdef Connection connection
        cdef int64_t wait
        self.now = now_ns()
        self.slot[HEARTBEAT] = self.now
        self.site.lines.refresh()
        for event in events:
            fd = (<tuple>event)[0]
            entry = self.table[<int>fd]
            if type(entry) is Connection:
                self._event(<Connection>entry, (<tuple>event)[1])
                if self.batch.count and self.now - self.batch.first_ns > BATCH_NS:
                    self._flush()
            elif entry is not None:
                entry()
        if self.ready:
            going_on, self.ready = self.ready, []
            for connection in going_on:
                self._go_on(connection)
        self._flush()
        self._expire()
        self._flush()
        if self.listen_again and self.now >= self.listen_again:
            self.listen_again = 0
            self._listen(True)
        self.slot[BYTES_SENT] = self.batch.bytes_sent
        if self.ready:
            return 0.0
        wait = self.deadlines.next()
        wait = 1000000000 if wait < 0 else min(<int64_t>1000000000, wait - self.now)
        if self.site.access_lines:
            if self.now - self.log_ns >= LOG_NS or len(self.site.access_lines) >= 512:
                self.log_ns = self.now
                self.write_access(self.site.access_lines)
                self.site.access_lines.clear()
            else:
                wait = min(wait, <int64_t>LOG_NS)
        if self.listen_again:
            wait = min(wait, <int64_t>SHORTAGE_NS)
        return max(wait, <int64_t>0) * 1e-9

    def flush_access_log(self):
        """Write the lines that wait for company."""
        if self.site.access_lines:
            self.write_access(self.site.access_lines)
            self.site.access_lines.clear()

    # A connection's events.

    cdef int _event(self, Connection connection, int mask) except -1:
        if mask & EPOLLOUT and connection.state == RESPONDING:
            return self._settle(connection)
        if connection.state == RESPONDING:
            # Pipelined bytes, or the client's end, while its answer is on the way: not
            # read now.  Level-triggered readiness would report it for ever.
            return self._watch(connection, EPOLLOUT if connection.outbox is not None else 0)
        return self._readable(connection)

    cdef int _readable(self, Connection connection) except -1:
        """Receive once.  A short read means that the socket is empty, so there is no second."""
        cdef ssize_t n
        if connection.state == BODY:
            return self._fill_body(connection)
        n = recv(connection.fd, self.received, RECEIVE_BYTES, 0)
        if n < 0:
            if errno == EAGAIN or errno == EINTR:
                return 0
            return self._close(connection)
        if connection.state == LINGERING:
            connection.drained += <uint32_t>n
            if n == 0 or connection.drained > DRAIN_BYTES:
                self._close(connection)
            return 0
        if n == 0:
            return self._close(connection)
        if connection.partial == NULL:
            return self._consume(connection, self.received, n)
        connection.keep(self.received, n)
        # A head that comes in drops is looked at again only when a line has ended, or
        # while the request line is still open, or after some KiB: linear work in all.
        if connection.has_line and memchr(self.received, b'\n', n) == NULL and \
                connection.partial_size - connection.scanned < LOOK_BYTES:
            return 0
        return self._consume_partial(connection)

    cdef int _fill_body(self, Connection connection) except -1:
        """Receive into the body itself where its size is known, else through the buffer."""
        cdef Body body = connection.body
        cdef Py_ssize_t room = RECEIVE_BYTES
        cdef char *into = body.tail(&room)
        cdef const char *p = self.received
        cdef ssize_t n
        if into == NULL:
            n = recv(connection.fd, self.received, RECEIVE_BYTES, 0)
        else:
            n = recv(connection.fd, into, room, 0)
        if n < 0:
            if errno == EAGAIN or errno == EINTR:
                return 0
            return self._close(connection)
        if n == 0:
            return self._refuse(connection, 0, 400)
        if into == NULL:
            if self._feed_body(connection, &p, p + n):
                self._consume(connection, p, self.received + n - p)
            return 0
        self.deadlines.set(connection, MORE_BODY, self.now)
        if body.wrote(n):
            self._answer_with_body(connection)
        return 0

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
        cdef Py_ssize_t used
        cdef int count = 0
        while p < end:
            if connection.state == CLOSED or connection.close_after or connection.detached:
                return 0  # what follows the last request is never answered
            if connection.state == RESPONDING or count == PIPELINED_MAX:
                connection.keep(p, end - p)
                if connection.state != RESPONDING:
                    self.ready.append(connection)
                return 0
            used = self.parser.parse(p, end - p)
            if used <= 0:
                if used == FF_NEED_DATA:
                    return self._head_incomplete(connection, p, end - p)
                return self._refuse(connection, <int>used, ff_error_status(<int>used))
            self._begin(connection, p)
            p += used
            count += 1
            if not self.parser.framing.chunked and self.parser.framing.content_length <= 0:
                self._answer(connection)
                continue
            self._begin_body(connection)
            if p == end and self.parser.framing.expect_continue and connection.state == BODY:
                memcpy(self.batch.room(25), b"HTTP/1.1 100 Continue\r\n\r\n", 25)
                self.batch.push(connection, 25, None)
            if not self._feed_body(connection, &p, end):
                return 0
        return 0

    cdef int _head_incomplete(self, Connection connection, const char *p,
                              Py_ssize_t n) except -1:
        if connection.state != HEAD:
            connection.state = HEAD
            self.deadlines.set(connection, WHOLE_HEAD, self.now)
        connection.keep(p, n)
        connection.scanned = <uint32_t>n
        connection.has_line = memchr(p, b'\n', n) != NULL
        return 0

    cdef int _begin(self, Connection connection, const char *p) except -1:
        """Take up the request whose head was just parsed at p: build its environ (it becomes
        `running`) and put its request line on the scoreboard."""
        cdef ff_head *head = &self.parser.head
        cdef Py_ssize_t n = head.target.at + head.target.len + 9 - head.start
        cdef dict environ = self.environs.build(self.templates[connection.listener], p, head)
        environ[REMOTE_ADDR] = connection.remote_addr
        if connection.port >= 0:
            environ[REMOTE_PORT] = connection.port_text()
        elif HTTP_HOST in environ:
            self._name_from_host(environ)
        environ[SOCKET] = connection
        self.running = environ
        connection.minor = head.minor
        connection.keep_alive = self.parser.framing.keep_alive
        connection.is_head = (head.method.len == 4
                              and memcmp(p + head.method.at, b"HEAD", 4) == 0)
        n = min(n, <Py_ssize_t>LINE_BYTES)
        memcpy(&self.slot[LINE], p + head.start, n)
        self.slot[LINE_SIZE] = n
        return 0

    def _name_from_host(self, dict environ):
        """A Unix socket has neither name nor port: the client's word for them is Host."""
        name, colon, port = environ[HTTP_HOST].rpartition(":")
        if not colon or port.endswith("]"):
            name, port = environ[HTTP_HOST], ""
        environ["SERVER_NAME"] = name
        environ["SERVER_PORT"] = port or "80"

    cdef int _begin_body(self, Connection connection) except -1:
        connection.environ = self.running
        self.running = None
        connection.state = BODY
        self.deadlines.set(connection, MORE_BODY, self.now)
        try:
            connection.body = Body(
                self.parser, chunked=self.parser.framing.chunked,
                content_length=self.parser.framing.content_length,
                max_body=self.parser.max_body, spool_after=self.spool_after,
                spool_dir=self.spool_dir)
        except OSError as error:
            self._spool_failed(connection, error)
        return 0

    def _spool_failed(self, Connection connection, error):
        self.log.error("a request body cannot be kept: %s", error)
        self._refuse(connection, 0, 507 if error.errno == errors.ENOSPC else 500)

    cdef int _feed_body(self, Connection connection, const char **p, const char *end) except -1:
        """Give the body these bytes.  1 when it is complete and has been answered."""
        cdef int rc
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
        if rc == 0:
            return 0
        self._answer_with_body(connection)
        return 1

    def _answer_with_body(self, Connection connection):
        body = connection.body
        self.running = connection.environ
        connection.environ = None
        connection.body = None
        self.running[WSGI_INPUT] = (<Body>body).input()
        if (<Body>body).chunked:
            self.running[CONTENT_LENGTH] = str(body.size)
        self._answer(connection)

    # A request's answer.

    cdef Responder _responder(self):
        cdef Responder responder = self.spare
        if responder is None:
            return Responder.__new__(Responder, self.site)
        self.spare = None
        return responder

    cdef int _give_back(self, Responder responder) except -1:
        if responder.recyclable():
            self.spare = responder
        else:
            responder.retire()
        return 0

    cdef int _answer(self, Connection connection) except -1:
        """Call the application for the complete request that is `running`."""
        cdef Responder responder
        cdef int64_t began
        cdef int how
        if self.eager and self.batch.count:
            self._flush()
        responder = self._responder()
        began = self.now
        responder.begin(connection, connection.minor, connection.is_head,
                        connection.keep_alive, began)
        self.running[EARLY_HINTS] = responder._early_hints
        self.slot[REQUESTS] += 1
        self.slot[IN_FLIGHT] = 1
        self.slot[IN_FLIGHT_SINCE] = began
        connection.state = IDLE
        connection.busy = True
        how = responder.run(self.app, self.running)
        connection.busy = False
        self.running = None
        self.slot[IN_FLIGHT] = 0
        self.slot[IN_FLIGHT_SINCE] = 0
        self.now = now_ns()
        # The answers already in the batch wait for this one.  They must not wait for a slow
        # application: once it was slow, it gets an empty batch for a while.
        if self.now - began > BATCH_NS:
            self.eager = EAGER_REQUESTS
        elif self.eager:
            self.eager -= 1
        if self.batch.count == 1:
            self.batch.first_ns = self.now
        return self._progress(connection, responder, how)

    cdef int _progress(self, Connection connection, Responder responder, int how) except -1:
        """What a response did decides what the connection waits for."""
        if connection.state == CLOSED:
            connection.responder = None
            if how == FINISHED:
                self._give_back(responder)
            else:
                responder.abandon()
            return 0
        if how == FINISHED:
            connection.responder = None
            connection.lingers = connection.keep_alive and connection.close_after
            self._give_back(responder)
            connection.state = IDLE
            if not connection.close_after:
                self.deadlines.set(connection, NEXT_REQUEST, self.now)
            return 0
        connection.responder = responder
        connection.state = RESPONDING
        if how == YIELDED:
            self.deadlines.remove(connection)
            self.ready.append(connection)
        else:
            self.batch.look_at(connection)
        return 0

    cdef int _refuse(self, Connection connection, int code, int status) except -1:
        """Answer with an error page; nothing more is read as a request from this client."""
        cdef Responder responder = self._responder()
        self.slot[REFUSED] += 1
        if code and self.now - self.told_ns > REFUSAL_LOG_NS:
            self.told_ns = self.now
            self.log.warning("Invalid request from ip=%s: %s", connection.remote_addr or "-",
                             ff_error_text(code).decode("ascii"))
        connection.forget_partial()
        connection.body = None
        connection.environ = None
        responder.begin(connection, 1, False, False, self.now)
        responder.refuse(status)
        if self.batch.count == 1:
            self.batch.first_ns = self.now
        self._progress(connection, responder, FINISHED)
        connection.lingers = True
        return 0

    cdef int _go_on(self, Connection connection) except -1:
        """Take up a connection that had work left in an earlier turn."""
        cdef Responder responder
        cdef int64_t began = self.now
        if connection.state == CLOSED:
            return 0
        if connection.responder is not None:
            responder = <Responder>connection.responder
            self.running = responder.environ
            self.slot[IN_FLIGHT_SINCE] = began
            connection.busy = True
            how = responder.resume()
            connection.busy = False
            self.running = None
            self.slot[IN_FLIGHT_SINCE] = 0
            self.now = now_ns()
            self._progress(connection, responder, how)
            if how != FINISHED:
                return 0
        if connection.partial != NULL and connection.state == IDLE:
            self._consume_partial(connection)
        elif connection.state == IDLE and not connection.close_after:
            self._watch(connection, EPOLLIN)
        return 0

    cdef int _run_out(self, Connection connection, int wait) except -1:
        cdef char byte
        if wait == WHOLE_HEAD or wait == MORE_BODY:
            return self._refuse(connection, 0, 408)
        if wait == READER:
            # It never reads: what we still hold cannot be delivered.  A reset says so.
            connection.broken = True
            return self._settle(connection)
        if wait != LINGER and recv(connection.fd, &byte, 1, MSG_PEEK) > 0:
            # The request crossed our decision: a socket with bytes waiting is not idle.
            return self._readable(connection)
        return self._close(connection)
