"""The receiving half of an HTTP/2 session: bytes in, requests out (RFC 9113).

What may come how often is decided before the library sees a frame (csrc/http2/frames.h); what a
request is, the scanners of HTTP/1.1 say (csrc/http2/head.h).

Runs in: worker
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memcpy

from fastfork._core.http.http2stream cimport Http2Stream
from fastfork._core.http.nghttp2 cimport *

from fastfork._core.http.scan cimport FF_CONNECT_NOT_SUPPORTED, FF_HEAD_TOO_LONG

import sys

cdef enum:
    FRAME_MIN = 16384          # SETTINGS_MAX_FRAME_SIZE where nothing is said
    SETTINGS_MAX = 6
    SEND_HEAD_MAX = 1 << 20    # bytes of a response head; the library's own is 64 KiB

VERSION = (<bytes>nghttp2_version(0).version_str).decode("ascii")

cdef nghttp2_session_callbacks *callbacks = NULL
cdef nghttp2_option *options = NULL


# What the library calls.  An exception must not pass through it: it is kept, and raised behind it.

cdef int begin_head(nghttp2_session *session, const nghttp2_frame *frame, void *me) noexcept:
    return (<Http2Receiver>me)._begin_head(frame)


cdef int begin_frame(nghttp2_session *session, const nghttp2_frame_hd *head, void *me) noexcept:
    return (<Http2Receiver>me)._begin_frame(head)


cdef int add_field(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                   size_t n, const uint8_t *value, size_t vn, uint8_t flags, void *me) noexcept:
    cdef ff_h2_head *block = &(<Http2Receiver>me).block
    if (<Http2Receiver>me).in_trailers:
        block.list += <uint32_t>(n + vn + 32)
    else:
        ff_h2_head_field(block, <const char *>name, n, <const char *>value, vn)
    return 0


cdef int add_bad_field(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                       size_t n, const uint8_t *value, size_t vn, uint8_t flags,
                       void *me) noexcept:
    (<Http2Receiver>me).block.verdict = FF_H2_MALFORMED
    return 0


cdef int frame_came(nghttp2_session *session, const nghttp2_frame *frame, void *me) noexcept:
    try:
        return (<Http2Receiver>me)._frame(frame)
    except BaseException:
        return (<Http2Receiver>me)._fail()


cdef int frame_went(nghttp2_session *session, const nghttp2_frame *frame, void *me) noexcept:
    return (<Http2Receiver>me)._sent(frame)


cdef int data_came(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *p, size_t n,
                   void *me) noexcept:
    cdef void *entry = nghttp2_session_get_stream_user_data(session, id)
    nghttp2_session_consume_connection(session, n)
    if entry == NULL or (<Http2Stream>entry).refused:
        return 0
    try:
        return (<Http2Receiver>me).on_data(<Http2Stream>entry, <const char *>p, <Py_ssize_t>n)
    except BaseException:
        return (<Http2Receiver>me)._fail()


cdef int stream_closed(nghttp2_session *session, int32_t id, uint32_t code, void *me) noexcept:
    cdef void *entry = nghttp2_session_get_stream_user_data(session, id)
    cdef Http2Receiver owner = <Http2Receiver>me
    cdef Http2Stream stream
    if entry == NULL:
        return 0
    stream = <Http2Stream>entry
    try:
        del owner.streams[id]
        return owner._closed(stream, code)
    except BaseException:
        return owner._fail()


cdef int frame_was_bad(nghttp2_session *session, const nghttp2_frame *frame, int code,
                       void *me) noexcept:
    if frame.hd.type != NGHTTP2_HEADERS:
        return 0
    try:
        return (<Http2Receiver>me).on_malformed()
    except BaseException:
        return (<Http2Receiver>me)._fail()


cdef int make_callbacks() except -1:
    """Done once a process."""
    global callbacks, options
    if nghttp2_session_callbacks_new(&callbacks) or nghttp2_option_new(&options):
        raise MemoryError
    nghttp2_session_callbacks_set_on_begin_frame_callback(callbacks, begin_frame)
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, begin_head)
    nghttp2_session_callbacks_set_on_header_callback(callbacks, add_field)
    nghttp2_session_callbacks_set_on_invalid_header_callback(callbacks, add_bad_field)
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame_came)
    nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks, frame_was_bad)
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, frame_went)
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, data_came)
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed)
    nghttp2_option_set_no_auto_window_update(options, 1)
    nghttp2_option_set_no_closed_streams(options, 1)
    nghttp2_option_set_max_send_header_block_length(options, SEND_HEAD_MAX)
    nghttp2_option_set_builtin_recv_extension_type(options, NGHTTP2_PRIORITY_UPDATE)
    return 0


make_callbacks()


cdef class Http2Limits:
    """What is said to each client (RFC 9113 section 6.5.2), and kept.

    max_streams: requests at a time.  window, connection_window: bytes of request bodies that may
    be on their way.  frame_size: bytes.  header_list: bytes of a field section as section 10.5.1
    counts them, 0 = no limit.  websockets: extended CONNECT is understood (RFC 8441)."""

    def __cinit__(self, *, uint32_t max_streams=100, uint32_t window=256 << 10,
                  uint32_t connection_window=1 << 20, uint32_t frame_size=FRAME_MIN,
                  uint32_t header_list=64 << 10, bint websockets=False):
        self.max_streams = max_streams
        self.window = window
        self.connection_window = max(connection_window, window)
        self.frame_size = frame_size
        self.header_list = header_list
        self.websockets = websockets


cdef class Http2Receiver(Carrier):
    """See `Http2Session`."""

    def __cinit__(self, Http2Limits limits not None, *args, **kwargs):
        self.limits = limits
        self.streams = {}
        self.block.limit = limits.header_list
        ff_h2_frames_init(&self.frames)
        if nghttp2_session_server_new2(&self.session, callbacks, <void *>self, options):
            raise MemoryError
        self._say_settings()

    def __dealloc__(self):
        nghttp2_session_del(self.session)
        ff_h2_head_free(&self.block)

    def _say_settings(self):
        cdef nghttp2_settings_entry[SETTINGS_MAX] entries
        cdef int count = 0
        cdef Http2Limits limits = self.limits
        said = [
            (NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.max_streams),
            (NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.window),
            (NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1),
        ]
        if limits.frame_size != FRAME_MIN:
            said.append((NGHTTP2_SETTINGS_MAX_FRAME_SIZE, limits.frame_size))
        if limits.header_list:
            said.append((NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.header_list))
        if limits.websockets:
            said.append((NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1))
        for which, value in said:
            entries[count].settings_id = which
            entries[count].value = value
            count += 1
        if (nghttp2_submit_settings(self.session, NGHTTP2_FLAG_NONE, entries, count)
                or nghttp2_session_set_local_window_size(
                    self.session, NGHTTP2_FLAG_NONE, 0, limits.connection_window)):
            raise MemoryError

    # What the owner makes of it.

    cdef Http2Stream new_stream(self, int32_t id):
        """A stream is opened."""
        return Http2Stream.__new__(Http2Stream, id)

    cdef int on_head(self, Http2Stream stream, const char *p, Py_ssize_t n) except -1:
        """The n bytes at p are the head of its request, as HTTP/1.1 has it.  They may be judged
        yet: who refuses them answers."""
        return 0

    cdef int on_refused(self, Http2Stream stream, int code) except -1:
        """Its request is refused (errors.h) before it could be read."""
        return 0

    cdef int on_malformed(self) except -1:
        """A request was malformed, and its stream is reset (RFC 9113 section 8.1.1)."""
        return 0

    cdef int on_data(self, Http2Stream stream, const char *p, Py_ssize_t n) except -1:
        """n more bytes of its body have come.  `let_more_come` has the client send as many."""
        return 0

    cdef int on_end(self, Http2Stream stream) except -1:
        """All of its request has come."""
        return 0

    cdef int on_closed(self, Http2Stream stream) except -1:
        """It is over, by `stream.error`; 0: both sides have ended it."""
        return 0

    cdef int on_pong(self) except -1:
        """The client has answered a PING."""
        return 0

    # Bytes.

    cdef int take_in(self, const char *p, Py_ssize_t n, int64_t now) except -1:
        """n bytes have come at `now`.  Raises what `on_...` has raised, and MemoryError."""
        cdef int why = FF_H2_OK
        cdef Py_ssize_t good, begun, cut
        self.now = now
        if n == 0:
            return 0  # what is kept of a frame's 9 bytes does not stand before `p`
        good = ff_h2_frames_walk(&self.frames, <const uint8_t *>p, n, now, &why)
        # The library gets the 9 bytes before a frame whole: it counts each part of those of a
        # CONTINUATION as one more.
        if self.cut and good:
            begun = min(good, <Py_ssize_t>(FF_H2_HEAD_BYTES - self.cut))
            memcpy(self.begun + self.cut, p, begun)
            self.cut += <uint8_t>begun
            if self.cut < FF_H2_HEAD_BYTES:
                return 0
            self.cut = 0
            self._pass_on(self.begun, FF_H2_HEAD_BYTES)
            p += begun
            good -= begun
        if why != FF_H2_OK:
            self._pass_on(<const uint8_t *>p, good)
            return self.exceed(why)
        cut = ff_h2_frames_cut(&self.frames)
        memcpy(self.begun, p + good - cut, cut)
        self.cut = <uint8_t>cut
        return self._pass_on(<const uint8_t *>p, good - cut)

    cdef int _pass_on(self, const uint8_t *p, Py_ssize_t n) except -1:
        cdef ssize_t used = nghttp2_session_mem_recv(self.session, p, n)
        if self.failure is not None:
            failure, self.failure = self.failure, None
            raise failure
        if used < 0:
            # No preface, no memory, or a flood that the library has seen.
            nghttp2_session_terminate_session(self.session, NGHTTP2_PROTOCOL_ERROR)
        return 0

    cdef Py_ssize_t pull(self, const uint8_t **p, int64_t now) except -1:
        """The next bytes to be sent, good until the next call of anything here.  0: none."""
        cdef ssize_t n
        self.now = now
        n = nghttp2_session_mem_send(self.session, p)
        if n < 0:
            raise MemoryError
        return n

    cdef bint is_over(self) noexcept:
        """Is there nothing to be received or sent any more?"""
        return (not nghttp2_session_want_read(self.session)
                and not nghttp2_session_want_write(self.session))

    cdef str complaint(self):
        """What the client has done too often or too much, None for nothing."""
        return None if self.why == FF_H2_OK else ff_h2_why(self.why).decode("ascii")

    cdef int exceed(self, int why) noexcept:
        """That is too much: nothing more is read, and the client is told (RFC 9113 section 10.5)."""
        if self.why == FF_H2_OK:
            self.why = why
        return nghttp2_session_terminate_session(self.session, NGHTTP2_ENHANCE_YOUR_CALM)

    # From the library.

    cdef int _closed(self, Http2Stream stream, uint32_t code) except -1:
        stream.closed = True
        stream.error = code
        stream.forget()
        self.lasting += stream.lasts
        return self.on_closed(stream)

    cdef int _fail(self) noexcept:
        if self.failure is None:
            self.failure = sys.exc_info()[1]
        return NGHTTP2_ERR_CALLBACK_FAILURE

    cdef int _begin_frame(self, const nghttp2_frame_hd *head) noexcept:
        """What the library lets pass, and section 6.3 and 5.1.1 do not."""
        if head.type == NGHTTP2_PRIORITY and head.stream_id == 0:
            return nghttp2_session_terminate_session(self.session, NGHTTP2_PROTOCOL_ERROR)
        if head.type != NGHTTP2_HEADERS or head.stream_id == 0:
            return 0
        if head.stream_id > self.highest:
            self.highest = head.stream_id
        elif (nghttp2_session_get_stream_user_data(self.session, head.stream_id) == NULL
                and not self.resets and not self.resets_sent):
            # Not the trailers of a stream that was reset meanwhile, since none was.
            return nghttp2_session_terminate_session(self.session, NGHTTP2_STREAM_CLOSED)
        return 0

    cdef int _begin_head(self, const nghttp2_frame *frame) noexcept:
        self.in_trailers = frame.headers.cat != NGHTTP2_HCAT_REQUEST
        ff_h2_head_clear(&self.block)
        return 0

    cdef int _frame(self, const nghttp2_frame *frame) except -1:
        cdef void *entry
        if frame.hd.type == NGHTTP2_RST_STREAM:
            self.resets += 1
            return 0
        if frame.hd.type == NGHTTP2_HEADERS:
            if not self.in_trailers:
                return self._end_head(frame)
            if self.block.verdict != FF_H2_GOOD or (
                    self.limits.header_list and self.block.list > self.limits.header_list):
                nghttp2_submit_rst_stream(self.session, NGHTTP2_FLAG_NONE, frame.hd.stream_id,
                                          NGHTTP2_PROTOCOL_ERROR)
                return self.on_malformed()
        elif frame.hd.type == NGHTTP2_PING:
            return self.on_pong() if frame.hd.flags & NGHTTP2_FLAG_ACK else 0
        elif frame.hd.type != NGHTTP2_DATA:
            return 0
        if frame.hd.flags & NGHTTP2_FLAG_END_STREAM:
            entry = nghttp2_session_get_stream_user_data(self.session, frame.hd.stream_id)
            if entry != NULL:
                (<Http2Stream>entry).ended = True
                if not (<Http2Stream>entry).refused:
                    self.on_end(<Http2Stream>entry)
        return 0

    cdef int _end_head(self, const nghttp2_frame *frame) except -1:
        """A field section is complete."""
        cdef int32_t id = frame.hd.stream_id
        cdef bint ended = frame.hd.flags & NGHTTP2_FLAG_END_STREAM
        cdef int verdict = ff_h2_head_end(&self.block, not ended)
        cdef Http2Stream stream
        if verdict == FF_H2_NO_MEMORY:
            raise MemoryError
        self.opened += 1
        if verdict == FF_H2_MALFORMED:
            nghttp2_submit_rst_stream(self.session, NGHTTP2_FLAG_NONE, id, NGHTTP2_PROTOCOL_ERROR)
            return self.on_malformed()
        if len(self.streams) + self.lasting >= self.limits.max_streams:
            nghttp2_submit_rst_stream(self.session, NGHTTP2_FLAG_NONE, id, NGHTTP2_REFUSED_STREAM)
            return 0
        stream = self.new_stream(id)
        stream.ended = ended
        stream.said_priority = self.block.has_priority
        nghttp2_session_set_stream_user_data(self.session, id, <void *>stream)
        self.streams[id] = stream
        if verdict == FF_H2_GOOD:
            self.on_head(stream, self.block.text, self.block.size)
        else:
            stream.refused = True
            self.on_refused(stream, FF_CONNECT_NOT_SUPPORTED if verdict == FF_H2_CONNECT
                            else FF_HEAD_TOO_LONG)
        if ended and not stream.refused:
            self.on_end(stream)
        return 0

    cdef int _sent(self, const nghttp2_frame *frame) noexcept:
        cdef void *entry
        cdef uint32_t code
        if frame.hd.type == NGHTTP2_RST_STREAM:
            self.resets_sent += 1
            code = frame.rst_stream.error_code
            # What a client can make us reset costs it as much as what it resets itself.
            if (code != NGHTTP2_NO_ERROR and code != NGHTTP2_INTERNAL_ERROR
                    and code != NGHTTP2_CANCEL
                    and not ff_bucket_take(&self.frames.resets, self.now)):
                return self.exceed(FF_H2_TOO_MANY_RESETS)
        elif frame.hd.type == NGHTTP2_GOAWAY:
            self.goaways += 1
        elif frame.hd.type == NGHTTP2_DATA:
            ff_bucket_give(&self.frames.idle, FF_H2_WINDOWS)
        if (frame.hd.type <= NGHTTP2_HEADERS and frame.hd.flags & NGHTTP2_FLAG_END_STREAM):
            entry = nghttp2_session_get_stream_user_data(self.session, frame.hd.stream_id)
            if entry != NULL and not (<Http2Stream>entry).ended:
                # All is answered before all has come: the rest is not wanted (section 8.1).
                (<Http2Stream>entry).refused = True
                nghttp2_submit_rst_stream(self.session, NGHTTP2_FLAG_NONE, frame.hd.stream_id,
                                          NGHTTP2_NO_ERROR)
        return 0
