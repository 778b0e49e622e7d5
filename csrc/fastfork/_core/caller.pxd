from fastfork._core.receiver cimport Receiver
from fastfork._core.response cimport Responder


cdef class Caller(Receiver):
    cdef object app
    cdef Responder spare
    cdef Responder _responder(self)
    cdef int _give_back(self, Responder responder) except -1
    cdef int _run(self, Responder responder, dict environ) except -1
    cdef int _resume(self, Responder responder) except -1
    cdef int _abandon(self, Responder responder) except -1
