from libc.stdint cimport uint32_t

from fastfork._core.http.http2receiver cimport Http2Receiver
from fastfork._core.http.http2stream cimport Http2Stream


cdef class Http2Session(Http2Receiver):
    cdef bint has_warned       # the first GOAWAY is sent
    cdef bint is_leaving       # ... the second: no stream follows
    cdef list moved            # streams of which something was sent, since the owner last looked
    cdef int respond(self, Http2Stream stream, const char *head, Py_ssize_t n, bint ends) except -1
    cdef int inform(self, Http2Stream stream, const char *head, Py_ssize_t n) except -1
    cdef int send_data(self, Http2Stream stream, data) except -1
    cdef int finish(self, Http2Stream stream) except -1
    cdef int reset(self, Http2Stream stream, uint32_t code) except -1
    cdef int let_more_come(self, Http2Stream stream, Py_ssize_t n) except -1
    cdef int keep(self, Http2Stream stream) except -1
    cdef int let_go(self, Http2Stream stream) except -1
    cdef int warn(self) except -1
    cdef int leave(self) except -1
    cdef int _resume(self, Http2Stream stream) except -1
    cdef int close(self) except -1
