from fastfork._core.conn.outbox cimport FileSegment
from fastfork._core.http.response_head cimport ResponseHead
from fastfork._core.http.writer cimport ResponseWriter

cdef enum:
    WAIT = 1                   # what `take` returns when the client has to read first


cdef class AsgiSender(ResponseWriter):
    cdef bint complete         # the response has ended
    cdef bint is_lost          # ... because its client has left
    cdef bint has_trailers     # the application has announced some
    cdef list trailers         # those that have come; None before the end of the body
    cdef public list more_fields  # of the server's, for the head: [(bytes, bytes), ...] or None
    cdef int open_response(self) except -1
    cdef int _completed(self) except -1
    cdef int take(self, dict message) except -1
    cdef int _start(self, dict message) except -1
    cdef int _need_head(self, str kind) except -1
    cdef int _body_part(self, dict message) except -1
    cdef int _put_off(self) except -1
    cdef int _file_part(self, dict message, bint is_whole) except -1
    cdef int _segment(self, FileSegment segment) except -1
    cdef int _trailer_part(self, dict message) except -1
    cdef int _last_chunk(self, ResponseHead fields) except -1
    cdef int _hint(self, dict message) except -1
