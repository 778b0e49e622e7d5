"""One stream of an HTTP/2 connection: what of its response waits to be sent.

Runs in: worker
"""

from libc.errno cimport errno
from libc.string cimport memcpy
from posix.types cimport off_t

from fastfork._core.conn.outbox cimport SHORT, FileSegment
from fastfork._core.text cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

cdef extern from "<unistd.h>" nogil:
    ssize_t pread(int fd, void *p, size_t n, off_t offset)


cdef class Http2Stream:
    """A stream (RFC 9113 section 5).  Its windows and its state are the library's."""

    def __cinit__(self, int32_t id):
        self.id = id
        self.outbox = Outbox.__new__(Outbox)

    @property
    def size(self):
        """Bytes that wait in memory."""
        return self.outbox.size

    cdef int add(self, data) except -1:
        """Let `data`, which is bytes or a FileSegment, be sent behind what waits."""
        if type(data) is bytes:
            return self.outbox.add(<bytes>data)
        return self.outbox.add_file(<FileSegment>data)

    cdef bint is_empty(self) noexcept:
        """Does nothing wait?"""
        return self.outbox.empty()

    cdef Py_ssize_t take(self, uint8_t *out, Py_ssize_t n) except -1:
        """Move n bytes at most of what waits to `out`.  Returns how many; raises OSError for a
        file that cannot be read, whose `fault` is noted."""
        cdef Outbox outbox = self.outbox
        cdef Py_ssize_t taken = 0, part
        cdef FileSegment segment
        while taken < n and outbox.first < len(outbox.queue):
            item = outbox.queue[outbox.first]
            if type(item) is bytes:
                part = min(n - taken, PyBytes_GET_SIZE(item) - outbox.offset)
                memcpy(out + taken, PyBytes_AS_STRING(item) + outbox.offset, part)
                outbox.offset += part
                outbox.size -= part
                taken += part
                if outbox.offset < PyBytes_GET_SIZE(item):
                    break
            else:
                segment = <FileSegment>item
                part = pread(segment.fd, out + taken, min(n - taken, segment.left),
                             segment.offset)
                if part <= 0 and segment.left:
                    outbox.fault = errno if part < 0 else SHORT
                    raise OSError(outbox.fault, "a file that is being sent cannot be read")
                segment.offset += part
                segment.left -= part
                taken += part
                if segment.left:
                    continue
            outbox.offset = 0
            outbox.queue[outbox.first] = None
            outbox.first += 1
        if outbox.first and outbox.first == len(outbox.queue):
            outbox.queue.clear()
            outbox.first = 0
        return taken

    cdef void forget(self) noexcept:
        """Nothing more is sent."""
        self.outbox.queue = []
        self.outbox.first = self.outbox.offset = 0
        self.outbox.size = 0
        self.head = None
