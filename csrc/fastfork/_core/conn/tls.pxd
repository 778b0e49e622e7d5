cimport cython
from libc.stdint cimport int64_t

from fastfork._core.http.answering cimport Answering
from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.connections cimport Connections
from fastfork._core.loop.crew cimport Crew
from fastfork._core.conn.deadlines cimport Deadlines
from fastfork._core.http.protocol cimport Protocol
from fastfork._core.conn.request_queue cimport RequestQueue


cdef enum:
    SEEN_TO = -2


@cython.final
cdef class Tls(Protocol):
    cdef Connections connections
    cdef Deadlines deadlines
    cdef Crew crew
    cdef RequestQueue queue
    cdef Answering answering
    cdef public Protocol http2  # where the handshake agrees on that (RFC 7301), or None
    cdef Protocol inner        # what is spoken in it
    cdef char *cipher          # what was received of TLS connections last; NULL: there are none
    cdef object context        # ssl.SSLContext
    cdef object facts_of       # SSLObject -> what it adds to the environ
    cdef bint at_once          # the handshake has begun when a connection is accepted
    cdef bint tells_ragged     # an end that nobody has announced is logged

    cdef ssize_t receive(self, Connection connection) except -3
    cdef int _agreed(self, Connection connection) except -1
    cdef int _failed(self, Connection connection, error) except -1
    cdef int _ragged(self, Connection connection) except -1
