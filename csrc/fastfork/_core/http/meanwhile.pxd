cimport cython

from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.connections cimport Connections
from fastfork._core.conn.tls cimport Tls


@cython.final
cdef class Meanwhile:
    cdef Connections connections
    cdef Tls tls
    cdef int event(self, Connection connection, int mask) except -1
    cdef int send(self, Connection connection) except -1
    cdef int watch(self, Connection connection) except -1
    cdef int lose(self, Connection connection) except -1
    cdef int late(self, Connection connection, int wait) except -1
    cdef int _hear(self, Connection connection, int mask) except -1
