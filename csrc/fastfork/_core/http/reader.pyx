"""The parsers without a socket: bytes in, request heads and bodies out.

The same parser objects and the same body framing as the server's, behind `feed()`.

Runs in: worker
"""

from libc.stdint cimport int64_t

from fastfork._core.http.environ cimport unfolded
from fastfork._core.http.parsers cimport HeadParser
from fastfork._core.http.scan cimport (
    FF_CASEFOLD_METHOD,
    FF_NEED_DATA,
    ff_error_status,
    ff_error_text,
    ff_field,
    ff_unquote,
)


cdef class Chunks(Body):
    """A body whose pieces are handed on instead of being kept."""

    cdef int _keep(self, const char *p, Py_ssize_t n) except -1:
        self.parts.append(p[:n])
        return 0


cdef class RequestReader:
    """Reads requests from bytes.  See fastfork.http.RequestParser, which is its public form.

    make_head(**facts), make_part(data) and end_event are the events; error_class(status,
    detail, received=...) is what feed() raises.
    """

    def __cinit__(self, HeadParser parser, *, make_head, make_part, end_event, error_class):
        self.parser = parser
        self.make_head = make_head
        self.make_part = make_part
        self.end_event = end_event
        self.error_class = error_class
        self.kept = bytearray()

    @property
    def in_request(self):
        """Has part of a request come, but not all of it?"""
        return self.chunks is not None or bool(self.kept)

    def feed(self, bytes data not None):
        """Events that these bytes complete.  An error is raised by the call after the one
        that returned what came before it."""
        cdef list events = []
        cdef const char *p
        cdef const char *end
        cdef Py_ssize_t used
        cdef int rc
        if self.error is not None:
            raise self.error
        self.kept += data
        data = bytes(self.kept)
        p = data
        end = p + len(data)
        while self.error is None and (p < end or self.chunks is not None):
            if self.chunks is None:
                used = self.parser.parse(p, end - p, None, &self.parser.limits)
                if used == FF_NEED_DATA:
                    break
                if used < 0:
                    self.error = self._refusal(<int>used, p, end - p)
                    break
                events.append(self._head_event(p))
                self.chunks = Chunks(
                    self.parser, chunked=self.parser.framing.chunked,
                    content_length=max(<int64_t>0, self.parser.framing.content_length),
                    max_body=self.parser.max_body, keeps=False)
                self.chunks.parts = []
                p += used
            rc = self.chunks.feed(&p, end)
            events.extend(map(self.make_part, self.chunks.parts))
            self.chunks.parts.clear()
            if rc == 0:
                break
            if rc < 0:
                self.error = self._refusal(rc, p, end - p)
                break
            self.chunks = None
            events.append(self.end_event)
        self.kept = bytearray(p[:end - p])
        if self.error is not None and not events:
            raise self.error
        return events

    cdef object _refusal(self, int code, const char *p, Py_ssize_t n):
        return self.error_class(ff_error_status(code), ff_error_text(code).decode("ascii"),
                                received=p[:min(n, <Py_ssize_t>64)])

    cdef object _head_event(self, const char *p):
        cdef HeadParser parser = self.parser
        cdef ff_field *f
        cdef unsigned char obs = 0
        cdef bytearray path = bytearray(parser.head.path.len)
        cdef char *room = path
        cdef Py_ssize_t size = ff_unquote(room, p + parser.head.path.at, parser.head.path.len,
                                          &obs)
        fields = []
        for i in range(parser.head.nfields):
            f = &parser.head.fields[i]
            value = p[f.value.at:f.value.at + f.value.len]
            fields.append((p[f.name.at:f.name.at + f.name.len],
                           unfolded(value) if f.has_fold else value))
        h = &parser.head
        method = p[h.method.at:h.method.at + h.method.len].decode("ascii")
        return self.make_head(
            method=method.upper() if parser.limits.options & FF_CASEFOLD_METHOD else method,
            target=p[h.target.at:h.target.at + h.target.len],
            path=bytes(path[:size]).decode("latin-1") or "/",
            query=p[h.query.at:h.query.at + h.query.len].decode("latin-1"),
            authority=p[h.authority.at:h.authority.at + h.authority.len] or None,
            version=(1, min(<int>h.minor, 1)),
            fields=fields,
            content_length=(None if parser.framing.content_length < 0
                            else parser.framing.content_length),
            chunked=bool(parser.framing.chunked),
            keep_alive=bool(parser.framing.keep_alive),
            expect_continue=bool(parser.framing.expect_continue),
            upgrade=bool(parser.framing.upgrade),
        )
