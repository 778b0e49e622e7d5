from libc.stdint cimport int64_t

from fastfork._core.answer cimport Answerer
from fastfork._core.connection cimport Connection
from fastfork._core.receiver cimport Receiver
from fastfork._core.writer cimport ResponseWriter


cdef class Answering(Receiver):
    cdef public Answerer static  # asked before the application; None without static files
    cdef readonly int64_t asked_ns  # since when the request waits that is being answered
    cdef int64_t usual_ns      # what a call of the application takes
    cdef int _progress(self, Connection connection, ResponseWriter writer, int how) except -1
    cdef int _go_on(self, Connection connection) except -1
    # What a gateway may ask of it, whose requests are AWAY.
    cdef int64_t clock(self) except -1
    cdef int went_away(self, Connection connection) except -1
    cdef int came_back(self, Connection connection, ResponseWriter writer, int how) except -1
