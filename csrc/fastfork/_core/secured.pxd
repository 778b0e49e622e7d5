from libc.stdint cimport int64_t

from fastfork._core.connection cimport Connection
from fastfork._core.queued cimport Queued


cdef enum:
    SEEN_TO = -2


cdef class Secured(Queued):
    cdef char *cipher          # what was received of TLS connections last; NULL: there are none
    cdef object facts_of       # SSLObject -> what it adds to the environ
    cdef bint at_once          # the handshake has begun when a connection is accepted
    cdef bint tells_ragged     # an end that nobody has announced is logged
    cdef bytes offence         # the beginning of what is refused, or None
    cdef int64_t told_ns       # when a refusal was last logged

    cdef int _fill_handshake(self, Connection connection) except -1
    cdef int _shake(self, Connection connection, const char *p, Py_ssize_t n) except -1
    cdef int _agreed(self, Connection connection) except -1
    cdef int _end_follows(self, Connection connection) except -1
    cdef int _failed(self, Connection connection, error) except -1
    cdef ssize_t _unseal(self, Connection connection) except -3
    cdef int _ragged(self, Connection connection) except -1
    cdef bint _may_tell(self) noexcept
    cdef int _consume(self, Connection connection, const char *p, Py_ssize_t n) except -1
    cdef int _refuse(self, Connection connection, int code, int status) except -1
