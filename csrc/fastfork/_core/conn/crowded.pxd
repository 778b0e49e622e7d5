cimport cython
from libc.stdint cimport int64_t

from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.connections cimport Connections
from fastfork._core.conn.deadlines cimport Deadlines

cdef enum:
    SLOW_NS = 1000000000  # more than a head or a handshake of several packets takes


@cython.final
cdef class Crowded:
    cdef Connections connections
    cdef Deadlines deadlines
    cdef readonly int most_connections
    cdef int64_t least_ns      # who has been slow for so long gives way
    cdef int64_t gave_way      # slow connections that did
    cdef int64_t told_full_ns
    cdef int keep(self, Connection connection, const char *p, Py_ssize_t n) except -1
    cdef bint make_room(self) except -1
    cdef void press(self) noexcept
    cdef void relax(self) noexcept
    cdef int64_t _slow_since(self, Connection connection, int wait) noexcept
    cdef Connection _slowest(self, int wait, int64_t until)
    cdef bint _let_one_go(self, int wait, int64_t least) except -1
    cdef bint _let_slow_go(self, int64_t least) except -1
    cdef int _send_away(self, Connection connection, int wait) except -1
    cdef int _tell_full(self) except -1
    cdef int _free_partials(self, Connection connection) except -1
