from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t

from fastfork._core.conn.connection cimport Connection

cdef extern from "net/fd_passing.h" nogil:
    ctypedef struct ff_facts:
        int64_t ready_ns
        uint64_t listener
        int32_t port
        char address[48]
    int ff_handover_put(int pool, int fd, const ff_facts *facts)
    int ff_handover_take(int pool, ff_facts *facts)


cdef class Acceptor:
    cdef readonly int error   # errno of the last accept that found the system short, or 0
    cdef int refused          # calls in a row that were not let through
    cdef dict addresses
    cdef uint32_t last_raw    # the IPv4 address of the last peer, and its text
    cdef str last_text
    cdef str _dotted(self, uint32_t raw)
    cdef int set_ready(self, int fd) except -1
    cdef Connection accept(self, int fd, unsigned int listener)
    cdef Connection adopt(self, int fd, unsigned int listener, ff_facts *facts)
    cdef str _shared(self, str address)
