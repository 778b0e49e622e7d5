"""Request bodies: received whole before the application is called.

A slow upload therefore never holds the application.  A body is kept in memory up to a
threshold and in an unnamed temporary file beyond it.  The application reads it as a plain
`io` object, so read, readline, readlines and iteration are CPython's own.

Runs in: worker
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from libc.string cimport memcpy

from fastfork._core.http.scan cimport (
    FF_BODY_TOO_LARGE,
    FF_CHUNK_DATA,
    FF_CHUNK_END,
    FF_NEED_DATA,
    ff_chunked_init,
    ff_chunked_next,
)

from fastfork._core.http.parsers cimport HeadParser

import io

from fastfork.scratch import unnamed_file

cdef enum:
    FIRST = 1 << 10           # bytes of memory that a body begins with that grows; doubles
    # All bodies of a worker that are in memory, together: a thousand clients that keep back the
    # last byte of a MiB each would be a gigabyte.  Small ones are not counted against anybody.
    TOGETHER_MAX = 64 << 20
    SMALL = 16 << 10

cdef int64_t together = 0     # bytes reserved now


cdef class EmptyInput:
    """`wsgi.input` of a request without a body; shared, since there is nothing to change."""

    def read(self, size=-1, /):
        return b""

    def readline(self, size=-1, /):
        return b""

    def readlines(self, hint=-1, /):
        return []

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration

    def readable(self):
        return True

    def close(self):
        """Nothing to close."""


cdef class Body:
    """One request body.

    content_length: bytes, ignored when chunked.  spool_after: bytes kept in memory; of a body that
    is known to be longer, only the first `SMALL` are, so that a client that announces much and
    sends little costs no file.
    spool_dir: directory of the temporary file, None for the system's.  keeps: False in a
    subclass that hands on what comes; such a body needs neither memory nor a file.
    """

    def __cinit__(self, HeadParser parser, *, bint chunked, int64_t content_length,
                  int64_t max_body, int64_t spool_after=0, spool_dir=None, bint keeps=True):
        self.chunked = chunked
        self.left = content_length
        self.spool_after = spool_after
        self.spool_dir = spool_dir
        if chunked:
            ff_chunked_init(&self.decoder, &parser.limits, <unsigned long long>max_body)
        elif keeps and content_length <= spool_after and self._reserve(content_length):
            self.exact = True
        elif spool_after > SMALL:
            self.spool_after = SMALL

    def __dealloc__(self):
        self._release()

    cdef bint _reserve(self, int64_t total) noexcept:
        """Have `total` bytes of memory for this body.  False where it would be too much of all."""
        global together
        if total <= self.reserved:
            return True
        if total > SMALL and together + total - self.reserved > TOGETHER_MAX:
            return False
        together += total - self.reserved
        self.reserved = total
        return True

    cdef void _release(self) noexcept:
        global together
        together -= self.reserved
        self.reserved = 0

    def _spool(self):
        """Move what is in memory to a file without a name: it cannot be left behind."""
        self.file = unnamed_file("fastfork-body-", self.spool_dir)
        if self.size:
            self.file.write(memoryview(self.memory)[: self.size])
        self.memory = None
        self.capacity = 0
        self._release()

    cdef int _make_room(self, Py_ssize_t n) except -1:
        """Make `memory` large enough for n more bytes: exactly, where the size is known."""
        cdef Py_ssize_t want
        cdef bytes grown
        if self.size + n <= self.capacity:
            return 0
        if self.exact:
            want = self.size + self.left
        else:
            want = max(FIRST, self.capacity * 2, self.size + n)
        grown = PyBytes_FromStringAndSize(NULL, want)
        if self.size:
            memcpy(PyBytes_AS_STRING(grown), PyBytes_AS_STRING(self.memory), self.size)
        self.memory = grown
        self.capacity = want
        return 0

    cdef int _keep(self, const char *p, Py_ssize_t n) except -1:
        if self.file is None and (self.size + n > self.spool_after
                                  or not self._reserve(self.size + n)):
            self._spool()
        if self.file is not None:
            self.file.write(<bytes>p[:n])
        else:
            self._make_room(n)
            memcpy(PyBytes_AS_STRING(self.memory) + self.size, p, n)
        self.size += n
        return 0

    cdef int feed(self, const char **p, const char *end) except -1000:
        cdef const char *data = NULL
        cdef size_t n = 0
        cdef Py_ssize_t take
        cdef int rc
        if self.until_end:
            return self._feed_until_end(p, end)
        if not self.chunked:
            take = min(<int64_t>(end - p[0]), self.left)
            if take:
                self._keep(p[0], take)
                self.left -= take
                p[0] += take
            return self.left == 0
        while True:
            rc = ff_chunked_next(&self.decoder, p, end, &data, &n)
            if rc != FF_CHUNK_DATA:
                break
            self._keep(data, <Py_ssize_t>n)
        if rc == FF_CHUNK_END:
            return 1
        return 0 if rc == FF_NEED_DATA else rc

    cdef int _feed_until_end(self, const char **p, const char *end) except -1000:
        cdef Py_ssize_t n = end - p[0]
        if self.most and self.size + n > self.most:
            return FF_BODY_TOO_LARGE
        if n:
            self._keep(p[0], n)
            self.left -= n
            p[0] = end
        return self.ended

    cdef char *tail(self, Py_ssize_t *room) except? NULL:
        if not self.exact or self.file is not None:
            return NULL
        self._make_room(self.left)
        room[0] = self.left
        return PyBytes_AS_STRING(self.memory) + self.size

    cdef bint wrote(self, Py_ssize_t n):
        """n bytes were received at tail().  Is the body complete?"""
        self.size += n
        self.left -= n
        return self.left == 0

    cdef object input(self):
        """The complete body as a binary file object positioned at its start."""
        if self.file is not None:
            self.file.seek(0)
            return self.file
        if self.memory is None:
            return io.BytesIO()
        if self.size != self.capacity:
            return io.BytesIO((<bytes>self.memory)[: self.size])
        return io.BytesIO(self.memory)

    cdef int discard(self) except -1:
        """The body is not wanted any more."""
        if self.file is not None:
            try:
                self.file.close()
            except OSError:
                pass  # its last bytes found no room on the disk, and nobody wants them
        return 0
