cdef class Sink:
    cdef bint wants(self) noexcept
    cdef int received(self, char *p, Py_ssize_t n) except -1
    cdef int ended(self) except -1
    cdef int left(self) except -1
    cdef int drained(self) except -1
    cdef int late(self, int wait) except -1
