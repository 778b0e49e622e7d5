from libc.stdint cimport int64_t

from fastfork._core.batch cimport Batch
from fastfork._core.connection cimport Connection
from fastfork._core.reshead cimport ResponseHead, ServerLines

cdef enum:  # what a response does next
    FINISHED  # the response is complete, or given up
    BLOCKED   # goes on when the client has read some of it
    YIELDED   # goes on in the next turn of the loop


cdef class Site:
    # What all responses of a worker share.
    cdef Batch batch
    cdef ServerLines lines
    cdef object log
    cdef object pages
    cdef object access_line
    cdef list access_lines
    cdef public bint draining
    cdef public bint quitting


cdef class FileWrapper:
    cdef readonly object filelike
    cdef readonly Py_ssize_t blksize


cdef class Responder:
    cdef Site site
    cdef Connection connection
    cdef ResponseHead head
    cdef dict environ
    cdef object fields         # as given to start_response; kept for the access log only
    cdef object status
    cdef object body           # what the application returned
    cdef object blocks         # its iterator
    cdef object _start_response
    cdef object _write
    cdef object _early_hints
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
    cdef int begin(self, Connection connection, int minor, bint is_head, bint keep_alive,
                   int64_t now) except -1
    cdef bint recyclable(self)
    cdef int run(self, app, dict environ) except -1
    cdef int deliver(self, body) except -1
    cdef int resume(self) except -1
    cdef int refuse(self, int status) except -1
    cdef int abandon(self) except -1
    cdef int _whole(self, bytes data) except -1
    cdef int _file(self, FileWrapper wrapper) except -1
    cdef int _failed(self) except -1
    cdef int _finish(self) except -1
    cdef int _end(self) except -1
    cdef int _need_start(self) except -1
    cdef Py_ssize_t _put_head(self, char *out, int64_t add_length)
    cdef int _block(self, bytes data, bint at_once) except -1
    cdef int _close_body(self) except -1
