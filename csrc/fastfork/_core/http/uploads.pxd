cimport cython
from libc.stdint cimport int64_t

from fastfork._core.http.answering cimport Answering
from fastfork._core.http.body cimport Body
from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.connections cimport Connections
from fastfork._core.http.parsers cimport HeadParser
from fastfork._core.http.request cimport Request
from fastfork._core.conn.tls cimport Tls


@cython.final
cdef class Uploads:
    cdef Connections connections
    cdef Answering answering
    cdef Tls tls
    cdef HeadParser parser
    cdef int64_t spool_after
    cdef object spool_dir
    cdef int64_t grace_ns      # before that counts: connections warm up
    cdef int64_t byte_ns       # a byte of a body may take so long, on average
    cdef bint ends_slow        # ... and is waited for no longer

    cdef int begin(self, Connection connection, Request request) except -1
    cdef int fill(self, Connection connection, const char **p, const char **end) except -1
    cdef int feed(self, Connection connection, const char **p, const char *end) except -1
    cdef bint is_too_slow(self, Body body, Py_ssize_t n) noexcept
    cdef int _answer_while_it_comes(self, Connection connection, Request request) except -1
