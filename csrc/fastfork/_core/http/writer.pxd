from libc.stdint cimport int64_t

from fastfork._core.http.answer cimport Answer
from fastfork._core.conn.connection cimport Connection
from fastfork._core.loop.crew cimport Seat
from fastfork._core.conn.outbox cimport FileSegment
from fastfork._core.http.request cimport Request
from fastfork._core.http.response_head cimport ResponseHead
from fastfork._core.http.site cimport Site

cdef enum:  # what a response does next
    FINISHED  # the response is complete, or given up
    BLOCKED   # goes on when the client has read some of it
    YIELDED   # goes on in the next turn of the loop
    WATCHED   # goes on when it is clear that the client is still there
    AWAY      # goes on by itself, in a greenlet or a task, and says so


cdef class ResponseWriter:
    cdef Site site
    cdef Connection connection  # None when the response has ended
    cdef Request request
    cdef ResponseHead head
    cdef Seat seat             # the thread it stays on
    cdef object task           # ... or the greenlet (greenlets.pyx), or the task (asgi.pyx)
    cdef readonly dict environ
    cdef object fields         # as the application gave them; kept for the access log only
    cdef object status
    cdef bint live             # between begin() and the end of the response
    cdef bint started
    cdef bint head_sent
    cdef bint is_head
    cdef bint keep_alive
    cdef bint bodyless
    cdef bint chunked
    cdef int minor
    cdef int64_t left          # of the announced Content-Length, -1 = none announced
    cdef int64_t sent          # bytes of body
    cdef int64_t began_ns
    cdef object spool          # the file that its request's body was in, until that is let go of
    cdef int begin(self, Connection connection, Request request, bint keep_alive,
                   int64_t now) except -1
    cdef ResponseHead _unused_head(self)
    cdef int _frame(self, int64_t add_length) noexcept
    cdef Py_ssize_t _put_head(self, char *out) noexcept
    cdef int _head_alone(self, int64_t length) except -1
    cdef int _block(self, bytes data) except -1
    cdef int refuse(self, int status) except -1
    cdef int serve(self, Answer answer) except -1
    cdef int _announce(self, line, fields, logged) except -1
    cdef int _need_start(self) except -1
    cdef int _whole(self, bytes data) except -1
    cdef int _file(self, FileSegment segment) except -1
    cdef int _queue_file(self, FileSegment segment) except -1
    cdef int _finish(self) except -1
    cdef bint _looks_whole(self) noexcept
    cdef int _end(self) except -1
    cdef int _close_body(self) except -1
    cdef int _took_socket(self) except -1
    cdef int abandon(self) except -1
    cdef object _access_line(self, int64_t now)
    cdef int _stay_or_leave(self, error) except -1
