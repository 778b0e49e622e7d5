"""A client connection, and what waits to be sent to it.

An idle connection holds no buffer: bytes are received into the worker's own buffer and only
what does not yet make a request is copied aside (`partial`).  What the socket does not take
is kept as segments: bytes by reference, files by descriptor.

Runs in: worker
"""

from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy, memset
from posix.types cimport off_t
from posix.unistd cimport close
from posix.uio cimport iovec

import os
import socket
import tempfile

from cpython.object cimport PyObject
from fastfork._core.text cimport (
    PyBytes_AS_STRING,
    PyBytes_CheckExact,
    PyBytes_GET_SIZE,
    Py_REFCNT,
)


cdef extern from "<sys/socket.h>" nogil:
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
    TURN_BYTES = 1 << 20   # handed to one client before others get their turn


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
        n = sendmsg(fd, &message, MSG_NOSIGNAL)
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
                if errno == EINTR:
                    continue
                return 1 if errno == EAGAIN else -1
            turn += sent
            if self.first > 64:
                del self.queue[: self.first]
                self.first = 0
        return 0


cdef class Connection:
    """One client.  In the environ it stands as `fastfork.socket`: the way to the socket for
    applications that must have it."""

    def __dealloc__(self):
        free(self.partial)

    def fileno(self):
        """Descriptor of the connection, -1 when it is closed."""
        return self.fd

    def dup(self):
        """A `socket.socket` on a copy of the descriptor.  The connection stays the server's."""
        copy = socket.socket(fileno=os.dup(self.fd))
        copy.setblocking(False)  # as the descriptor is
        self.shared = True
        return copy

    def detach(self):
        """Take the connection over: returns its `socket.socket`, non-blocking.

        The server forgets it: what the application then returns is not sent.  Only inside
        the application call, before start_response.  Raises RuntimeError otherwise.
        """
        if not self.busy or self.fd < 0 or self.outbox is not None:
            raise RuntimeError("fastfork.socket can be detached only while its request is "
                               "being answered, before anything was sent")
        self.hub.crew.begin_aside()
        try:
            return self.hub._detach(self)
        finally:
            self.hub.crew.end_aside()

    @property
    def speaker(self):
        """The address of whoever sends the requests, as one asks whether to take his word.

        A client that the proxy in front does not name is no address, so that nobody is trusted
        in his place; the proxy only passes his bytes on.  LOCAL is the proxy itself."""
        if self.facts is not None and self.facts.get("PROXY_PROTOCOL") in ("UNKNOWN", "UNIX"):
            return "unknown"
        return self.remote_addr

    cdef int keep(self, const char *p, Py_ssize_t n) except -1:
        """Append n bytes to `partial`."""
        cdef uint32_t room
        cdef char *grown
        if self.partial_size + n > self.partial_room:
            room = <uint32_t>max(512, self.partial_size + n, 2 * <Py_ssize_t>self.partial_room)
            grown = <char *>realloc(self.partial, room)
            if grown == NULL:
                raise MemoryError
            self.partial = grown
            self.partial_room = room
        memcpy(self.partial + self.partial_size, p, n)
        self.partial_size += <uint32_t>n
        return 0

    cdef bint is_blank(self) noexcept:
        """Has nothing come of the next request but empty lines, which some clients send
        behind a body (RFC 9112 section 2.2)?"""
        cdef uint32_t i
        for i in range(self.partial_size):
            if self.partial[i] != b'\r' and self.partial[i] != b'\n':
                return False
        return True

    cdef void forget_partial(self) noexcept:
        free(self.partial)
        self.partial = NULL
        self.partial_size = self.partial_room = self.scanned = self.line_at = 0

    cdef str port_text(self):
        if self.remote_port is None:
            self.remote_port = str(self.port)
        return self.remote_port

    cdef Outbox queue(self):
        if self.outbox is None:
            self.outbox = Outbox.__new__(Outbox)
        return self.outbox

    cdef int send_tail(self, const char *p, Py_ssize_t n, Py_ssize_t sent, bytes body) except -1:
        """Queue what one send of n bytes at p, and then `body`, left over."""
        cdef Outbox outbox = self.queue()
        if sent < n:
            outbox.add(p[sent:n])
            sent = n
        if body is not None and sent - n < PyBytes_GET_SIZE(body):
            outbox.add(body)
            if outbox.first == len(outbox.queue) - 1:
                outbox.offset = sent - n
                outbox.size -= sent - n
        return 0
