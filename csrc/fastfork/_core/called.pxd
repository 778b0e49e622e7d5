from libc.stdint cimport int64_t

from fastfork._core.exchange cimport Exchange


cdef class Called(Exchange):
    cdef int _start(self, line, fields, logged) except -1
    cdef int _stay_or_leave(self, error) except -1
    cdef object _access_line(self, int64_t now)
