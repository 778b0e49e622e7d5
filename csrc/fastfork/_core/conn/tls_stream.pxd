from libc.stdint cimport int64_t

from fastfork._core.conn.outbox cimport Outbox

cdef enum:
    CIPHER_BYTES = 24 << 10   # received at a time


cdef int load_ssl() except -1


cdef class TlsStream:
    cdef readonly object tls            # ssl.SSLObject
    cdef object core           # ... and the compiled object behind it
    cdef readonly object incoming       # ssl.MemoryBIO: what the client has sent
    cdef readonly object outgoing       # ssl.MemoryBIO: what is to be sent to it
    cdef bint begun            # something has come
    cdef bint agreed           # the handshake is complete
    cdef bint ended            # the client has said that it sends no more
    cdef bint silent           # nothing more can be said: we have ended it too, or it has failed
    cdef int feed(self, const char *p, Py_ssize_t n) except -1
    cdef bint shake(self) except -1
    cdef Py_ssize_t open(self, char *into, Py_ssize_t room) except -1
    cdef int seal(self, data) except -1
    cdef bytes take(self)
    cdef bytes goodbye(self)


cdef class TlsOutbox(Outbox):
    cdef TlsStream sealed
    cdef Outbox clear          # what is to be sealed, behind what is
    cdef int add_clear(self, bytes data) except -1
    cdef int _seal_more(self, int fd) except -2
    cdef Py_ssize_t _seal_file(self) except -2
    cdef Py_ssize_t _seal_bytes(self) except -2
    cdef int _next(self) except -1
    cdef bint _seals(self, data) except -1
