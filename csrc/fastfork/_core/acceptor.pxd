from fastfork._core.connection cimport Connection


cdef class Acceptor:
    cdef readonly int error   # errno of the last accept that found the system short, or 0
    cdef dict addresses
    cdef Connection accept(self, int fd, unsigned int listener)
    cdef str _shared(self, str address)
