cdef enum:
    LATER = -1   # there will be room for more bytes
    NO_MORE = 0  # there never will be
    MORE = 1     # there is


cdef class Sink:
    cdef int wants(self) noexcept
    cdef int received(self, char *p, Py_ssize_t n) except -1
    cdef int ended(self) except -1
    cdef int left(self) except -1
    cdef int drained(self) except -1
    cdef int late(self, int wait) except -1
