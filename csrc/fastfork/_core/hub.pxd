from libc.stdint cimport int64_t

from fastfork._core.answer cimport Answerer
from fastfork._core.caller cimport Caller
from fastfork._core.connection cimport Connection
from fastfork._core.response cimport Responder


cdef class Hub(Caller):
    cdef object write_access
    cdef public Answerer static  # asked before the application; None without static files
    cdef int64_t log_ns        # when access lines were last written
    cdef readonly int64_t asked_ns  # since when the request waits that is being answered
    cdef int64_t look_up_ns    # when the worker wants to look up from its loop at the latest
    cdef bint dozes            # that is far away: see look_up_in
    cdef public int64_t most_requests
    cdef public bint attention  # ... or as soon as this is set
    cdef int64_t rested        # requests at the last rest()
    cdef int64_t usual_ns      # what a call of the application takes
    cdef int64_t back_ns       # when it comes back at the latest

    cdef double _turn(self, list events) except -3
    cdef int _nudge(self) except -1
    cdef bint _is_time(self) noexcept
    cdef int _go_on_anywhere(self, int64_t began) except -1
    cdef int _go_on_here(self, int64_t began) except -1
    cdef int64_t _wait(self) except -2
    cdef int _progress(self, Connection connection, Responder responder, int how) except -1
    cdef int _go_on(self, Connection connection) except -1
