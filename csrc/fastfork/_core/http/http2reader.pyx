"""An HTTP/2 session as Python sees it: bytes in, events out; answers in, bytes out.

The same session, the same scanners and the same response heads as the server's.

Runs in: worker
"""

from libc.stdint cimport int64_t, uint8_t
from libc.stdlib cimport free, malloc

from fastfork._core.http.http2stream cimport Http2Stream
from fastfork._core.http.http2 cimport Http2Session
from fastfork._core.http.http2receiver cimport Http2Limits
from fastfork._core.http.parsers cimport HeadParser
from fastfork._core.http.response_head cimport STAYS_OPEN, ResponseHead, ServerLines
from fastfork._core.http.scan cimport ff_error_status, ff_error_text
from fastfork._core.ticks cimport now_ns


def ignore(name):
    """A field that is dropped is not spoken of."""


cdef class Http2Reader(Http2Session):
    """limits: Http2Limits.  parser: a HeadParser, which says what a request may be.

    `receive` returns events: ("request", stream, method, target, fields), ("refused", stream,
    status, why), ("malformed",), ("data", stream, bytes), ("end", stream), ("closed", stream,
    error code)."""

    def __init__(self, Http2Limits limits, HeadParser parser):
        self.parser = parser
        self.lines = ServerLines("fastfork")
        self.events = []

    def receive(self, bytes data not None, now=None):
        """What these bytes bring.  now: seconds, for the rules that count how often."""
        self.take_in(data, len(data), now_ns() if now is None else <int64_t>(now * 1e9))
        events, self.events = self.events, []
        return events

    def send(self, Py_ssize_t most=1 << 20):
        """What is to be sent, about `most` bytes of it."""
        cdef const uint8_t *p
        cdef Py_ssize_t n
        sent = []
        while most > 0:
            n = self.pull(&p, self.now)
            if n == 0:
                break
            sent.append((<const char *>p)[:n])
            most -= n
        for stream in self.moved:
            (<Http2Stream>stream).moved = False
        self.moved.clear()
        return b"".join(sent)

    @property
    def over(self):
        """Is there nothing to be received or sent any more?"""
        return self.is_over()

    @property
    def refusal(self):
        """The rule that the client has broken, in words, or None."""
        return self.complaint()

    @property
    def incomplete_since(self):
        """Nanoseconds since when a frame or a header block is incomplete; 0: none is."""
        return self.frames.since

    cdef ResponseHead _head(self, status, fields):
        cdef ResponseHead head = ResponseHead.__new__(ResponseHead, ignore)
        head.set(status, fields)
        head.added = -1
        return head

    def answer(self, Http2Stream stream not None, status, fields, body=None):
        """Send a whole response; body None: its head alone, behind which more follows."""
        cdef ResponseHead head = self._head(status, fields)
        cdef char *text = <char *>malloc(head.finish_bound())
        try:
            self.respond(stream, text, head.finish(text, False, STAYS_OPEN, self.lines),
                         body == b"")
        finally:
            free(text)
        if body:
            self.send_data(stream, body)
        if body is not None:
            self.finish(stream)

    def hint(self, Http2Stream stream not None, status, fields):
        """Send an informational response."""
        cdef ResponseHead head = self._head(status, fields)
        head.end()
        self.inform(stream, head.buffer, head.size)

    def add(self, Http2Stream stream not None, bytes data not None):
        """Send more of a body."""
        self.send_data(stream, data)

    def end(self, Http2Stream stream not None):
        """A body ends."""
        self.finish(stream)

    def cancel(self, Http2Stream stream not None, int code):
        """Reset a stream."""
        self.reset(stream, code)

    def consumed(self, Http2Stream stream not None, Py_ssize_t n):
        """n bytes of a request's body are taken care of."""
        self.let_more_come(stream, n)

    def called(self, Http2Stream stream not None, bint runs):
        """The application of a request runs, or has ended."""
        if runs:
            self.keep(stream)
        else:
            self.let_go(stream)

    def say_goodbye(self, bint last):
        """Send the first GOAWAY of two, or the last."""
        if last:
            self.leave()
        else:
            self.warn()

    def hang_up(self):
        """The connection is gone."""
        self.close()
        events, self.events = self.events, []
        return events

    cdef int on_head(self, Http2Stream stream, const char *p, Py_ssize_t n) except -1:
        cdef HeadParser parser = self.parser
        cdef Py_ssize_t used = HeadParser.parse(parser, p, n, None, &parser.limits)
        cdef const char *method
        cdef const char *target
        if used <= 0:
            stream.refused = True
            return self.on_refused(stream, <int>used)
        method = p + parser.head.method.at
        target = p + parser.head.target.at
        fields = []
        for i in range(parser.head.nfields):
            f = &parser.head.fields[i]
            fields.append((p[f.name.at:f.name.at + f.name.len],
                           p[f.value.at:f.value.at + f.value.len]))
        self.events.append(("request", stream, method[:parser.head.method.len],
                            target[:parser.head.target.len], fields))
        return 0

    cdef int on_refused(self, Http2Stream stream, int code) except -1:
        self.events.append(("refused", stream, ff_error_status(code),
                            ff_error_text(code).decode("ascii")))
        return 0

    cdef int on_malformed(self) except -1:
        self.events.append(("malformed",))
        return 0

    cdef int on_data(self, Http2Stream stream, const char *p, Py_ssize_t n) except -1:
        self.events.append(("data", stream, p[:n]))
        return 0

    cdef int on_end(self, Http2Stream stream) except -1:
        self.events.append(("end", stream))
        return 0

    cdef int on_closed(self, Http2Stream stream) except -1:
        self.events.append(("closed", stream, stream.error))
        return 0
