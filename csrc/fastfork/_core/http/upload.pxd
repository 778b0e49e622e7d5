from libc.stdint cimport int64_t

from fastfork._core.http.body cimport Body


cdef class Upload(Body):
    cdef object data           # bytes that have come and that nobody has taken yet
    cdef readonly bint complete
    cdef int64_t paused_ns     # since when the application has not waited for it, or 0
    cdef void pause(self, int64_t now) noexcept
    cdef void proceed(self, int64_t now) noexcept
    cdef bytes take(self)
    cdef bint is_full(self) noexcept
