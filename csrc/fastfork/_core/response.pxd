from libc.stdint cimport int64_t

from fastfork._core.answer cimport Answer
from fastfork._core.called cimport Called
from fastfork._core.filewrapper cimport FileWrapper
from fastfork._core.outbox cimport FileSegment

cdef enum:  # what a response does next
    FINISHED  # the response is complete, or given up
    BLOCKED   # goes on when the client has read some of it
    YIELDED   # goes on in the next turn of the loop
    WATCHED   # goes on when it is clear that the client is still there
    AWAY      # goes on by itself, in its greenlet, and says so (greenlets.pyx)


cdef class Responder(Called):
    cdef object body           # what the application returned
    cdef object blocks         # its iterator
    cdef object context        # contextvars of the application's call and of its iterator
    # What is kept for `shed`:
    cdef object waste          # the body, once it is closed
    cdef object raised         # what the application raised
    cdef object spool          # the file that its request's body was in
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
    cdef int refuse(self, int status) except -1
    cdef int serve(self, Answer answer) except -1
    cdef int abandon(self) except -1
    cdef object _next(self, int64_t now)
    cdef object _iterator(self, body)
    cdef int _whole(self, bytes data) except -1
    cdef int _file(self, FileSegment segment) except -1
    cdef int _failed(self) except -1
    cdef int _finish(self) except -1
    cdef int _end(self) except -1
    cdef int _need_start(self) except -1
    cdef int _close_body(self) except -1
