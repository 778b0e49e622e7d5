from fastfork._core.http.http2 cimport Http2Session
from fastfork._core.http.parsers cimport HeadParser
from fastfork._core.http.response_head cimport ResponseHead, ServerLines


cdef class Http2Reader(Http2Session):
    cdef HeadParser parser
    cdef ServerLines lines
    cdef list events
    cdef ResponseHead _head(self, status, fields)
