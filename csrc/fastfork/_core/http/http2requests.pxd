from libc.stdint cimport int64_t, uint32_t

from fastfork._core.http.answering cimport Answering
from fastfork._core.conn.batch cimport Batch
from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.connections cimport Connections
from fastfork._core.loop.crew cimport Crew
from fastfork._core.conn.deadlines cimport Deadlines
from fastfork._core.http.http2 cimport Http2Session
from fastfork._core.http.http2receiver cimport Http2Limits
from fastfork._core.http.http2stream cimport Http2Stream
from fastfork._core.http.protocol cimport Protocol
from fastfork._core.http.receiver cimport Receiver
from fastfork._core.http.request cimport Request
from fastfork._core.conn.request_queue cimport RequestQueue
from fastfork._core.http.uploads cimport Uploads


cdef class Http2Site:
    cdef Connections connections
    cdef Answering answering
    cdef Receiver receiver
    cdef Uploads uploads
    cdef RequestQueue queue
    cdef Deadlines deadlines
    cdef Crew crew
    cdef Batch batch
    cdef int64_t *slot
    cdef Http2Limits limits
    cdef Protocol streams      # what the streams of all connections speak
    cdef dict templates        # environ of a listener, by its address -> (that, ours)
    cdef char *gathered        # frames on their way into TLS
    cdef dict template_of(self, Connection connection)


cdef class Http2Requests(Http2Session):
    cdef Http2Site worker
    cdef Connection connection  # None when it is closed
    cdef list waiting          # streams whose requests are complete, and not called yet
    cdef list gone             # streams that are closed, and whose applications have yet to hear it
    cdef int serve(self) except -1
    cdef int call(self, Connection stream) except -1
    cdef int body_taken(self, Http2Stream stream) except -1
    cdef int refuse_by(self, Connection stream, int code, int status) except -1
    cdef Connection _stand_in(self, Http2Stream stream)
    cdef int _begin_body(self, Http2Stream stream, Request request) except -1
    cdef int _let_go_of(self, Http2Stream stream) except -1
    cdef int _refuse(self, Connection stream, int code) except -1
