cimport cython
from libc.stdint cimport int64_t, uint8_t, uint16_t

from fastfork._core.http.body cimport Body
from fastfork._core.conn.sink cimport Sink


cdef enum:
    HTTP_2 = 20  # in place of the digit behind "HTTP/1."


@cython.final
cdef class Request:
    cdef dict environ          # what the application is given of it, until it is called
    cdef Body body             # its body, while that is coming; else None
    cdef object spool          # the file that holds the body while the request is answered, or None
    cdef object writer         # its response while that is parked, a ResponseWriter; else None
    cdef Sink sink             # hears of its connection while it is answered, or None
    cdef bytes offence         # the beginning of what is refused, for the access log; else None
    cdef int64_t asked_ns      # when it was seen, if it is in line for a thread; else 0
    cdef uint16_t block        # where its fields are kept, see blocks.pyx; 0: nowhere
    cdef uint8_t minor         # HTTP/1.minor, or HTTP_2
    cdef bint is_head          # HEAD: the answer has no body
    cdef bint keep_alive       # the client wants the connection to stay
    cdef bint uploading        # it is answered, and its body is still coming
    cdef bint awaits_continue  # the client waits to be told to send it (RFC 9110 section 10.1.1)
    cdef bint turned_away      # it has waited too long for a thread
    cdef bint busy             # the application is at it
