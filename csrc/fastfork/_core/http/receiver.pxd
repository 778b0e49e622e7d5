cimport cython
from libc.stdint cimport int64_t

from fastfork._core.http.answering cimport Answering
from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.connections cimport Connections
from fastfork._core.loop.crew cimport Crew
from fastfork._core.conn.crowded cimport Crowded
from fastfork._core.http.environ cimport EnvironBuilder
from fastfork._core.http.parsers cimport HeadParser
from fastfork._core.http.protocol cimport Protocol
from fastfork._core.http.request cimport Request
from fastfork._core.http.scan cimport ff_limits
from fastfork._core.http.trust cimport Trust
from fastfork._core.http.uploads cimport Uploads


@cython.final
cdef class Receiver:
    cdef Connections connections
    cdef Crew crew
    cdef Crowded crowded
    cdef Answering answering
    cdef Uploads uploads
    cdef Trust trust
    cdef HeadParser parser
    cdef EnvironBuilder environs
    cdef public Protocol http2  # of a connection in the clear that begins with its preface, or None

    cdef int take_in(self, Connection connection, const char *received, Py_ssize_t n) except -1
    cdef int consume(self, Connection connection, const char *p, Py_ssize_t n) except -1
    cdef int consume_partial(self, Connection connection) except -1
    cdef int end_of_head(self, Connection connection) except -1
    cdef int _leave_rest(self, Connection connection, const char *p, Py_ssize_t n) except -1
    cdef int _begins_http2(self, Connection connection, const char *p, Py_ssize_t n) except -1
    cdef int _head_incomplete(self, Connection connection, const char *p,
                              Py_ssize_t n) except -1
    cdef int _refuse(self, Connection connection, const char *p, Py_ssize_t n,
                     int code) except -1
    cdef bint _is_head(self, const char *p)
    cdef const ff_limits *_limits_of(self, Connection connection) noexcept
    cdef int _begin(self, Connection connection, EnvironBuilder builder, const char *p) except -1
