cimport cython
from libc.stdint cimport int64_t

from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.connections cimport Connections
from fastfork._core.conn.listeners cimport Listeners
from fastfork._core.conn.request_queue cimport RequestQueue


@cython.final
cdef class Pool:
    cdef Connections connections
    cdef Listeners listeners
    cdef RequestQueue queue
    cdef int pool_out          # where connections of other workers are taken from, -1: nowhere
    cdef int heirs             # where ours are put when the process ends, -1: nowhere
    cdef object template_of
    cdef readonly int64_t adopted
    cdef int _adopt_one(self) except -1
    cdef void _bequeath(self) noexcept
    cdef bint _is_free(self, Connection connection) noexcept
