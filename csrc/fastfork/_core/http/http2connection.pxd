from libc.stdint cimport uint32_t

from fastfork._core.conn.connection cimport Connection
from fastfork._core.http.http2requests cimport Http2Requests
from fastfork._core.http.http2stream cimport Http2Stream


cdef class Http2Connection(Http2Requests):
    cdef bint is_busy          # within the library: nothing may be sent, nobody called
    cdef uint32_t told_opened, told_resets, told_resets_sent, told_goaways  # on the scoreboard
    cdef int receive(self, const char *p, Py_ssize_t n) except -1
    cdef int settle(self) except -1
    cdef int complete(self, Connection stream, bint cut) except -1
    cdef int rearm(self) except -1
    cdef int submit_head(self, Http2Stream stream, bint ends) except -1
    cdef int end_all(self) except -1
    cdef int count(self) except -1
    cdef int _after_pull(self) except -1
