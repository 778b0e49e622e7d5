from libc.stdint cimport int64_t

from fastfork._core.connection cimport Connection
from fastfork._core.listeners cimport Listeners


cdef class Queued(Listeners):
    cdef int pool_in           # where connections are put for other workers, -1: nowhere
    cdef int pool_out          # ... and taken from
    cdef int heirs             # where they are put when the process ends, -1: nowhere
    cdef list keys             # of the listeners, as the other workers know them
    cdef object template_of
    cdef int64_t queue_ns      # a request may wait so long for a thread; 0 = for ever
    cdef bint newest_first     # who is served next of those in line
    cdef readonly int64_t adopted
    cdef int _put_off(self, Connection connection) except -1
    cdef bint _hand_over(self, Connection connection) except -1
    cdef bint _others_wait(self) noexcept
    cdef int _release(self, Connection connection) except -1
    cdef void _begin_anew(self, Connection connection) noexcept
    cdef int _serve_queued(self) except -1
    cdef int _adopt_one(self) except -1
    cdef void _bequeath(self) noexcept
    cdef bint _is_free(self, Connection connection) noexcept


cdef class Pool:
    cdef Queued hub
