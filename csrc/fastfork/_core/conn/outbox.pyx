"""What waits to be sent to one client.

What the socket does not take is kept as segments: bytes by reference, files by descriptor.

Runs in: worker
"""

from libc.errno cimport EACCES, EAGAIN, EINVAL, EIO, ENOSYS, EOPNOTSUPP, EPERM, errno
from libc.string cimport memset
from posix.unistd cimport close
from posix.uio cimport iovec

import os

from fastfork.scratch import unnamed_file

from cpython.object cimport PyObject
from fastfork._core.base cimport MSG_DONTWAIT
from fastfork._core.interrupted cimport ff_interrupted
from fastfork._core.port cimport FF_MSG_NOSIGNAL, ff_sendfile
from fastfork._core.text cimport (
    PyBytes_AS_STRING,
    PyBytes_CheckExact,
    PyBytes_GET_SIZE,
    ff_is_unique,
)


cdef extern from "<sys/socket.h>" nogil:
    struct msghdr:
        iovec *msg_iov
        size_t msg_iovlen
    ssize_t sendmsg(int fd, const msghdr *message, int flags)

cdef extern from "Python.h":
    PyObject *PyList_GET_ITEM(object items, Py_ssize_t i)  # borrowed, and not counted

    ssize_t send(int fd, const void *p, size_t n, int flags)

cdef extern from "<unistd.h>" nogil:
    ssize_t pread(int fd, void *p, size_t n, int64_t offset)

cdef enum:
    IOVECS = 16            # segments a system call
    READ_BYTES = 32 << 10  # of a file that has to be read, at a time


cdef bint _cannot_sendfile(int error) noexcept:
    """Is it sendfile(2) that cannot be had, for this file or in this sandbox?  What is wrong with
    the client has other numbers, and what is wrong with the file will show in reading it."""
    return (error == EINVAL or error == ENOSYS or error == EOPNOTSUPP or error == EPERM
            or error == EACCES or error == EIO)


cdef class FileSegment:
    """`left` bytes of descriptor `fd`, which it owns, from `offset`."""

    def __cinit__(self):
        self.fd = -1

    def __dealloc__(self):
        if self.fd >= 0:
            close(self.fd)


cdef FileSegment owning(int fd):
    """A segment that closes fd."""
    cdef FileSegment segment = FileSegment.__new__(FileSegment)
    segment.fd = fd
    return segment


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

    cdef int add_file(self, FileSegment segment) except -1:
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
            if ff_is_unique(segment) and PyBytes_CheckExact(<object>segment):
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
            with unnamed_file("fastfork-response-", directory) as file:
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
                last = owning(os.dup(self.file))
                last.offset = self.spilled
                last.left = n
                last.is_spill = True
                self.add_file(last)
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
        n = sendmsg(fd, &message, FF_MSG_NOSIGNAL | MSG_DONTWAIT)
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

    cdef int _send_file(self, int fd, Py_ssize_t *sent) noexcept:
        """Send some of the file at the front.  0, or -1 with errno; what is the file's fault is
        noted in `fault`."""
        cdef FileSegment segment = <FileSegment>self.queue[self.first]
        cdef size_t most = <size_t>min(segment.left, <int64_t>TURN_BYTES)
        cdef char block[READ_BYTES]
        cdef ssize_t n = -1
        if not segment.is_read:
            n = ff_sendfile(fd, segment.fd, segment.offset, most)
            segment.is_read = n < 0 and _cannot_sendfile(errno)
        if segment.is_read:
            n = pread(segment.fd, block, min(most, <size_t>READ_BYTES), segment.offset)
            if n < 0 and not ff_interrupted(errno):
                self.fault = errno
            if n > 0:
                n = send(fd, block, n, FF_MSG_NOSIGNAL)
        if n == 0:
            self.fault = SHORT
        if n <= 0:
            return -1
        sent[0] = n
        segment.offset += n
        segment.left -= n
        if segment.left == 0:
            self.queue[self.first] = None
            self.first += 1
        return 0

    cdef int send(self, int fd) except -2:
        """Hand the kernel what it takes.  0: all of it; 1: more waits; -1: the peer is gone,
        or a file has a `fault`."""
        cdef Py_ssize_t sent = 0, turn = 0
        cdef int rc
        while self.first < len(self.queue):
            if turn >= TURN_BYTES:
                return 1
            if type(self.queue[self.first]) is FileSegment:
                rc = self._send_file(fd, &sent)
            else:
                rc = self._send_bytes(fd, &sent)
            if rc < 0:
                if self.fault:
                    return -1
                if ff_interrupted(errno):
                    continue
                return 1 if errno == EAGAIN else -1
            turn += sent
            if self.first > 64:
                del self.queue[: self.first]
                self.first = 0
        return 0
