"""HTTP/2 without a socket: bytes in, requests out; responses in, bytes out (RFC 9113).

libnghttp2 reads and writes frames, keeps the HPACK tables, the windows and the states of the
streams, and chooses whose DATA is sent next (RFC 9218).  `Http2Receiver` has what comes in.

Whoever owns a session derives from it and is told by `on_...` what has come; it answers by
`respond`, `send_data`, `finish` and `reset`, and sends what `pull` returns.

Runs in: worker
"""

from libc.stdint cimport int32_t, uint8_t, uint32_t

from fastfork._core.http.http2receiver cimport Http2Receiver
from fastfork._core.http.http2stream cimport Http2Stream
from fastfork._core.http.nghttp2 cimport *


cdef ssize_t read_data(nghttp2_session *session, int32_t id, uint8_t *out, size_t n,
                       uint32_t *flags, nghttp2_data_source *source, void *me) noexcept:
    cdef Http2Stream stream = <Http2Stream>source.ptr
    cdef Http2Session owner = <Http2Session>me
    cdef Py_ssize_t taken
    try:
        taken = stream.take(out, <Py_ssize_t>n)
        if taken and not stream.moved:
            stream.moved = True
            owner.moved.append(stream)
    except OSError:
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE  # the stream is reset, its outbox says why
    except BaseException:
        return owner._fail()
    if stream.is_empty():
        if stream.complete:
            flags[0] |= NGHTTP2_DATA_FLAG_EOF
        elif taken == 0:
            stream.waits = True
            return NGHTTP2_ERR_DEFERRED
    return taken


cdef class Http2Session(Http2Receiver):
    """One connection.  A thread at a time.  limits: Http2Limits."""

    def __cinit__(self, *args, **kwargs):
        self.moved = []

    # Answers.

    cdef int respond(self, Http2Stream stream, const char *head, Py_ssize_t n, bint ends) except -1:
        """Send a response whose head the n bytes are, as HTTP/1.1 has it.  ends: without a body;
        else `send_data` and `finish` follow."""
        cdef nghttp2_nv[FF_H2_NV_MAX] fields
        cdef Py_ssize_t count
        cdef nghttp2_data_provider body
        cdef nghttp2_extpri fairly
        if stream.closed or stream.answered:
            return 0
        count = ff_h2_response(head, n, fields, FF_H2_NV_MAX)
        if count == 0:
            return self.reset(stream, NGHTTP2_INTERNAL_ERROR)
        stream.answered = True
        body.source.ptr = <void *>stream
        body.read_callback = read_data
        if nghttp2_submit_response(self.session, stream.id, fields, count,
                                   NULL if ends else &body):
            raise MemoryError
        if not ends and not stream.said_priority:
            # Who has said nothing gets his streams side by side, as with RFC 7540.
            fairly.urgency = 3
            fairly.inc = 1
            nghttp2_session_change_extpri_stream_priority(self.session, stream.id, &fairly, 0)
        return 0

    cdef int inform(self, Http2Stream stream, const char *head, Py_ssize_t n) except -1:
        """Send a head of status 1xx before that of the response."""
        cdef nghttp2_nv[FF_H2_NV_MAX] fields
        cdef Py_ssize_t count = ff_h2_response(head, n, fields, FF_H2_NV_MAX)
        if stream.closed or stream.answered or count == 0:
            return 0
        if nghttp2_submit_headers(self.session, NGHTTP2_FLAG_NONE, stream.id, NULL, fields, count,
                                  NULL) < 0:
            raise MemoryError
        return 0

    cdef int send_data(self, Http2Stream stream, data) except -1:
        """Send bytes or a FileSegment of the body."""
        if stream.closed:
            return 0
        stream.add(data)
        return self._resume(stream)

    cdef int finish(self, Http2Stream stream) except -1:
        """No more of the body follows."""
        stream.complete = True
        return 0 if stream.closed else self._resume(stream)

    cdef int _resume(self, Http2Stream stream) except -1:
        if stream.waits:
            stream.waits = False
            nghttp2_session_resume_data(self.session, stream.id)
        return 0

    cdef int reset(self, Http2Stream stream, uint32_t code) except -1:
        """End the stream at once."""
        stream.refused = True
        if not stream.closed:
            nghttp2_submit_rst_stream(self.session, NGHTTP2_FLAG_NONE, stream.id, code)
        return 0

    cdef int let_more_come(self, Http2Stream stream, Py_ssize_t n) except -1:
        """The n bytes of its body are taken care of: the client may send as many more."""
        if not stream.closed:
            nghttp2_session_consume_stream(self.session, stream.id, n)
        return 0

    # What outlives its stream: a request that is reset and still runs counts among max_streams.

    cdef int keep(self, Http2Stream stream) except -1:
        """Its application is called."""
        if not stream.lasts:
            stream.lasts = True
            self.lasting += stream.closed
        return 0

    cdef int let_go(self, Http2Stream stream) except -1:
        """... and has ended."""
        if stream.lasts:
            stream.lasts = False
            self.lasting -= stream.closed
        return 0

    # The end, in two steps (RFC 9113 section 6.8): what crosses the first on its way is served.

    cdef int warn(self) except -1:
        """Tell the client to open no more streams.  Its answer to the PING behind that shows that
        it knows: then the session leaves."""
        if not self.has_warned and not self.is_leaving:
            self.has_warned = True
            nghttp2_submit_shutdown_notice(self.session)
            nghttp2_submit_ping(self.session, NGHTTP2_FLAG_NONE, NULL)
        return 0

    cdef int on_pong(self) except -1:
        return self.leave() if self.has_warned else 0

    cdef int leave(self) except -1:
        """Streams that come from here on are not looked at, and the client knows it."""
        if not self.is_leaving:
            self.is_leaving = True
            nghttp2_submit_goaway(
                self.session, NGHTTP2_FLAG_NONE,
                nghttp2_session_get_last_proc_stream_id(self.session), NGHTTP2_NO_ERROR, NULL, 0)
        return 0

    cdef int close(self) except -1:
        """The connection is gone, and with it each stream that is open."""
        streams, self.streams = self.streams, {}
        for id, stream in streams.items():
            nghttp2_session_set_stream_user_data(self.session, id, NULL)
            self._closed(<Http2Stream>stream, NGHTTP2_CANCEL)
        return 0
