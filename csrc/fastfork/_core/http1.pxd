cimport cython

from fastfork._core.answering cimport Answering
from fastfork._core.connection cimport Connection
from fastfork._core.connections cimport Connections
from fastfork._core.crew cimport Crew
from fastfork._core.deadlines cimport Deadlines
from fastfork._core.meanwhile cimport Meanwhile
from fastfork._core.protocol cimport Protocol
from fastfork._core.receiver cimport Receiver
from fastfork._core.request_queue cimport RequestQueue
from fastfork._core.tls cimport Tls
from fastfork._core.uploads cimport Uploads


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
