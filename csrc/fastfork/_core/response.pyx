"""One response: from what the application returns to bytes on their way (PEP 3333).

Runs in: worker
"""

from cpython.object cimport PyObject
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from fastfork._core.batch cimport Batch
from fastfork._core.connection cimport Connection
from fastfork._core.tally cimport ANSWERS
from fastfork._core.text cimport PyBytes_CheckExact, PyBytes_GET_SIZE, Py_REFCNT
from fastfork._core.ticks cimport now_ns

import io
import os
import stat
import sys

cdef enum:
    JOIN_MAX = 64 << 10       # lists of blocks up to this size become one block
    FILE_COPY_MAX = 32 << 10  # shorter files are read and sent with the head
    TURN_BLOCKS = 64          # blocks of one response before others get a turn
    TURN_NS = 10000000
    SLOW_BLOCK_NS = 100000000  # an application that takes this long for a block is asked less

cdef extern from "Python.h":
    object PyContext_CopyCurrent()
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1
    Py_ssize_t PyObject_Size(object thing) except -1

cdef extern from "<sys/socket.h>" nogil:
    int MSG_PEEK
    int MSG_DONTWAIT
    ssize_t recv(int fd, void *p, size_t n, int flags)

cdef object ENDED = object()


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


def is_plain_file(filelike):
    """Does read() give the bytes of the descriptor?

    A file that decompresses or decrypts has a descriptor too, of other bytes.  So what counts
    is whose read() it is: a file's own, perhaps handed on by a proxy (tempfile's, Django's).
    """
    read = getattr(filelike, "read", None)
    file = getattr(getattr(read, "__wrapped__", read), "__self__", None)
    if type(file) is io.BufferedReader or type(file) is io.BufferedRandom:
        file = file.raw
    return type(file) is io.FileIO


cdef class Responder(Exchange):
    """Calls the application and delivers what comes back, as far as it goes at a time."""

    cdef int run(self, app, dict environ) except -1:
        """Call the application and deliver what it returns as far as it goes now.

        Everything of the application runs in one contextvars context of its own (PEP 567):
        what it sets there is set when its iterator goes on, and for nobody else."""
        # An empty context that nobody kept is as good as a new one.
        if (self.context is None or Py_REFCNT(<PyObject *>self.context) != 1
                or PyObject_Size(self.context) != 0):
            self.context = PyContext_CopyCurrent()
        PyContext_Enter(self.context)
        try:
            return self._call(app, environ)
        finally:
            PyContext_Exit(self.context)

    cdef int _call(self, app, dict environ) except -1:
        cdef bint many = self.site.crew.many
        self.environ = environ
        self.seat = self.site.crew.seat
        try:
            if many:
                self.site.crew.out(self.seat, self.began_ns)
            try:
                body = app(environ, self._start_response)
            finally:
                if many:
                    self.site.crew.back(self.seat)
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
                        if not self.head.has_length and not self.head_sent:
                            self.head._field(("Content-Length", str(total)))
                elif type(body) is bytes:
                    return self._whole(<bytes>body)
                elif type(body) is FileWrapper and is_plain_file((<FileWrapper>body).filelike):
                    return self._file(<FileWrapper>body)
            self.blocks = self._iterator(body)
        except BaseException:
            return self._failed()
        return self._deliver_blocks()

    cdef object _iterator(self, body):
        if not self.site.crew.many:
            return iter(body)
        self.site.crew.out(self.seat, now_ns())
        try:
            return iter(body)
        finally:
            self.site.crew.back(self.seat)

    cdef object _next(self, int64_t now):
        """The next block, or ENDED; the application is asked at `now`."""
        if not self.site.crew.many:
            return next(self.blocks, ENDED)
        self.site.crew.out(self.seat, now)
        try:
            return next(self.blocks, ENDED)
        finally:
            self.site.crew.back(self.seat)

    cdef int refuse(self, int status) except -1:
        """Answer with an error page and close."""
        line, page = self.site.pages(status)
        self.keep_alive = False
        fields = [("Content-Type", "text/html; charset=utf-8")]
        if status == 503:
            fields.append(("Retry-After", "1"))
        self.head.set(line, fields)
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
            self._block(data)
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
            return self._deliver_blocks()
        available = max(<int64_t>0, <int64_t>facts.st_size - offset)
        if available == 0:
            # Empty, or a file that tells no size, as those of /proc: reading it will show.
            self.blocks = iter(wrapper)
            return self._deliver_blocks()
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

    cdef int resume(self) except -1:
        """Go on with a response that was BLOCKED, YIELDED or WATCHED."""
        PyContext_Enter(self.context)
        try:
            return self._deliver_blocks()
        finally:
            PyContext_Exit(self.context)

    cdef int break_off(self, error) except -1:
        """Something was thrown at a response that waits: it ends as if its application had
        raised that."""
        PyContext_Enter(self.context)
        try:
            raise error
        except BaseException:
            return self._failed()
        finally:
            PyContext_Exit(self.context)

    cdef bint _hung_up(self):
        """Has the client said that it sends no more?  It may still read; mostly it is gone,
        and what it answers to the next packet is a reset."""
        cdef char byte
        return recv(self.connection.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0

    cdef int _deliver_blocks(self) except -1:
        """Take blocks from the application until it ends, the client is full, or it is
        somebody else's turn."""
        cdef int count = 0
        cdef int64_t asked = now_ns()
        # The first block of a response is not timed: it may well be the last.
        cdef int64_t until = asked + TURN_NS if self.head_sent else 0
        cdef Batch batch = self.site.batch
        cdef Connection connection = self.connection
        try:
            while True:
                if connection.broken and (self.started or connection.detached):
                    return self._finish()
                block = self._next(asked)
                if block is ENDED:
                    self._need_start()
                    return self._finish()
                if not isinstance(block, bytes):
                    raise TypeError(f"the application's iterable gave {type(block).__name__}, "
                                    f"not bytes")
                if block:
                    self._need_start()
                    if self._block(bytes(block)):
                        return self._finish()
                    # The client waits for this block, and the application may take its time
                    # over the next one, or over its end.
                    batch.hold()
                if self.head_sent and self.bodyless:
                    return self._finish()
                if connection.outbox is not None:
                    return BLOCKED
                if block:
                    if batch.held_ns - asked > SLOW_BLOCK_NS and self._hung_up():
                        batch.flush()
                        return WATCHED
                    asked = batch.held_ns
                count += 1
                if until == 0:
                    until = now_ns() + TURN_NS
                elif count >= TURN_BLOCKS or now_ns() > until:
                    return YIELDED
        except BaseException:
            return self._failed()

    cdef int _failed(self) except -1:
        """The application raised; the exception is being handled."""
        error = sys.exc_info()[1]
        if not isinstance(error, Exception) and self.site.leaving():
            raise error
        if self.connection.broken and isinstance(error, BrokenPipeError):
            self.site.log.info("the client of %s left before the answer was complete",
                               (self.environ or {}).get("RAW_URI"))
            return self._finish()
        if self.connection.detached:
            self._tell_of_end(error)
            return self._finish()
        request = self.environ or {}
        self.site.log.error("Error handling request %s %s", request.get("REQUEST_METHOD"),
                            request.get("RAW_URI"), exc_info=error)
        if self.head_sent:
            # No last chunk, no full length: the client must see that it is cut.  Where only
            # the end of the connection ends the body (HTTP/1.0), a reset shows it.
            self.connection.cut = self.left < 0 and not self.chunked and not self.bodyless
            self.keep_alive = False
            self.chunked = False
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
        if connection.spool is not None:
            connection.spool.close()  # not left to whoever still holds the environ
            connection.spool = None
        if connection.detached:
            self._took_socket()
        if self.site.access_line is not None and self.status is not None:
            self.site.access_lines.append(self._access_line(now_ns()))
            self.status = self.fields = None
        self.environ = None
        self.connection = None
        return 0

    cdef object _access_line(self, int64_t now):
        cdef Connection connection = self.connection
        cdef bint goes_out = (self.site.line_waits and self.site.crew.many and connection.busy)
        if self.site.line_waits and self.site.crew.aside and self.site.batch.waiting():
            self.site.batch.hold()  # the client need not wait for what that does
        environ = self.environ or {"REMOTE_ADDR": connection.remote_addr}
        if goes_out:
            self.site.crew.out(self.seat, now)
        try:
            return self.site.access_line(environ, self.status, self.sent, now - self.began_ns,
                                         self.fields)
        finally:
            if goes_out:
                self.site.crew.back(self.seat)

    cdef int abandon(self) except -1:
        """The client is gone: nothing more is sent, but the iterable is closed."""
        self.keep_alive = False
        self.site.crew.slot[ANSWERS] += 1
        PyContext_Enter(self.context)
        try:
            return self._end()
        finally:
            PyContext_Exit(self.context)

    cdef int _close_body(self) except -1:
        """PEP 3333: close() of the iterable, exactly once, however the response ended."""
        body = self.body
        self.body = self.blocks = None
        if body is None or type(body) is list or type(body) is tuple or type(body) is bytes:
            return 0
        try:
            close = getattr(body, "close", None)
            if close is not None:
                if self.site.batch.waiting():
                    self.site.batch.hold()  # the client need not wait for what close() does
                if self.site.crew.many:
                    self.site.crew.out(self.seat, now_ns())
                try:
                    close()
                finally:
                    if self.site.crew.many:
                        self.site.crew.back(self.seat)
        except BaseException as error:
            if not isinstance(error, Exception) and self.site.leaving():
                raise
            self.site.log.exception("Error in close() of the application's iterable")
        return 0
