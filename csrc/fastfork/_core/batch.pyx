"""Responses of one turn of the loop, sent together at its end.

Every send wakes the peer; on a busy machine a peer that is woken in the middle of our work
costs more than the send itself.  So the answers of one batch of events are collected here:
at most 16, 64 KiB, or 150 us after the first (the worker watches the clock between
requests).  Answers to pipelined requests stand behind each other and go out in one send.

Runs in: worker
"""

from cpython.ref cimport Py_INCREF, Py_DECREF, Py_XDECREF
from libc.errno cimport EAGAIN, EINTR, errno
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memset
from posix.uio cimport iovec

from fastfork._core.text cimport PyBytes_AS_STRING, PyBytes_GET_SIZE


cdef extern from "<sys/socket.h>" nogil:
    int MSG_NOSIGNAL
    struct msghdr:
        iovec *msg_iov
        size_t msg_iovlen
    ssize_t send(int fd, const void *p, size_t n, int flags)
    ssize_t sendmsg(int fd, const msghdr *message, int flags)


cdef class Batch:
    """The worker's one output buffer."""

    def __cinit__(self):
        self.capacity = 2 * BATCH_BYTES
        self.buffer = <char *>malloc(self.capacity)
        self.done = []
        if self.buffer == NULL:
            raise MemoryError

    def __dealloc__(self):
        for i in range(self.count):
            Py_DECREF(<object>self.items[i].connection)
            Py_XDECREF(self.items[i].body)
        free(self.buffer)

    cdef bint full(self):
        return self.count == BATCH_RESPONSES or self.size >= BATCH_BYTES

    cdef char *room(self, Py_ssize_t n) except NULL:
        """Where n bytes can be written; push() says that they are there."""
        cdef char *grown
        if self.full():
            self.flush()
        if self.size + n > self.capacity:
            grown = <char *>realloc(self.buffer, self.size + n)
            if grown == NULL:
                raise MemoryError
            self.buffer = grown
            self.capacity = self.size + n
        return self.buffer + self.size

    cdef int push(self, Connection connection, Py_ssize_t n, bytes body) except -1:
        """The n bytes at room() are for `connection`, followed by `body` if there is one."""
        cdef pending *item
        if self.count:
            item = &self.items[self.count - 1]
            if item.connection == <PyObject *>connection and item.body == NULL:
                self.size += n
                item.end = self.size
                if body is not None:
                    Py_INCREF(body)
                    item.body = <PyObject *>body
                return 0
        item = &self.items[self.count]
        Py_INCREF(connection)
        item.connection = <PyObject *>connection
        item.body = NULL
        if body is not None:
            Py_INCREF(body)
            item.body = <PyObject *>body
        item.start = self.size
        self.size += n
        item.end = self.size
        self.count += 1
        return 0

    cdef int look_at(self, Connection connection) except -1:
        if not connection.flushing:
            connection.flushing = True
            self.done.append(connection)
        return 0

    cdef int _send(self, pending *item) except -1:
        cdef Connection connection = <Connection>item.connection
        cdef bytes body = <bytes>item.body if item.body != NULL else None
        cdef const char *p = self.buffer + item.start
        cdef Py_ssize_t n = item.end - item.start, whole = n
        cdef iovec vectors[2]
        cdef msghdr message
        cdef ssize_t sent
        if connection.broken or connection.fd < 0:
            return self.look_at(connection)
        if connection.outbox is not None:
            connection.send_tail(p, n, 0, body)
            return self.look_at(connection)
        while True:
            if body is None:
                sent = send(connection.fd, p, n, MSG_NOSIGNAL)
            else:
                memset(&message, 0, sizeof(message))
                vectors[0].iov_base = <void *>p
                vectors[0].iov_len = n
                vectors[1].iov_base = PyBytes_AS_STRING(body)
                vectors[1].iov_len = PyBytes_GET_SIZE(body)
                whole = n + PyBytes_GET_SIZE(body)
                message.msg_iov = vectors
                message.msg_iovlen = 2
                sent = sendmsg(connection.fd, &message, MSG_NOSIGNAL)
            if sent >= 0 or errno != EINTR:
                break
        if sent == whole:
            self.bytes_sent += sent
            return self.look_at(connection) if connection.close_after else 0
        if sent < 0 and errno != EAGAIN:
            connection.broken = True
        else:
            sent = max(sent, 0)
            self.bytes_sent += sent
            connection.send_tail(p, n, sent, body)
        return self.look_at(connection)

    cdef int flush(self) except -1:
        """Send everything.  Connections that need a second look are left in `done`."""
        cdef int i, count = self.count
        if count == 0:
            return 0
        self.count = 0
        self.size = 0  # nothing below adds to the buffer
        for i in range(count):
            try:
                self._send(&self.items[i])
            finally:
                Py_DECREF(<object>self.items[i].connection)
                Py_XDECREF(self.items[i].body)
        return 0
