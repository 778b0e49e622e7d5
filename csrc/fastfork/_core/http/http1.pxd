cimport cython

from fastfork._core.http.answering cimport Answering
from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.connections cimport Connections
from fastfork._core.loop.crew cimport Crew
from fastfork._core.conn.deadlines cimport Deadlines
from fastfork._core.http.meanwhile cimport Meanwhile
from fastfork._core.http.protocol cimport Protocol
from fastfork._core.http.receiver cimport Receiver
from fastfork._core.conn.request_queue cimport RequestQueue
from fastfork._core.conn.tls cimport Tls
from fastfork._core.http.uploads cimport Uploads


@cython.final
cdef class Http1(Protocol):
    cdef Connections connections
    cdef Deadlines deadlines
    cdef Crew crew
    cdef Answering answering
    cdef RequestQueue queue
    cdef Tls tls
    cdef Uploads uploads
    cdef Receiver receiver
    cdef Meanwhile meanwhile
    cdef int _later(self, Connection connection) except -1
    cdef int _see_end(self, Connection connection) except -1
    cdef int _rearm(self, Connection connection) except -1
