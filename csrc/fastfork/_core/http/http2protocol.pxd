cimport cython
from libc.stdint cimport int64_t

from fastfork._core.conn.connection cimport Connection
from fastfork._core.http.http2connection cimport Http2Connection
from fastfork._core.http.http2requests cimport Http2Site
from fastfork._core.http.protocol cimport Protocol
from fastfork._core.conn.tls cimport Tls


@cython.final
cdef class Http2(Protocol):
    cdef Http2Site worker
    cdef Tls tls
    cdef Http2Connection _of(self, Connection connection)
    cdef int _end(self, Connection connection) except -1


@cython.final
cdef class Http2Streams(Protocol):
    cdef Http2Site worker
    cdef int _later(self, Connection connection) except -1
    cdef int drain_of(self, Http2Connection session) except -1
