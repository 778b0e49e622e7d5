from fastfork._core.http.body cimport Body


cdef class Upload(Body):
    cdef object data           # bytes that have come and that nobody has taken yet
    cdef readonly bint complete
    cdef bytes take(self)
    cdef bint is_full(self) noexcept
