"""One response on its way: its head, its body, how both are framed (RFC 9112 section 6), its end.

What calls an application for a response, and takes what comes of it, is built on this: WSGI's
callables (exchange.pyx) and ASGI's.  Nothing that may run Python code stands between room taken in
the batch and its use.

Runs in: worker
"""

from libc.stdint cimport int64_t
from libc.stdio cimport snprintf
from libc.string cimport memcpy

from fastfork._core.http.answer cimport Answer
from fastfork._core.conn.batch cimport NOT_ASKED, Batch
from fastfork._core.conn.connection cimport Connection
from fastfork._core.loop.crew cimport Crew, owns
from fastfork._core.failing cimport note_cut, note_failure
from fastfork._core.conn.outbox cimport FileSegment
from fastfork._core.http.request cimport HTTP_2, Request
from fastfork._core.http.response_head cimport SAYS_CLOSE, SAYS_KEEP_ALIVE, STAYS_OPEN, ResponseHead
from fastfork._core.http.site cimport Site, says_close
from fastfork._core.text cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from fastfork._core.ticks cimport now_ns

import sys

from fastfork import forks

cdef enum:
    COPY_MAX = 16 << 10     # longer blocks are sent by reference


cdef class ResponseWriter:
    """One response in the making.  It serves again for another when nobody refers to it."""

    def __cinit__(self, Site site, *args):
        self.site = site
        self.head = ResponseHead.__new__(ResponseHead, site.on_dropped)

    cdef int begin(self, Connection connection, Request request, bint keep_alive,
                   int64_t now) except -1:
        """A response to `request` begins, at `now`.  keep_alive: another request may follow."""
        self.connection = connection
        self.request = request
        self.minor = request.minor
        self.is_head = request.is_head
        self.keep_alive = keep_alive
        self.live = True
        self.status = self.fields = None
        self.started = self.head_sent = self.bodyless = self.chunked = False
        self.left = -1
        self.sent = 0
        self.began_ns = now
        return 0

    cdef ResponseHead _unused_head(self):
        """The head, or a new one while another thread is at it."""
        return ResponseHead.__new__(ResponseHead, self.site.on_dropped) if self.head.taken \
            else self.head

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
            self.chunked = self.minor < HTTP_2
        elif not self.bodyless:
            self.keep_alive = False  # HTTP/1.0: the end of the connection ends the body
        self.head.added = add_length
        self.head_sent = True
        return 0

    cdef Py_ssize_t _put_head(self, char *out) noexcept:
        """Write the head, once its body is framed, to `out`."""
        cdef int closing = STAYS_OPEN
        if not self.keep_alive:
            closing = SAYS_CLOSE if self.minor < HTTP_2 else STAYS_OPEN
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
        owns(self.site.crew)
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

    # All of it.

    cdef int refuse(self, int status) except -1:
        """Answer with an error page and close."""
        line, page = self.site.pages(status)
        self.keep_alive = False
        fields = [("Content-Type", "text/html; charset=utf-8")]
        if status == 503:
            fields.append(("Retry-After", "1"))
        elif status == 426:  # RFC 6455 section 4.4
            fields.append(("Sec-WebSocket-Version", "13"))
        self._announce(line, fields, [])
        return self._whole(page)

    cdef int serve(self, Answer answer) except -1:
        """Send what the server itself answers: a static file, or why it is not sent."""
        self.seat = self.site.crew.seat
        self._announce(answer.status, answer.fields, answer.fields if answer.is_logged else None)
        if type(answer.body) is FileSegment:
            return self._file(<FileSegment>answer.body)
        return self._whole(<bytes>answer.body)

    cdef int _announce(self, line, fields, logged) except -1:
        """Begin a response of the server's.  logged: fields for the access log, None: no line."""
        self.head = self._unused_head()
        self.head.set(line, fields)
        self.started = True
        if self.site.access_line is not None and logged is not None:
            self.status = line
            self.fields = logged
        return 0

    cdef int _need_start(self) except -1:
        if not self.started:
            raise AssertionError("the application returned a body without calling "
                                 "start_response")
        return 0

    cdef int _whole(self, bytes data) except -1:
        """The body is `data`, all of it."""
        self._need_start()
        if not self.head.has_length:
            self.head.length = PyBytes_GET_SIZE(data)
        if PyBytes_GET_SIZE(data) or not self.head_sent:
            self._block(data)
        return self._finish()

    cdef int _file(self, FileSegment segment) except -1:
        """A file with a descriptor: its head, then sendfile(2) from its position."""
        self._need_start()
        if self.head.has_length:
            segment.left = min(segment.left, self.head.length)
        self._head_alone(segment.left)
        if not self.bodyless and segment.left > 0:
            self.site.batch.flush()
            self.left -= segment.left
            self.sent = segment.left
            self._queue_file(segment)
        return self._finish()

    cdef int _queue_file(self, FileSegment segment) except -1:
        """Have part of a file sent behind what waits for the client."""
        segment.is_read = self.site.reads_files
        self.connection.queue().add_file(segment)
        return self.site.batch.look_at(self.connection)

    # Its end.

    cdef int _finish(self) except -1:
        """Everything is handed over: end the body, close the iterable, write the log."""
        cdef Connection connection = self.connection
        owns(self.site.crew)
        if not self.head_sent:
            self._head_alone(0)
        elif self.chunked and not self.bodyless:
            self.site.batch.put(connection, b"0\r\n\r\n", 5)
        if self.left > 0 and not self.bodyless and not connection.broken:
            self.keep_alive = False
            self.site.log.error("the application's body is %d bytes shorter than its "
                                "Content-Length; the connection is closed", self.left)
            note_cut(self.site.crew.slot, self.environ, self.head.status)
            connection.cut = self.minor == HTTP_2
        self._end()
        return FINISHED

    cdef bint _looks_whole(self) noexcept:
        """Would a body that ends here look complete to the client, though it is not?"""
        return (self.left < 0 and not self.chunked and not self.bodyless) or self.minor == HTTP_2

    cdef int _end(self) except -1:
        cdef Connection connection = self.connection
        if not self.keep_alive:
            connection.close_after = True
            self.site.batch.look_at(connection)
        self.live = False
        self._close_body()
        if connection.detached:
            self._took_socket()
        elif not self.started or self.head.status >= 500:
            note_failure(self.site.crew.slot, self.environ,
                         self.head.status if self.started else 0)
        if self.site.access_line is not None and self.status is not None:
            self.site.access_lines.append(self._access_line(now_ns()))
        if self.request.spool is not None:
            self.spool, self.request.spool = self.request.spool, None
        self.connection = None
        return 0

    cdef int _close_body(self) except -1:
        """The response has ended: end what it was made from."""
        return 0

    cdef int _took_socket(self) except -1:
        """It was no response: the application has taken the socket."""
        return 0

    cdef int abandon(self) except -1:
        """The client is gone: nothing more is sent."""
        raise AssertionError("whoever calls an application knows")

    # Where code of others has been called: it may have forked, and we may be the child.

    cdef object _access_line(self, int64_t now):
        cdef Connection connection = self.connection
        cdef Crew crew = self.site.crew
        # It calls what is in the environ, and perhaps hooks.  A connection that is not busy is not
        # ours alone, and has nothing of the application's.
        cdef bint goes_out = self.request.busy
        if self.site.line_waits and crew.aside and self.site.batch.waiting():
            # The client need not wait for what that does.
            self.site.batch.hold(connection, True, NOT_ASKED)
        environ = self.environ or {"REMOTE_ADDR": connection.remote_addr}
        if goes_out:
            crew.out(self.seat, now)
        try:
            return self.site.access_line(environ, self.status, self.sent, now - self.began_ns,
                                         self.fields)
        finally:
            self._stay_or_leave(sys.exc_info()[1])
            if goes_out:
                crew.back(self.seat)

    cdef int _stay_or_leave(self, error) except -1:
        if self.site.crew.forks.foreign:
            self._leave(error)
        return 0

    def _leave(self, error):
        """This is a child of the application's, which has come back to us."""
        environ = self.environ or {}
        forks.leave(error, out_of=f"{environ.get('REQUEST_METHOD')} {environ.get('RAW_URI')}")
