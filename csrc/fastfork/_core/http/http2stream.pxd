from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.outbox cimport Outbox


cdef class Http2Stream:
    cdef readonly int32_t id
    cdef readonly bint ended       # the client has sent all of its request
    cdef readonly bint closed      # it is over for both sides: nothing can be sent
    cdef readonly uint32_t error   # ... with this code (RFC 9113 section 7)
    cdef readonly bint answered    # the head of its response is on its way
    cdef bint refused      # what comes of its body is not wanted
    cdef bint lasts        # it keeps its place though it is closed: its application runs
    cdef bint waits        # for data to be sent
    cdef bint complete     # no more of its body follows
    cdef bint moved        # some of it was sent since the owner last looked
    cdef bint said_priority  # its request has a Priority field
    cdef Outbox outbox     # what waits to be sent
    cdef bytes head        # of its response, while that may yet be all of it; else None
    cdef Connection request  # what stands for it, None where nothing does
    cdef int code          # why its request is refused (errors.h), 0: it is not
    cdef Py_ssize_t owed   # bytes that have come and for which the client has got no room again
    cdef int add(self, data) except -1
    cdef Py_ssize_t take(self, uint8_t *out, Py_ssize_t n) except -1
    cdef bint is_empty(self) noexcept
    cdef void forget(self) noexcept
