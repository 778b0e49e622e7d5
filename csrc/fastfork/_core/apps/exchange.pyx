"""The callables that a WSGI application gets to make its response with (PEP 3333).

`start_response`, `write` and `early_hints` end up here; what drives a response from the
application's return value is `Responder`.

Any thread of the application may call them, at any time, and so may a finalizer or a signal
handler in the middle of our work.  So each comes inside (turnstile.pyx) before it looks at the
response.

Runs in: worker
"""

from cpython.object cimport PyObject
from libc.stdint cimport int64_t

from fastfork._core.conn.connection cimport Connection
from fastfork._core.loop.crew cimport Crew
from fastfork._core.conn.outbox cimport Outbox
from fastfork._core.http.response_head cimport ResponseHead
from fastfork._core.text cimport ff_is_unique
from fastfork._core.ticks cimport now_ns
from fastfork._core.loop.turnstile cimport CAME_IN, IN_THE_MIDDLE
from fastfork._core.http.writer cimport ResponseWriter

import errno
import traceback

cdef enum:
    MEMORY_MAX = 1 << 20    # written by write() and not yet taken, before it goes to a file
    LEFT_NS = 1000000000   # how long write() bears with a client that has left

cdef str ENDED = "start_response was called after the response had ended"


cdef class Exchange(ResponseWriter):
    """A response in the making, for a WSGI application.

    The callables are bound once and kept: a request creates none.  When nothing else refers
    to them any more, the same object serves the next request.
    """

    def __cinit__(self, *args):
        self._start_response = self.start_response
        self._write = self.write
        self._early_hints = self.early_hints

    def retire(self):
        """Break the reference cycle of a Responder that somebody else still refers to."""
        self._start_response = self._write = self._early_hints = None
        self.head = None

    cdef bint recyclable(self):
        return (ff_is_unique(<PyObject *>self._start_response)
                and ff_is_unique(<PyObject *>self._write)
                and ff_is_unique(<PyObject *>self._early_hints))

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
        self.site.batch.flush_for(connection)
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
            self.connection.answering._part(self.connection)
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
