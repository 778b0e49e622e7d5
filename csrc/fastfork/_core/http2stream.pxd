from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t


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
    cdef bint said_priority  # its request has a Priority field
    cdef object request    # what the owner of the session knows of it
    cdef list queue        # what waits to be sent: bytes, and FileSegments
    cdef Py_ssize_t first  # the first of them that does
    cdef Py_ssize_t offset  # bytes of it that are sent
    cdef readonly int64_t size     # bytes that wait in memory
    cdef int64_t received  # bytes of the request's body
    cdef int64_t moved_ns  # when some of it was last sent
    cdef int add(self, data) except -1
    cdef Py_ssize_t take(self, uint8_t *out, Py_ssize_t n) except -1
    cdef bint is_empty(self) noexcept
    cdef void forget(self) noexcept
