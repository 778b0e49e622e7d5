from libc.stdint cimport int64_t

from fastfork._core.apps.exchange cimport Exchange
from fastfork._core.apps.filewrapper cimport FileWrapper


cdef class Responder(Exchange):
    cdef object body           # what the application returned
    cdef object blocks         # its iterator
    cdef object context        # contextvars of the application's call and of its iterator
    # What is kept for `shed`:
    cdef object waste          # the body, once it is closed
    cdef object raised         # what the application raised
    cdef Responder next        # of those that wait: to let go of that, or for work
    cdef int run(self, app) except -1
    cdef int _call(self, app) except -1
    cdef int shed(self) except -1
    cdef int _keep(self, error) except -1
    cdef object _measure(self, FileWrapper wrapper)
    cdef int deliver(self, body) except -1
    cdef int resume(self) except -1
    cdef int break_off(self, error) except -1
    cdef int _deliver_blocks(self) except -1
    cdef object _next(self, int64_t now)
    cdef object _iterator(self, body)
    cdef int _failed(self) except -1
