from libc.stdint cimport int64_t


cdef class LoopLag:
    cdef object view       # keeps the memory of `slot`
    cdef int64_t *slot
    cdef int64_t since     # when a round has begun, 0: none has
    cdef int64_t sampled   # when `wants_sample` last said yes
    cdef int64_t longest   # since `publish`
    cdef int begin(self) except -1
    cdef int end(self) except -1
