from libc.stdint cimport int64_t

from fastfork._core.connection cimport Connection
from fastfork._core.connections cimport Connections
from fastfork._core.environ cimport EnvironBuilder
from fastfork._core.parsers cimport HeadParser
from fastfork._core.response cimport Responder


cdef class Hub(Connections):
    cdef object app
    cdef object write_access
    cdef object spool_dir
    cdef HeadParser parser
    cdef EnvironBuilder environs
    cdef Responder spare
    cdef dict running          # environ of the request in the application, or None
    cdef char *received        # the one receive buffer
    cdef int64_t spool_after
    cdef int64_t log_ns        # when access lines were last written
    cdef int64_t told_ns       # when a refusal was last logged
    cdef int eager             # requests to answer at once, since the application was slow

    cdef int _event(self, Connection connection, int mask) except -1
    cdef int _fill_body(self, Connection connection) except -1
    cdef int _consume_partial(self, Connection connection) except -1
    cdef int _consume(self, Connection connection, const char *p, Py_ssize_t n) except -1
    cdef int _head_incomplete(self, Connection connection, const char *p,
                              Py_ssize_t n) except -1
    cdef int _begin(self, Connection connection, const char *p) except -1
    cdef int _begin_body(self, Connection connection) except -1
    cdef int _feed_body(self, Connection connection, const char **p, const char *end) except -1
    cdef int _answer(self, Connection connection) except -1
    cdef int _progress(self, Connection connection, Responder responder, int how) except -1
    cdef int _refuse(self, Connection connection, int code, int status) except -1
    cdef int _go_on(self, Connection connection) except -1
    cdef Responder _responder(self)
    cdef int _give_back(self, Responder responder) except -1
