"""The messages of an ASGI application that make a response (ASGI specification, HTTP, 2.5).

Each is checked outside, where its application's code may run (an iterable of fields), and sent
inside (turnstile.pyx).  All of this is called on the thread of the loop.

Runs in: worker
"""

from libc.stdint cimport int64_t
from libc.stdio cimport snprintf

from fastfork._core.conn.batch cimport NOT_ASKED, Batch
from fastfork._core.conn.connection cimport Connection
from fastfork._core.loop.crew cimport Crew
from fastfork._core.conn.outbox cimport FOLLOW_BYTES, FileSegment, owning
from fastfork._core.http.response_head cimport ResponseHead, octets
from fastfork._core.loop.turnstile cimport CAME_IN
from fastfork._core.http.writer cimport ResponseWriter

import os
import stat
from http import HTTPStatus

from fastfork.errors import ClientDisconnected

cdef enum:
    STATUS_LINE = 15          # bytes of "HTTP/1.1 200 " and its end

cdef dict LINES = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


cdef str _status_line(status):
    """'200 OK' for 200.  Raises TypeError, ValueError."""
    line = LINES.get(status)
    if line is None:
        if not isinstance(status, int):
            raise TypeError(f"the status of http.response.start is an int, not {status!r:.80}")
        if not 200 <= status <= 999:
            raise ValueError(f"{status} is no status of a response")
        return f"{int(status)} "
    if status < 200:
        raise ValueError(f"{int(status)} is no status of a response: the client would wait for "
                         f"another")
    return line


cdef class AsgiSender(ResponseWriter):
    """A response in the making, of an ASGI application."""

    cdef int open_response(self) except -1:
        """A response begins; see `ResponseWriter.begin`."""
        self.trailers = self.more_fields = None
        self.complete = self.is_lost = self.has_trailers = False
        return 0

    cdef int _completed(self) except -1:
        """All of the response has been handed over."""
        self.complete = True
        return 0

    cdef int take(self, dict message) except -1:
        """Send a message.  Returns WAIT when the client has much to read before the next.

        Raises RuntimeError for one that is out of order, TypeError and ValueError for what must
        not be sent, ClientDisconnected."""
        kind = message.get("type")
        if self.complete:
            if self.is_lost:
                raise ClientDisconnected("the client has left")
            return 0  # the specification has it ignored
        if kind == "http.response.body":
            return self._body_part(message)
        if kind == "http.response.start":
            return self._start(message)
        if kind == "http.response.pathsend":
            return self._file_part(message, True)
        if kind == "http.response.zerocopysend":
            return self._file_part(message, False)
        if kind == "http.response.trailers":
            return self._trailer_part(message)
        if kind == "http.response.early_hint":
            return self._hint(message)
        if kind == "http.response.debug":
            return 0
        raise RuntimeError(f"{kind!r} is no message that can be sent here")

    cdef int _start(self, dict message) except -1:
        cdef ResponseHead head
        if self.started:
            raise RuntimeError("http.response.start was sent twice")
        if self.connection.broken:
            raise ClientDisconnected("the client has left")
        line = _status_line(message["status"])
        fields = message.get("headers", ())
        if self.more_fields is not None:
            fields = self._with_more(fields)
        if self.site.access_line is not None:
            fields = list(fields)
            self.fields = [(octets(name).decode("latin-1"), octets(value).decode("latin-1"))
                           for name, value in fields]
            self.status = line
        head = self._unused_head()
        head.set_raw(line, fields)
        self.head = head
        self.has_trailers = bool(message.get("trailers", False))
        self.started = True
        return 0

    def _with_more(self, fields):
        """The application's fields, and those of the server's that it has not set itself."""
        given = list(fields)
        names = {octets(name).lower() for name, _value in given}
        return given + [pair for pair in self.more_fields if pair[0].lower() not in names]

    cdef int _need_head(self, str kind) except -1:
        if not self.started:
            raise RuntimeError(f"{kind} was sent before http.response.start")
        if self.connection.broken:
            raise ClientDisconnected("the client has left")
        return 0

    cdef int _body_part(self, dict message) except -1:
        cdef Crew crew = self.site.crew
        cdef bytes data
        cdef bint more
        given = message.get("body", b"")
        data = <bytes>given if type(given) is bytes else octets(given)
        more = bool(message.get("more_body", False))
        self._need_head("http.response.body")
        if self.trailers is not None:
            raise RuntimeError("http.response.body was sent after the end of the body")
        if crew.come_in() != CAME_IN:
            raise ClientDisconnected("the worker has ended")
        try:
            if not more and not self.has_trailers:
                if self.head_sent:
                    if data:
                        self._block(data)
                    self._finish()
                else:
                    self._whole(data)
                self._completed()
                return 0
            if (data or not self.head_sent) and self._block(data):
                self._finish()  # it was longer than announced
                self._completed()
                return 0
            if not more:
                self.trailers = []
            return self._put_off()
        finally:
            crew.release()

    cdef int _put_off(self) except -1:
        """Part of a response is in the batch: it leaves with the turn that follows, or at once
        where that takes longer.  WAIT when too much waits for the client."""
        cdef Batch batch = self.site.batch
        cdef Connection connection = self.connection
        batch.hold(connection, False, NOT_ASKED)
        if batch.size >= FOLLOW_BYTES or connection.outbox is not None:
            batch.flush()
        if connection.outbox is not None and connection.outbox.in_memory() > FOLLOW_BYTES:
            return WAIT
        return 0

    cdef int _file_part(self, dict message, bint is_whole) except -1:
        """http.response.pathsend, the whole body, and .zerocopysend, a part of it: sendfile(2)."""
        cdef Crew crew = self.site.crew
        cdef FileSegment segment
        cdef bint more = not is_whole and bool(message.get("more_body", False))
        cdef int64_t most = -1
        self._need_head(message["type"])
        if is_whole:
            if self.head_sent:
                raise RuntimeError("http.response.pathsend is the whole body, and part of one was "
                                   "sent")
            segment = owning(os.open(message["path"], os.O_RDONLY | os.O_CLOEXEC))
            segment.offset = 0
        else:
            file = message["file"]
            segment = owning(os.dup(file.fileno()))
            offset = message.get("offset")
            segment.offset = file.tell() if offset is None else offset
            count = message.get("count")
            most = -1 if count is None else count
        facts = os.fstat(segment.fd)
        if not stat.S_ISREG(facts.st_mode):
            raise ValueError(f"{message['type']} takes regular files only")
        segment.left = max(<int64_t>0, <int64_t>facts.st_size - segment.offset)
        if most >= 0:
            segment.left = min(segment.left, most)
        if crew.come_in() != CAME_IN:
            raise ClientDisconnected("the worker has ended")
        try:
            if not self.head_sent and not more and not self.has_trailers:
                self._file(segment)
                self._completed()
                return 0
            self._segment(segment)
            if more:
                return self._put_off()
            if self.has_trailers:
                self.trailers = []
                return self._put_off()
            self._finish()
            self._completed()
            return 0
        finally:
            crew.release()

    cdef int _segment(self, FileSegment segment) except -1:
        """Part of a file is a block of the body."""
        cdef Batch batch = self.site.batch
        cdef char[24] size
        if not self.head_sent:
            self._head_alone(self.head.length)
        if self.bodyless or segment.left == 0:
            return 0
        if self.left >= 0:
            segment.left = min(segment.left, self.left)
            self.left -= segment.left
        self.sent += segment.left
        if self.chunked:
            batch.put(self.connection, size,
                      snprintf(size, sizeof(size), b"%llx\r\n", <long long>segment.left))
        batch.flush()
        self._queue_file(segment)
        if self.chunked:
            self.connection.queue().add(b"\r\n")
        return 0

    cdef int _trailer_part(self, dict message) except -1:
        """Fields behind the body (RFC 9110 section 6.5), for a client that takes them."""
        cdef ResponseHead fields
        if self.trailers is None:
            raise RuntimeError("http.response.trailers was sent before the end of the body, or "
                               "without being announced")
        self.trailers.extend(message.get("headers", ()))
        if message.get("more_trailers", False):
            return 0
        fields = self._unused_head()
        fields.set_raw("200 ", self.trailers)
        if self.site.crew.come_in() != CAME_IN:
            raise ClientDisconnected("the worker has ended")
        try:
            if self.chunked and not self.bodyless and "trailers" in self.environ.get("HTTP_TE", ""):
                fields.end()
                self._last_chunk(fields)
            self._finish()
            return self._completed()
        finally:
            self.site.crew.release()

    cdef int _last_chunk(self, ResponseHead fields) except -1:
        """The end of a chunked body with what stands in `fields` behind its status line."""
        self.site.batch.put(self.connection, b"0\r\n", 3)
        self.site.batch.put(self.connection, fields.buffer + STATUS_LINE, fields.size - STATUS_LINE)
        self.chunked = False
        return 0

    cdef int _hint(self, dict message) except -1:
        """103 with Link fields (RFC 8297), where the client speaks HTTP/1.1."""
        cdef ResponseHead hints
        if self.head_sent:
            raise RuntimeError("http.response.early_hint was sent after the head of the response")
        hints = ResponseHead.__new__(ResponseHead, self.site.on_dropped)
        hints.set_raw("103 Early Hints", [(b"Link", link) for link in message.get("links", ())])
        hints.end()
        if self.minor == 0 or self.connection.broken or self.site.crew.come_in() != CAME_IN:
            return 0
        try:
            self.site.batch.put(self.connection, hints.buffer, hints.size)
            self.site.batch.soon()
        finally:
            self.site.crew.release()
        return 0
