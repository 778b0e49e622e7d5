cimport cython
from libc.stdint cimport int64_t

from fastfork._core.answering cimport Answering


@cython.final
cdef class Hub(Answering):
    cdef object write_access
    cdef int64_t log_ns        # when access lines were last written
    cdef int64_t look_up_ns    # when the worker wants to look up from its loop at the latest
    cdef bint dozes            # that is far away: see look_up_in
    cdef public int64_t most_requests
    cdef public bint attention  # ... or as soon as this is set
    cdef int64_t rested        # requests at the last rest()
    cdef int64_t back_ns       # when it comes back at the latest

    cdef double _turn(self, list events) except -3
    cdef double _serve(self, list events) except -3
    cdef int _nudge(self) except -1
    cdef bint _is_time(self) noexcept
    cdef int _go_on_anywhere(self, int64_t began) except -1
    cdef int _go_on_here(self, int64_t began) except -1
    cdef int64_t _wait(self) except -2
