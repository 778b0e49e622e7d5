"""The state of one response, and the callables the application gets to make it with.

`start_response`, `write` and `early_hints` end up here, and so does every block of a body:
the head is put before the first one, each is framed (RFC 9112 section 6), and all of it goes
into the batch.  What drives a response from the application's return value is `Responder`.

Any thread of the application may call them, at any time, and so may a finalizer or a signal
handler in the middle of our work.  So each comes inside (turnstile.pyx) before it looks at the
response, and nothing that may run Python code stands between room taken in the batch and its use.

Runs in: worker
"""

from cpython.object cimport PyObject
from libc.stdint cimport int64_t
from libc.stdio cimport snprintf
from libc.string cimport memcpy

from fastfork._core.batch cimport Batch
from fastfork._core.connection cimport Connection
from fastfork._core.outbox cimport Outbox
from fastfork._core.reshead cimport (
    SAYS_CLOSE,
    SAYS_KEEP_ALIVE,
    STAYS_OPEN,
    ResponseHead,
    ServerLines,
)
from fastfork._core.text cimport PyBytes_AS_STRING, PyBytes_GET_SIZE, Py_REFCNT
from fastfork._core.ticks cimport now_ns
from fastfork._core.turnstile cimport CAME_IN, IN_THE_MIDDLE
from fastfork._core.words cimport words_of

import errno
import os
import traceback

cdef enum:
    COPY_MAX = 16 << 10     # longer blocks are sent by reference
    MEMORY_MAX = 1 << 20    # written by write() and not yet taken, before it goes to a file
    LEFT_NS = 1000000000   # how long write() bears with a client that has left
    SERVER_STATE = 1       # words of the server's slot (fastfork.ipc.scoreboard, tally)
    SERVER_CLOSING = 168

cdef str ENDED = "start_response was called after the response had ended"


cdef class Site:
    """log: logging.Logger.  pages(status: int) -> (status line, bytes): the error pages.
    access_line: None, or what formats an access log line (fastfork.logs.access).
    line_waits: that may take its time, as it calls code of the application's.
    leaving() -> bool: is a SystemExit that comes out of the application the worker's own?
    draining: every answer says that the connection will close.  So it does while the server says
    so; server: its words on the scoreboard, None for none.
    spool_dir: directory for what a client does not take, None for the system's.
    response_buffer: bytes of one response that may wait there.
    socket_of(connection) -> the `gunicorn.socket` of a request that wants to upgrade.
    take_over(socket, rest: bytes, Sealed or None) -> what reads the rest first, or through TLS.
    server_header: what responses and pages say in Server, where the application does not."""

    def __cinit__(self, Batch batch, *, Crew crew, log, pages, access_line, leaving, socket_of, take_over,
                  spool_dir=None, response_buffer=1 << 30, line_waits=False,
                  server_header="fastfork", server=None):
        self.batch = batch
        self.crew = crew
        self.lines = ServerLines(server_header)
        self.log = log
        self.pages = pages
        self.access_line = access_line
        self.leaving = leaving
        self.spool_dir = spool_dir
        self.spill_max = response_buffer
        self.socket_of = socket_of
        self.take_over = take_over
        self.line_waits = line_waits
        self.told, self.access_lines, self.on_dropped = set(), [], self._dropped
        self.server = memoryview(bytes(8 * (SERVER_CLOSING + 1)) if server is None else server)
        words = words_of(self.server, SERVER_CLOSING + 1, writes=False)
        self.server_state, self.closing = words + SERVER_STATE, words + SERVER_CLOSING

    cdef int spill(self, Connection connection) except -1:
        """Let the disk hold what this client does not take.  Where that is impossible or more
        than `response_buffer`, the connection is broken, and the log says so."""
        cdef Outbox outbox = connection.outbox
        try:
            outbox.spill(self.spool_dir)
        except OSError as error:
            connection.broken = True
            self.log.error("a response to %s cannot be kept: %s; the connection is closed",
                           connection.remote_addr or "a client", error)
            return 0
        if outbox.spilled > self.spill_max:
            connection.broken = True
            self.log.error("%s does not read its response, and more than response_buffer (%d "
                           "bytes) of it waits; the connection is closed",
                           connection.remote_addr or "a client", self.spill_max)
        return 0

    cdef int lose(self, Connection connection) except -1:
        """The client is gone; or it is the file that was to be sent, which has its line."""
        cdef int fault = connection.outbox.fault
        connection.broken = True
        if fault:
            why = f"cannot be read: {os.strerror(fault)}" if fault > 0 else "has become shorter"
            self.log.error("a file that is being sent to %s %s; the connection is closed",
                           connection.remote_addr or "a client", why)
        return 0

    def _dropped(self, name):
        if name not in self.told:
            self.told.add(name)
            self.log.error(
                "the application sent the hop-by-hop header %r, which PEP 3333 leaves to the "
                "server; it is dropped (said once a worker)", name)


cdef class Exchange:
    """One response in the making.

    The callables are bound once and kept: a request creates none.  When nothing else refers
    to them any more, the same object serves the next request.
    """

    def __cinit__(self, Site site):
        self.site = site
        self.head = ResponseHead.__new__(ResponseHead, site.on_dropped)
        self._start_response = self.start_response
        self._write = self.write
        self._early_hints = self.early_hints

    def retire(self):
        """Break the reference cycle of a Responder that somebody else still refers to."""
        self._start_response = self._write = self._early_hints = None
        self.head = None

    cdef bint recyclable(self):
        return (Py_REFCNT(<PyObject *>self._start_response) == 1
                and Py_REFCNT(<PyObject *>self._write) == 1
                and Py_REFCNT(<PyObject *>self._early_hints) == 1)

    cdef int begin(self, Connection connection, int minor, bint is_head, bint keep_alive,
                   int64_t now) except -1:
        self.connection = connection
        self.minor = minor
        self.is_head = is_head
        self.keep_alive = keep_alive
        self.live = True
        self.status = self.fields = None
        self.started = self.head_sent = self.bodyless = self.chunked = False
        self.left = -1
        self.sent = 0
        self.began_ns = now
        self.left_ns = 0
        return 0

    # What the application calls.

    def start_response(self, status, headers, exc_info=None):
        """PEP 3333.  Raises what the PEP says, and TypeError or ValueError for a status or
        field that must not be sent."""
        cdef ResponseHead head
        if not self.live:
            raise RuntimeError(ENDED)
        if exc_info is not None:
            try:
                if self.head_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # breaks the cycle through the traceback
        elif self.started:
            raise AssertionError("start_response was called twice without exc_info")
        self.started = False
        head = self._unused_head() if self.head.taken else self.head
        head.take(status, headers)
        if head.status < 200:
            raise ValueError(f"{status[:64]!r} is no answer: the client would wait for another; "
                             f"hints go through wsgi.early_hints")
        # Code of the application's may have run, and other threads: look again.
        if not self.live:
            raise RuntimeError(ENDED)
        if self.head_sent or self.started:
            raise AssertionError("start_response was called by two threads at once")
        self.started = True
        self.head = head
        if self.site.access_line is not None:
            self.status = status
            self.fields = headers
        return self._write

    cdef ResponseHead _unused_head(self):
        """The head, or a new one while another thread is at it."""
        return ResponseHead.__new__(ResponseHead, self.site.on_dropped) if self.head.taken \
            else self.head

    def write(self, data):
        """PEP 3333's write(): for applications that cannot return an iterable.

        What comes after the client has left is forgotten, so that an application may finish;
        one that is at it a second later hears of it as BrokenPipeError."""
        cdef Crew crew = self.site.crew
        cdef Py_ssize_t known
        cdef int way
        if not isinstance(data, bytes):
            raise TypeError(f"write() takes bytes, not {type(data).__name__}")
        data = bytes(data)
        way = crew.come_in()
        if way != CAME_IN:
            self._write_later(data, way)
            return
        try:
            known = len(self.site.batch.done)
            if not self.live or not self.started:
                raise AssertionError("write() was called outside a started response")
            if not data:
                return
            if self.connection.broken:
                self._to_nobody()
            else:
                self._write_now(data)
        finally:
            crew.release()
        crew.wake_loop(known)

    cdef int _write_later(self, data, int way) except -1:
        if way != IN_THE_MIDDLE:
            raise BrokenPipeError(errno.EPIPE, "the worker has ended")
        return self.site.crew.postpone(self._write, data)

    cdef int _write_now(self, bytes data) except -1:
        cdef Connection connection = self.connection
        cdef Outbox outbox
        self._block(data)
        self.site.batch.flush()
        outbox = connection.outbox
        if outbox is not None and outbox.in_memory() > MEMORY_MAX:
            # The application cannot be parked inside write(), so the disk takes it.
            self.site.spill(connection)
        return 0

    cdef int _to_nobody(self) except -1:
        cdef int64_t now = now_ns()
        if self.left_ns == 0:
            self.left_ns = now
        elif now - self.left_ns > LEFT_NS:
            raise BrokenPipeError(errno.EPIPE, "the client has left")
        return 0

    def early_hints(self, headers):
        """`wsgi.early_hints`: a 103 response with these fields (RFC 8297), at once.

        Not sent to HTTP/1.0 clients, nor after the response has begun; nor out of the middle of
        the server's own work, as by a finalizer."""
        cdef Crew crew = self.site.crew
        cdef Py_ssize_t known
        cdef ResponseHead hints
        if not self.live or self.head_sent or self.minor == 0:
            return
        hints = ResponseHead.__new__(ResponseHead, self.site.on_dropped)
        hints.set("103 Early Hints", headers)
        hints.end()
        if crew.come_in() != CAME_IN:
            return
        try:
            known = len(self.site.batch.done)
            if self.live and not self.head_sent and not self.connection.broken:
                self.site.batch.put(self.connection, hints.buffer, hints.size)
                self.site.batch.flush()
        finally:
            crew.release()
        crew.wake_loop(known)

    # Towards the client.

    cdef int _frame(self, int64_t add_length) noexcept:
        """Decide how the body is framed; add_length: of the body, -1 when it is not known."""
        cdef int status = self.head.status
        if self.head.wants_close or says_close(self.site):
            self.keep_alive = False
        self.bodyless = self.is_head or status == 204 or status == 205 or status == 304
        if self.head.has_length:
            self.left = self.head.length
            add_length = -1
        elif status == 205:  # RFC 9110 section 15.3.6
            add_length = 0
        elif status == 204 or status == 304 or (self.is_head and add_length == 0):
            add_length = -1  # to HEAD: the GET may well have a body
        elif add_length >= 0:
            self.left = add_length
        elif self.minor > 0:
            self.chunked = True
        elif not self.bodyless:
            self.keep_alive = False  # HTTP/1.0: the end of the connection ends the body
        self.head.added = add_length
        self.head_sent = True
        return 0

    cdef Py_ssize_t _put_head(self, char *out) noexcept:
        """Write the head, once its body is framed, to `out`."""
        cdef int closing = STAYS_OPEN
        if not self.keep_alive:
            closing = SAYS_CLOSE
        elif self.minor == 0:
            closing = SAYS_KEEP_ALIVE
        return self.head.finish(out, self.chunked, closing, self.site.lines)

    cdef int _head_alone(self, int64_t length) except -1:
        """Put the head into the batch, of a body of `length` bytes that goes another way."""
        cdef Batch batch = self.site.batch
        cdef Connection connection = self.connection
        cdef char *out
        self._frame(length)
        out = batch.room(connection, self.head.finish_bound())
        return batch.push(connection, self._put_head(out), None)

    cdef int _block(self, bytes data) except -1:
        """Put one block into the batch, behind the head when that is still to go.

        1 when only part of it, or nothing, fitted into the announced length.
        """
        cdef Batch batch = self.site.batch
        cdef Connection connection = self.connection
        cdef bint first = not self.head_sent
        cdef Py_ssize_t n = PyBytes_GET_SIZE(data), bound
        cdef char *start
        cdef char *p
        cdef bint by_reference, cut
        if first:
            self._frame(self.head.length)
        cut = self.left >= 0 and n > self.left
        if cut:
            self.site.log.error("the application's body is longer than its Content-Length; "
                                "the rest is cut")
            data = data[: self.left]
            n = self.left
        if self.bodyless:
            n = 0
        if n == 0 and not first:
            return cut
        by_reference = n > COPY_MAX
        bound = (self.head.finish_bound() if first else 0) + 64 + (0 if by_reference else n)
        # From here to push() nothing runs Python code.
        start = p = batch.room(connection, bound)
        if first:
            p += self._put_head(p)
        if n == 0:
            batch.push(connection, p - start, None)
            return cut
        if self.left >= 0:
            self.left -= n
        self.sent += n
        if self.chunked:
            p += snprintf(p, 24, b"%zx\r\n", n)
        if not by_reference:
            memcpy(p, PyBytes_AS_STRING(data), n)
            p += n
            if self.chunked:
                memcpy(p, b"\r\n", 2)
                p += 2
        batch.push(connection, p - start, data if by_reference else None)
        if by_reference and self.chunked:
            batch.put(connection, b"\r\n", 2)
        return cut

    cdef int _tell(self, error, bint is_alone) except -1:
        """Log what the application raised: a traceback calls its classes.  is_alone: it is about a
        client that has left."""
        request = self.environ or {}
        if is_alone:
            self.site.log.info("the client of %s left before the answer was complete",
                               request.get("RAW_URI"))
        elif self.connection.detached:
            self._tell_of_end(error)
        else:
            self.site.log.error("Error handling request %s %s", request.get("REQUEST_METHOD"),
                                request.get("RAW_URI"), exc_info=error)
        return 0

    # Where the application has taken the socket.

    cdef int _took_socket(self) except -1:
        """Its call has ended, which is the end of a conversation and no response."""
        if self.site.access_line is not None:
            self.status = "101 Switching Protocols"
            self.fields = []
        self.sent = 0
        if self.connection.taken is not None:
            self.connection.hub._part(self.connection)
        return 0

    cdef int _tell_of_end(self, error) except -1:
        """It ended by an exception.  For gunicorn's libraries that is a StopIteration; and a
        client that has left is no news."""
        if isinstance(error, (StopIteration, OSError)):
            return 0
        where = traceback.extract_tb(error.__traceback__).pop()
        request = self.environ or {}
        self.site.log.warning("the call that took the socket of %s %s ended with %s: %s (%s:%s)",
                              request.get("REQUEST_METHOD"), request.get("RAW_URI"),
                              type(error).__name__, error, where.filename, where.lineno)
        return 0
