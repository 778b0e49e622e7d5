from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.outbox cimport Outbox


cdef class Carrier:
    cdef int put(self, Connection stream, const char *p, Py_ssize_t n, bytes body) except -1
    cdef int pump(self) except -1
    cdef Outbox outbox_of(self, Connection stream)
    cdef int give_up(self, Connection stream) except -1
    cdef int descriptor(self) noexcept
    cdef object tls_object(self)
