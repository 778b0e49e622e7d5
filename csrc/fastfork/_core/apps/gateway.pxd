from libc.stdint cimport int64_t

from fastfork._core.conn.connection cimport Connection
from fastfork._core.http.writer cimport ResponseWriter


cdef class Gateway:
    cdef bint suspends         # requests may be AWAY: it wants to hear of each turn
    cdef bint streams          # it is asked before the body has come, which it gets as it comes
    cdef ResponseWriter writer(self, dict environ)
    cdef int answer(self, ResponseWriter writer) except -1
    cdef int resume(self, ResponseWriter writer) except -1
    cdef int abandon(self, ResponseWriter writer) except -1
    cdef int done(self, ResponseWriter writer) except -1
    cdef int shed(self, int64_t now) except -1
    cdef int turn_begins(self) except -1
    cdef int turn_ends(self) except -1
    cdef bint at_work(self) noexcept
    cdef Connection connection_of_call(self)
