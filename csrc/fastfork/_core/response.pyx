"""One response: from what the application does to bytes on their way (PEP 3333).

A Responder is the state behind one `start_response`.  The worker keeps one and uses it again
when nothing outside still refers to it, so a request creates no callables.

Runs in: worker
"""

from libc.stdint cimport int64_t
from libc.stdio cimport snprintf
from libc.string cimport memcpy

from fastfork._core.batch cimport Batch
from fastfork._core.connection cimport Connection, Outbox
from fastfork._core.reshead cimport (
    SAYS_CLOSE,
    SAYS_KEEP_ALIVE,
    STAYS_OPEN,
    ResponseHead,
    ServerLines,
)
from fastfork._core.text cimport (
    PyBytes_AS_STRING,
    PyBytes_CheckExact,
    PyBytes_GET_SIZE,
    Py_REFCNT,
)
from fastfork._core.ticks cimport now_ns

import os
import stat
import sys

cdef enum:
    COPY_MAX = 16 << 10     # longer bodies are sent by reference
    JOIN_MAX = 64 << 10     # lists of blocks up to this size become one block
    FILE_COPY_MAX = 32 << 10  # shorter files are read and sent with the head
    TURN_BLOCKS = 64        # blocks of one response before other connections get a turn
    TURN_NS = 10000000
    MEMORY_MAX = 1 << 20    # written by write() and not yet taken, before it goes to a file
    SPILL_MAX = 1 << 30

cdef object ENDED = object()


cdef class Site:
    """log: logging.Logger.  pages(status: int) -> (status line, bytes): the error pages.
    access_line: None, or what formats an access log line (fastfork.logs.access)."""

    def __cinit__(self, Batch batch, *, log, pages, access_line):
        self.batch = batch
        self.lines = ServerLines.__new__(ServerLines)
        self.lines.refresh()
        self.log = log
        self.pages = pages
        self.access_line = access_line
        self.access_lines = []


cdef class FileWrapper:
    """`wsgi.file_wrapper`: a file to be sent, by sendfile(2) where it has a descriptor."""

    def __cinit__(self, filelike, Py_ssize_t blksize=8192):
        self.filelike = filelike
        self.blksize = blksize

    def __iter__(self):
        return self

    def __next__(self):
        data = self.filelike.read(self.blksize)
        if not data:
            raise StopIteration
        return data

    def close(self):
        close = getattr(self.filelike, "close", None)
        if close is not None:
            close()


cdef class Responder:
    """See the module."""

    def __cinit__(self, Site site):
        self.site = site
        self.head = ResponseHead.__new__(ResponseHead, self._dropped)
        self._start_response = self.start_response
        self._write = self.write
        self._early_hints = self.early_hints

    def _dropped(self, name):
        self.site.log.error(
            "the application sent the hop-by-hop header %r, which PEP 3333 leaves to the "
            "server; it is dropped (said once a worker)", name)

    def retire(self):
        """Break the reference cycle of a Responder that somebody else still refers to."""
        self._start_response = self._write = self._early_hints = None

    cdef bint recyclable(self):
        return (Py_REFCNT(self._start_response) == 1 and Py_REFCNT(self._write) == 1
                and Py_REFCNT(self._early_hints) == 1)

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
        return 0

    # What the application calls.

    def start_response(self, status, headers, exc_info=None):
        """PEP 3333.  Raises what the PEP says, and TypeError or ValueError for a status or
        field that must not be sent."""
        if not self.live:
            raise RuntimeError("start_response was called after the response had ended")
        if exc_info is not None:
            try:
                if self.head_sent:
                    raise exc_info[1].with_traceback(exc_info[2])
            finally:
                exc_info = None  # breaks the cycle through the traceback
        elif self.started:
            raise AssertionError("start_response was called twice without exc_info")
        self.started = False
        self.head.set(status, headers)
        self.started = True
        if self.site.access_line is not None:
            self.status = status
            self.fields = headers
        return self._write

    def write(self, data):
        """PEP 3333's write(): for applications that cannot return an iterable."""
        cdef Outbox outbox
        if not self.live or not self.started:
            raise AssertionError("write() was called outside a started response")
        if not isinstance(data, bytes):
            raise TypeError(f"write() takes bytes, not {type(data).__name__}")
        if not data:
            return
        self._block(bytes(data), True)
        outbox = self.connection.outbox
        if outbox is not None and outbox.size > MEMORY_MAX:
            # The application cannot be parked inside write(), so the disk takes it.
            outbox.spill()
            if outbox.spilled > SPILL_MAX:
                self.connection.broken = True

    def early_hints(self, headers):
        """`wsgi.early_hints`: a 103 response with these fields (RFC 8297), at once.

        Not sent to HTTP/1.0 clients, nor after the response has begun."""
        cdef ResponseHead hints
        cdef Py_ssize_t n
        cdef char *out
        if not self.live or self.head_sent or self.minor == 0:
            return
        hints = ResponseHead.__new__(ResponseHead, self._dropped)
        hints.set("103 Early Hints", headers)
        n = hints.size
        out = self.site.batch.room(n + 2)
        memcpy(out, hints.buffer, n)
        memcpy(out + n, b"\r\n", 2)
        self.site.batch.push(self.connection, n + 2, None)
        self.site.batch.flush()

    # What the worker calls.

    cdef int run(self, app, dict environ) except -1:
        """Call the application and deliver what it returns as far as it goes now."""
        self.environ = environ
        try:
            body = app(environ, self._start_response)
        except BaseException:
            return self._failed()
        return self.deliver(body)

    cdef int deliver(self, body) except -1:
        cdef Py_ssize_t total = 0
        self.body = body
        try:
            if self.started:
                if type(body) is list or type(body) is tuple:
                    for block in body:
                        if not PyBytes_CheckExact(block):
                            break
                        total += PyBytes_GET_SIZE(block)
                    else:
                        if len(body) == 1:
                            return self._whole(<bytes>body[0])
                        if total <= JOIN_MAX:
                            return self._whole(b"".join(body))
                        if not self.head.has_length:
                            self.head.has_length = True
                            self.head.length = total
                            self.head._field(("Content-Length", str(total)))
                elif type(body) is bytes:
                    return self._whole(<bytes>body)
                elif type(body) is FileWrapper and hasattr((<FileWrapper>body).filelike, "fileno"):
                    return self._file(<FileWrapper>body)
            self.blocks = iter(body)
        except BaseException:
            return self._failed()
        return self.resume()

    cdef int refuse(self, int status) except -1:
        """Answer with an error page and close."""
        line, page = self.site.pages(status)
        self.keep_alive = False
        self.head.set(line, [("Content-Type", "text/html; charset=utf-8")])
        self.started = True
        if self.site.access_line is not None:
            self.status = line
            self.fields = []
        return self._whole(page)

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
            self._block(data, False)
        return self._finish()

    cdef int _file(self, FileWrapper wrapper) except -1:
        """A file with a descriptor: its head, then sendfile(2) from its position."""
        cdef int64_t offset, available
        cdef Connection connection = self.connection
        cdef Batch batch = self.site.batch
        cdef char *out
        cdef int fd
        try:
            fd = wrapper.filelike.fileno()
            facts = os.fstat(fd)
            offset = wrapper.filelike.tell()
        except (OSError, ValueError, AttributeError):
            facts = None
        if facts is None or not stat.S_ISREG(facts.st_mode) or self.head_sent:
            self.blocks = iter(wrapper)
            return self.resume()
        available = max(<int64_t>0, <int64_t>facts.st_size - offset)
        if not self.head.has_length:
            self.head.length = available
        available = min(available, self.head.length)
        if available <= FILE_COPY_MAX:
            return self._whole(os.pread(fd, available, offset))
        out = batch.room(self.head.finish_bound())
        batch.push(connection, self._put_head(out, self.head.length), None)
        if not self.bodyless:
            batch.flush()
            connection.queue().add_file(fd, offset, available)
            batch.look_at(connection)
            self.left -= available
            self.sent = available
        return self._finish()

    cdef Py_ssize_t _put_head(self, char *out, int64_t add_length):
        """Write the head to `out`; add_length: of the body, -1 when it is not known."""
        cdef int closing
        cdef int status = self.head.status
        if self.head.wants_close or self.site.draining:
            self.keep_alive = False
        self.bodyless = self.is_head or status < 200 or status == 204 or status == 304
        if self.head.has_length:
            self.left = self.head.length
            add_length = -1
        elif status < 200 or status == 204 or status == 304:
            add_length = -1
        elif add_length >= 0:
            self.left = add_length
        elif self.minor > 0:
            self.chunked = True
        elif not self.bodyless:
            self.keep_alive = False  # HTTP/1.0: the end of the connection ends the body
        if not self.keep_alive:
            closing = SAYS_CLOSE
        elif self.minor == 0:
            closing = SAYS_KEEP_ALIVE
        else:
            closing = STAYS_OPEN
        self.head_sent = True
        return self.head.finish(out, add_length, self.chunked, closing, self.site.lines)

    cdef int _block(self, bytes data, bint at_once) except -1:
        """Put one block on its way, behind the head when that is still to go.

        at_once: the client is to have it before the application goes on.
        """
        cdef Batch batch = self.site.batch
        cdef Connection connection = self.connection
        cdef Py_ssize_t n = PyBytes_GET_SIZE(data), bound
        cdef char *start
        cdef char *p
        cdef bint by_reference
        bound = 64 + (n if n <= COPY_MAX else 0)
        if not self.head_sent:
            bound += self.head.finish_bound()
        start = p = batch.room(bound)
        if not self.head_sent:
            p += self._put_head(p, -1 if at_once else self.head.length)
        if self.left >= 0 and n > self.left:
            self.site.log.error("the application's body is longer than its Content-Length; "
                                "the rest is cut")
            data = data[: self.left]
            n = self.left
        if self.bodyless or n == 0:
            batch.push(connection, p - start, None)
            return 0
        if self.left >= 0:
            self.left -= n
        self.sent += n
        if self.chunked:
            p += snprintf(p, 24, b"%zx\r\n", n)
        by_reference = n > COPY_MAX
        if not by_reference:
            memcpy(p, PyBytes_AS_STRING(data), n)
            p += n
            if self.chunked:
                memcpy(p, b"\r\n", 2)
                p += 2
        batch.push(connection, p - start, data if by_reference else None)
        if by_reference and self.chunked:
            p = batch.room(2)
            memcpy(p, b"\r\n", 2)
            batch.push(connection, 2, None)
        if at_once:
            batch.flush()
        return 0

    cdef int resume(self) except -1:
        """Take blocks from the application until it ends, the client is full, or it is
        somebody else's turn."""
        cdef int count = 0
        cdef int64_t until = 0
        cdef Connection connection = self.connection
        try:
            while True:
                if self.started and connection.broken:
                    return self._finish()
                block = next(self.blocks, ENDED)
                if block is ENDED:
                    self._need_start()
                    return self._finish()
                if not isinstance(block, bytes):
                    raise TypeError(f"the application's iterable gave {type(block).__name__}, "
                                    f"not bytes")
                if block:
                    self._need_start()
                    if self.head_sent and self.left == 0:
                        self.site.log.error("the application's body is longer than its "
                                            "Content-Length; the rest is cut")
                        return self._finish()
                    # With its announced length reached the response is whole: it may wait
                    # for the others of this turn.  Any other block goes out before the
                    # application is asked for the next (PEP 3333).
                    self._block(bytes(block), self._more_follows(len(block)))
                if self.head_sent and self.bodyless:
                    return self._finish()
                if connection.outbox is not None:
                    return BLOCKED
                count += 1
                if count & 7 == 0:
                    if until == 0:
                        until = now_ns() + TURN_NS
                    if count >= TURN_BLOCKS or now_ns() > until:
                        return YIELDED
        except BaseException:
            return self._failed()

    cdef int _failed(self) except -1:
        """The application raised; the exception is being handled."""
        error = sys.exc_info()[1]
        if self.site.quitting and not isinstance(error, Exception):
            raise error
        request = self.environ or {}
        self.site.log.error("Error handling request %s %s", request.get("REQUEST_METHOD"),
                            request.get("RAW_URI"), exc_info=error)
        if self.head_sent:
            self.keep_alive = False
            self.chunked = False   # no last chunk: the client must see that it is cut
            self.left = -1
            return self._finish()
        return self.refuse(500)

    cdef int _finish(self) except -1:
        """Everything is handed over: end the body, close the iterable, write the log."""
        cdef Batch batch = self.site.batch
        cdef Connection connection = self.connection
        cdef char *out
        if not self.head_sent:
            out = batch.room(self.head.finish_bound())
            batch.push(connection, self._put_head(out, 0), None)
        elif self.chunked and not self.bodyless:
            out = batch.room(5)
            memcpy(out, b"0\r\n\r\n", 5)
            batch.push(connection, 5, None)
        if self.left > 0 and not self.bodyless and not connection.broken:
            self.keep_alive = False
            self.site.log.error("the application's body is %d bytes shorter than its "
                                "Content-Length; the connection is closed", self.left)
        self._end()
        return FINISHED

    cdef int _end(self) except -1:
        cdef Connection connection = self.connection
        if not self.keep_alive:
            connection.close_after = True
            self.site.batch.look_at(connection)
        self.live = False
        self._close_body()
        if self.site.access_line is not None and self.status is not None:
            self.site.access_lines.append(self.site.access_line(
                self.environ or {"REMOTE_ADDR": connection.remote_addr}, self.status, self.sent,
                now_ns() - self.began_ns, self.fields))
            self.status = self.fields = None
        self.environ = None
        self.connection = None
        return 0

    cdef int abandon(self) except -1:
        """The client is gone: nothing more is sent, but the iterable is closed."""
        self.keep_alive = False
        return self._end()

    cdef int _close_body(self) except -1:
        """PEP 3333: close() of the iterable, exactly once, however the response ended."""
        body = self.body
        self.body = self.blocks = None
        if body is None or type(body) is list or type(body) is tuple or type(body) is bytes:
            return 0
        try:
            close = getattr(body, "close", None)
            if close is not None:
                close()
        except Exception:
            self.site.log.exception("Error in close() of the application's iterable")
        return 0

    def _more_follows(self, Py_ssize_t n):
        """Will the client wait for more after these n bytes?"""
        if not self.head_sent:
            return not self.head.has_length or self.head.length > n
        return self.left < 0 or self.left > n
