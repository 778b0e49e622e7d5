from fastfork._core.receiver cimport Receiver
from fastfork._core.response cimport Responder


cdef class Caller(Receiver):
    cdef object app
    cdef Responder spare       # the first of those that wait for work
    cdef int spare_count
    cdef Responder _responder(self)
    cdef int _give_back(self, Responder responder) except -1
    cdef int _shed(self) except -1
    cdef int _recycle(self, Responder responder) except -1
    cdef int _run(self, Responder responder) except -1
    cdef int _resume(self, Responder responder) except -1
