"""One stream of an HTTP/2 connection: what of its response waits to be sent.

Runs in: worker
"""

from libc.string cimport memcpy
from posix.types cimport off_t

from fastfork._core.outbox cimport FileSegment
from fastfork._core.text cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

import os

cdef extern from "<unistd.h>" nogil:
    ssize_t pread(int fd, void *p, size_t n, off_t offset)

from libc.errno cimport errno

cdef str SHORT = "it has become shorter"


cdef class Http2Stream:
    """A stream (RFC 9113 section 5).  Its windows and its state are the library's."""

    def __cinit__(self, int32_t id):
        self.id = id

    cdef int add(self, data) except -1:
        """Let `data`, which is bytes or a FileSegment, be sent behind what waits."""
        if self.queue is None:
            self.queue = []
        self.queue.append(data)
        if type(data) is bytes:
            self.size += PyBytes_GET_SIZE(data)
        return 0

    cdef bint is_empty(self) noexcept:
        """Does nothing wait?"""
        return self.queue is None or self.first == len(self.queue)

    cdef Py_ssize_t take(self, uint8_t *out, Py_ssize_t n) except -1:
        """Move n bytes at most of what waits to `out`.  Returns how many; raises OSError for a
        file that cannot be read."""
        cdef Py_ssize_t taken = 0, part
        cdef FileSegment segment
        while taken < n and self.queue is not None and self.first < len(self.queue):
            item = self.queue[self.first]
            if type(item) is bytes:
                part = min(n - taken, PyBytes_GET_SIZE(item) - self.offset)
                memcpy(out + taken, PyBytes_AS_STRING(item) + self.offset, part)
                self.offset += part
                self.size -= part
                if self.offset < PyBytes_GET_SIZE(item):
                    taken += part
                    break
            else:
                segment = <FileSegment>item
                part = pread(segment.fd, out + taken, min(n - taken, segment.left),
                             segment.offset)
                if part <= 0 and segment.left:
                    raise OSError(errno if part < 0 else 0, os.strerror(errno) if part else SHORT)
                segment.offset += part
                segment.left -= part
                if segment.left:
                    taken += part
                    continue
            taken += part
            self.offset = 0
            self.queue[self.first] = None
            self.first += 1
        if self.queue is not None and self.first == len(self.queue):
            self.queue.clear()
            self.first = 0
        return taken

    cdef void forget(self) noexcept:
        """Nothing more is sent."""
        self.queue = None
        self.first = self.offset = 0
        self.size = 0
