from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t

from fastfork._core.http.carrier cimport Carrier
from fastfork._core.http.http2stream cimport Http2Stream
from fastfork._core.http.nghttp2 cimport (
    FF_H2_HEAD_BYTES,
    ff_h2_frames,
    ff_h2_head,
    nghttp2_frame,
    nghttp2_frame_hd,
    nghttp2_session,
)


cdef class Http2Limits:
    cdef readonly uint32_t max_streams
    cdef readonly uint32_t window
    cdef readonly uint32_t connection_window
    cdef readonly uint32_t frame_size
    cdef readonly uint32_t header_list
    cdef readonly bint websockets


cdef class Http2Receiver(Carrier):
    cdef nghttp2_session *session
    cdef ff_h2_frames frames
    cdef uint8_t[FF_H2_HEAD_BYTES] begun  # a frame of which not even that much has come
    cdef uint8_t cut           # bytes of it
    cdef ff_h2_head block
    cdef Http2Limits limits
    cdef int64_t now
    cdef bint in_trailers
    cdef int32_t highest       # number of a stream that the client has used
    cdef int why               # the rule that the client has broken, FF_H2_OK for none
    cdef object failure        # what was raised where nothing may be raised
    cdef readonly uint32_t opened       # streams, ever
    cdef readonly dict streams          # that are open, by their number
    cdef uint32_t lasting      # closed streams whose application runs
    cdef readonly uint32_t resets       # received
    cdef readonly uint32_t resets_sent
    cdef readonly uint32_t goaways      # sent

    # What the owner makes of it.  Called while bytes are taken in: they submit, and never send.
    cdef Http2Stream new_stream(self, int32_t id)
    cdef int on_head(self, Http2Stream stream, const char *p, Py_ssize_t n) except -1
    cdef int on_refused(self, Http2Stream stream, int code) except -1
    cdef int on_malformed(self) except -1
    cdef int on_pong(self) except -1
    cdef int on_data(self, Http2Stream stream, const char *p, Py_ssize_t n) except -1
    cdef int on_end(self, Http2Stream stream) except -1
    cdef int on_closed(self, Http2Stream stream) except -1

    cdef int take_in(self, const char *p, Py_ssize_t n, int64_t now) except -1
    cdef int _pass_on(self, const uint8_t *p, Py_ssize_t n) except -1
    cdef Py_ssize_t pull(self, const uint8_t **p, int64_t now) except -1
    cdef bint is_over(self) noexcept
    cdef str complaint(self)
    cdef int exceed(self, int why) noexcept

    cdef int _closed(self, Http2Stream stream, uint32_t code) except -1
    cdef int _begin_frame(self, const nghttp2_frame_hd *head) noexcept
    cdef int _begin_head(self, const nghttp2_frame *frame) noexcept
    cdef int _end_head(self, const nghttp2_frame *frame) except -1
    cdef int _frame(self, const nghttp2_frame *frame) except -1
    cdef int _sent(self, const nghttp2_frame *frame) noexcept
    cdef int _fail(self) noexcept
