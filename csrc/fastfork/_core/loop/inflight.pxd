from libc.stdint cimport int64_t

from fastfork._core.loop.crew cimport Seat


cdef class InFlight:
    cdef int64_t *slot
    cdef int free[255]         # numbers of the places that nobody has
    cdef int free_count
    cdef int take(self, Seat seat, int64_t since) noexcept
    cdef void give_back(self, int place) noexcept
