from fastfork._core.http.body cimport Body
from fastfork._core.http.parsers cimport HeadParser


cdef class RequestReader:
    cdef HeadParser parser
    cdef object make_head
    cdef object make_part
    cdef object end_event
    cdef object error_class
    cdef bytearray kept
    cdef Chunks chunks
    cdef object error
    cdef object _head_event(self, const char *p)
    cdef object _refusal(self, int code, const char *p, Py_ssize_t n)


cdef class Chunks(Body):
    cdef list parts
