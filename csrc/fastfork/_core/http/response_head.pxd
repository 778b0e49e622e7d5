cimport cython
from libc.stdint cimport int64_t, uint8_t

cdef enum:  # what the Connection field says
    STAYS_OPEN      # HTTP/1.1 says nothing
    SAYS_KEEP_ALIVE
    SAYS_CLOSE


cdef enum:
    SERVER_MAX = 200  # characters of the Server field


@cython.final
cdef class ServerLines:
    cdef char text[SERVER_MAX + 64]
    cdef int size         # of both lines
    cdef int server_size  # of the first
    cdef int64_t second
    cdef int refresh(self) except -1


@cython.final
cdef class ResponseHead:
    cdef char *buffer
    cdef Py_ssize_t size
    cdef Py_ssize_t capacity
    cdef bint has_length
    cdef bint has_date
    cdef bint has_server
    cdef bint wants_close
    cdef int status
    cdef bint taken            # a thread is setting it
    cdef int64_t length
    cdef int64_t added         # length of the body that finish() puts in, -1 = none
    cdef object last_status
    cdef object on_dropped
    cdef int set(self, status, headers) except -1
    cdef int take(self, status, headers) except -1
    cdef int end(self) except -1
    cdef int set_fields(self, headers) except -1
    cdef int _status_line(self, status) except -1
    cdef int set_raw(self, status, headers) except -1
    cdef int _raw_field(self, bytes field, bytes text) except -1
    cdef int _field(self, item) except -1
    cdef int _put_field(self, int kind, field, text, const char *name, Py_ssize_t n,
                        const char *value, Py_ssize_t vn) except -1
    cdef bint _takes(self, int kind, field, const char *value, Py_ssize_t vn) except -1
    cdef int _need(self, Py_ssize_t n) except -1
    cdef Py_ssize_t finish_bound(self) noexcept
    cdef Py_ssize_t finish(self, char *out, bint chunked, int closing,
                           ServerLines lines) noexcept


cdef bytes octets(value)
