from libc.stdint cimport int64_t

from fastfork._core.http.writer cimport ResponseWriter


cdef class Exchange(ResponseWriter):
    cdef object _start_response
    cdef object _write
    cdef object _early_hints
    cdef int64_t left_ns       # when write() saw that the client has left
    cdef bint recyclable(self)
    cdef int _write_later(self, data, int way) except -1
    cdef int _write_now(self, bytes data) except -1
    cdef int _to_nobody(self) except -1
    cdef int _tell(self, error, bint is_alone) except -1
    cdef int _tell_of_end(self, error) except -1
