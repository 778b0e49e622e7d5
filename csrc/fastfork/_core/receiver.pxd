from fastfork._core.connection cimport Connection
from fastfork._core.environ cimport EnvironBuilder
from fastfork._core.scan cimport ff_limits
from fastfork._core.uploads cimport Uploads


cdef class Receiver(Uploads):
    cdef EnvironBuilder environs

    cdef int _event(self, Connection connection, int mask) except -1
    cdef bint _has_ended(self, Connection connection, int mask) noexcept
    cdef int _meanwhile(self, Connection connection, int mask) except -1
    cdef int _hear(self, Connection connection, int mask) except -1
    cdef int _take_in(self, Connection connection, const char *received, Py_ssize_t n) except -1
    cdef int _see_end(self, Connection connection) except -1
    cdef int _consume_partial(self, Connection connection) except -1
    cdef int _head_incomplete(self, Connection connection, const char *p,
                              Py_ssize_t n) except -1
    cdef int _catch_up(self, Connection connection) except -1
    cdef int _forget_request(self, Connection connection) except -1
    cdef dict _seen(self, Connection connection)
    cdef bint _is_head(self, const char *p)
    cdef const ff_limits *_limits_of(self, Connection connection) noexcept
    cdef EnvironBuilder _builder_for(self, Connection connection)
    cdef int _begin(self, Connection connection, EnvironBuilder builder, const char *p) except -1
