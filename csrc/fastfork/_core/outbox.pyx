"""What waits to be sent to one client.

What the socket does not take is kept as segments: bytes by reference, files by descriptor.

Runs in: worker
"""

from libc.errno cimport EAGAIN, errno
from libc.string cimport memset
from posix.types cimport off_t
from posix.unistd cimport close
from posix.uio cimport iovec

import os
import tempfile

from cpython.object cimport PyObject
from fastfork._core.interrupted cimport ff_interrupted
from fastfork._core.text cimport (
    PyBytes_AS_STRING,
    PyBytes_CheckExact,
    PyBytes_GET_SIZE,
    Py_REFCNT,
)


cdef extern from "<sys/socket.h>" nogil:
    int MSG_DONTWAIT
    int MSG_NOSIGNAL
    struct msghdr:
        iovec *msg_iov
        size_t msg_iovlen
    ssize_t sendmsg(int fd, const msghdr *message, int flags)

cdef extern from "Python.h":
    PyObject *PyList_GET_ITEM(object items, Py_ssize_t i)  # borrowed, and not counted

cdef extern from "<sys/sendfile.h>" nogil:
    ssize_t sendfile(int out_fd, int in_fd, off_t *offset, size_t count)

cdef enum:
    IOVECS = 16            # segments a system call


cdef class FileSegment:
    """`left` bytes of descriptor `fd`, which it owns, from `offset`."""

    def __cinit__(self):
        self.fd = -1

    def __dealloc__(self):
        if self.fd >= 0:
            close(self.fd)


cdef class Outbox:
    """Segments waiting for one client, in order."""

    def __cinit__(self):
        self.queue = []
        self.file = -1

    def __dealloc__(self):
        if self.file >= 0:
            close(self.file)

    cdef bint empty(self):
        return self.first == len(self.queue)

    cdef int add(self, bytes data) except -1:
        self.queue.append(data)
        self.size += PyBytes_GET_SIZE(data)
        return 0

    cdef int add_file(self, int fd, int64_t offset, int64_t left) except -1:
        """`left` bytes of fd from `offset`.  The descriptor is copied: the caller may close
        its own at once."""
        cdef FileSegment segment = FileSegment.__new__(FileSegment)
        segment.fd = os.dup(fd)
        segment.offset = offset
        segment.left = left
        self.queue.append(segment)
        return 0

    cdef int64_t in_memory(self):
        return self.size

    cdef int64_t weight(self):
        """Bytes of memory that would be free without this outbox."""
        cdef int64_t total = 0
        cdef Py_ssize_t i
        cdef PyObject *segment
        for i in range(self.first, len(self.queue)):
            segment = PyList_GET_ITEM(self.queue, i)
            if Py_REFCNT(segment) == 1 and PyBytes_CheckExact(<object>segment):
                total += PyBytes_GET_SIZE(<object>segment)
        return total

    cdef int spill(self, directory) except -1:
        """Move what is in memory to an unnamed file, in its place in the order.

        directory: where, None for the system's.  Raises OSError when the disk is full; what is
        left then cannot be sent."""
        cdef Py_ssize_t skip = self.offset
        cdef int64_t n
        cdef list waiting = self.queue[self.first:]
        cdef FileSegment last = None
        if self.file < 0:
            with tempfile.TemporaryFile(prefix="fastfork-response-", dir=directory) as file:
                self.file = os.dup(file.fileno())
        self.queue = []
        self.first = self.offset = 0
        for segment in waiting:
            if type(segment) is FileSegment:
                self.queue.append(segment)
                last = <FileSegment>segment
                continue
            view = memoryview(segment)[skip:]
            skip = 0
            n = len(view)
            if last is not None and last.is_spill:
                last.left += n  # the spill file only grows: this goes on where that ended
            else:
                self.add_file(self.file, self.spilled, n)
                last = <FileSegment>self.queue[len(self.queue) - 1]
                last.is_spill = True
            while view:
                view = view[os.write(self.file, view):]
            self.spilled += n
        self.size = 0
        return 0

    cdef int _send_bytes(self, int fd, Py_ssize_t *sent) except -2:
        """One sendmsg() of the bytes segments at the front.  0, or -1 with errno."""
        cdef iovec vectors[IOVECS]
        cdef msghdr message
        cdef Py_ssize_t i, count = 0, skip = self.offset
        cdef ssize_t n
        for i in range(self.first, len(self.queue)):
            if count == IOVECS or type(self.queue[i]) is FileSegment:
                break
            data = <bytes>self.queue[i]
            vectors[count].iov_base = PyBytes_AS_STRING(data) + skip
            vectors[count].iov_len = PyBytes_GET_SIZE(data) - skip
            skip = 0
            count += 1
        memset(&message, 0, sizeof(message))
        message.msg_iov = vectors
        message.msg_iovlen = count
        n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT)
        sent[0] = n
        if n < 0:
            return -1
        self.size -= n
        while n > 0:
            data = <bytes>self.queue[self.first]
            if n < PyBytes_GET_SIZE(data) - self.offset:
                self.offset += n
                return 0
            n -= PyBytes_GET_SIZE(data) - self.offset
            self.offset = 0
            self.queue[self.first] = None
            self.first += 1
        return 0

    cdef int send(self, int fd) except -2:
        """Hand the kernel what it takes.  0: all of it; 1: more waits; -1: the peer is gone,
        or a file is shorter than it was."""
        cdef Py_ssize_t sent, turn = 0
        cdef FileSegment segment
        cdef off_t offset
        cdef int rc
        while self.first < len(self.queue):
            if turn >= TURN_BYTES:
                return 1
            if type(self.queue[self.first]) is FileSegment:
                segment = <FileSegment>self.queue[self.first]
                offset = segment.offset
                sent = sendfile(fd, segment.fd, &offset,
                                <size_t>min(segment.left, <int64_t>TURN_BYTES))
                rc = 0 if sent > 0 else -1
                if sent == 0:
                    return -1
                if sent > 0:
                    segment.offset += sent
                    segment.left -= sent
                    if segment.left == 0:
                        self.queue[self.first] = None
                        self.first += 1
            else:
                rc = self._send_bytes(fd, &sent)
            if rc < 0:
                if ff_interrupted(errno):
                    continue
                return 1 if errno == EAGAIN else -1
            turn += sent
            if self.first > 64:
                del self.queue[: self.first]
                self.first = 0
        return 0
