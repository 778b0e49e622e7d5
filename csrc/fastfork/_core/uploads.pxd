from libc.stdint cimport int64_t

from fastfork._core.body cimport Body
from fastfork._core.connection cimport Connection
from fastfork._core.parsers cimport HeadParser
from fastfork._core.prefaced cimport Prefaced


cdef class Uploads(Prefaced):
    cdef HeadParser parser
    cdef dict running          # environ of the request that is ready for the application
    cdef int64_t spool_after
    cdef object spool_dir
    cdef int64_t grace_ns      # before that counts: connections warm up
    cdef int64_t byte_ns       # a byte of a body may take so long, on average
    cdef bint ends_slow        # ... and is waited for no longer

    cdef int _begin_body(self, Connection connection) except -1
    cdef int _answer_while_it_comes(self, Connection connection) except -1
    cdef int _fill_body(self, Connection connection) except -1
    cdef int _feed_body(self, Connection connection, const char **p, const char *end) except -1
    cdef bint _is_too_slow(self, Body body, Py_ssize_t n) noexcept
    cdef int _answer(self, Connection connection) except -1
