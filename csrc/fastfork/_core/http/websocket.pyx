"""One WebSocket, a server's side (RFC 6455), without a socket: bytes in, messages out, and back.

`wsmessages` reads messages; here are the control frames, and what the server sends.  Pings are
answered without anybody's doing: take_reply() is what to send.  When the client has closed, or has
broken the protocol, take_close() is the close frame, which waits until the messages before it have
been answered (section 5.5.1), or for as long as its caller likes.

An idle WebSocket is this object and nothing that it refers to.

Runs in: worker
"""

cimport cython
from cpython.bytes cimport PyBytes_FromStringAndSize
from libc.stdint cimport uint32_t
from libc.string cimport memcmp, memcpy

from fastfork._core.http.frames cimport (
    FF_UTF8_WHOLE,
    FF_WS_BINARY,
    FF_WS_CLOSE,
    FF_WS_CLOSE_CODE,
    FF_WS_CLOSE_PAYLOAD,
    FF_WS_CONTROL_MAX,
    FF_WS_FIN,
    FF_WS_NOT_UTF8,
    FF_WS_PING,
    FF_WS_PONG,
    FF_WS_RSV1,
    FF_WS_TEXT,
    ff_utf8_after,
    ff_ws_close_code,
    ff_ws_error_text,
    ff_ws_is_close_code,
    ff_ws_unmask,
    ff_ws_write_head,
)
from fastfork._core.text cimport (
    PyBytes_AS_STRING,
    PyBytes_Check,
    PyBytes_GET_SIZE,
    PyUnicode_Check,
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
)
from fastfork._core.http.wsdeflate cimport DEFLATE_FROM
from fastfork._core.http.wsmessages cimport (
    WS_CLOSE_RECEIVED,
    WS_CLOSE_SENT,
    WS_FAILED,
    MessageReader,
)

cdef extern from "Python.h":
    bint PyUnicode_IS_ASCII(object text)
    object PyUnicode_AsUTF8String(object text)

cdef enum:
    ABNORMAL = 1006         # section 7.1.5: the connection ended without a close frame
    NO_CODE = 1005          # ... or with one that said nothing
    OUT_HEAD_MAX = 10       # bytes of the header of a frame that is not masked
    REASON_MAX = 123        # bytes that fit into a close frame behind its code
    TOLD_APART = 4          # bytes of a ping of ours: its number


cdef bytes frame_of(int opcode, const char *p, Py_ssize_t n):
    """A whole frame to a client."""
    cdef char head[OUT_HEAD_MAX]
    cdef Py_ssize_t size = ff_ws_write_head(head, FF_WS_FIN | opcode, n)
    cdef bytes frame = PyBytes_FromStringAndSize(NULL, size + n)
    memcpy(PyBytes_AS_STRING(frame), head, size)
    memcpy(PyBytes_AS_STRING(frame) + size, p, n)
    return frame


cdef inline void write_number(char *out, uint32_t number) noexcept:
    cdef int i
    for i in range(TOLD_APART):
        out[i] = <char>(number >> 8 * (TOLD_APART - 1 - i))


@cython.final
cdef class WebSocketCodec(MessageReader):
    """See MessageReader for what it takes."""

    @property
    def closed_code(self):
        """What websocket.disconnect has to say: the client's code, 1005 when its close frame had
        none; 1002, 1007 or 1009 when it broke the protocol; 1006 while there is none of these."""
        return self.code or ABNORMAL

    @property
    def closed_reason(self):
        """The reason in the client's close frame, or why the connection was failed; or ''."""
        return self.reason or ""

    @property
    def is_open(self):
        """May messages still be sent?"""
        return not self.state & WS_CLOSE_SENT

    @property
    def owes_close(self):
        """See has_close()."""
        return self.has_close()

    @property
    def is_alive(self):
        """Has the last ping() been answered, or was there none?"""
        return self.pinged == self.ponged

    # What the client's control frames ask for.

    cdef bint has_reply(self) noexcept:
        return self.reply is not None

    cpdef bytes take_reply(self):
        """Pongs to be sent; None when there are none.

        Not taken while the client takes nothing, they stay below REPLY_MAX and two frames: of the
        pings beyond, the last alone is answered (section 5.5.3).
        """
        cdef bytes reply = self.reply
        if self.owed is not None:
            reply += self.owed
            self.owed = None
        self.reply = None
        return reply

    cdef bint has_close(self) noexcept:
        """Has a close frame to be sent because of what came?"""
        return (self.state & (WS_CLOSE_RECEIVED | WS_FAILED)) and not self.state & WS_CLOSE_SENT

    cpdef bytes take_close(self):
        """The close frame that answers the client's, with its code, or says how it broke the
        protocol; None when none is to be sent.  It is the last frame, behind take_reply()."""
        if not self.has_close():
            return None
        self.state |= WS_CLOSE_SENT
        reason = self.closed_reason.encode() if self.state & WS_FAILED else b""
        return close_frame(self.code, reason)

    cdef int _control(self, char *p, Py_ssize_t n) except -1:
        cdef bytes whole
        ff_ws_unmask(p, p, n, self.key, self.phase)
        if self.in_frame or self.control is not None:
            whole = p[:n] if self.control is None else self.control + p[:n]
            self.control = whole if self.in_frame else None
            if self.in_frame:
                return 0
            p, n = PyBytes_AS_STRING(whole), PyBytes_GET_SIZE(whole)
        if self.opcode == FF_WS_CLOSE:
            return self._closed(p, n)
        if self.opcode == FF_WS_PONG:
            return self._ponged(p, n)
        return 0 if self.state & WS_CLOSE_SENT else self._pong(p, n)

    cdef inline int _ponged(self, const char *p, Py_ssize_t n) noexcept:
        cdef char expected[TOLD_APART]
        write_number(expected, self.pinged)
        if n == TOLD_APART and memcmp(p, expected, TOLD_APART) == 0:
            self.ponged = self.pinged
        return 0

    cdef int _pong(self, const char *p, Py_ssize_t n) except -1:
        """Answer a ping."""
        cdef bytes frame = frame_of(FF_WS_PONG, p, n)
        if self.reply is None:
            self.reply = frame
        elif self.owed is None and len(self.reply) + len(frame) <= REPLY_MAX:
            self.reply += frame
        else:
            self.owed = frame
        return 0

    cdef int _closed(self, const char *p, Py_ssize_t n) except -1:
        """A close frame has come (section 5.5.1): its code is its answer's."""
        cdef int code = NO_CODE
        if n == 1:
            return self._fail(FF_WS_CLOSE_PAYLOAD)
        if n >= 2:
            code = <unsigned char>p[0] << 8 | <unsigned char>p[1]
            if not ff_ws_is_close_code(code):
                return self._fail(FF_WS_CLOSE_CODE)
            if ff_utf8_after(FF_UTF8_WHOLE, p + 2, n - 2) != FF_UTF8_WHOLE:
                return self._fail(FF_WS_NOT_UTF8)
            self.reason = p[2:n].decode()
        self.code = code
        self.state |= WS_CLOSE_RECEIVED
        self._forget()
        return 0

    cdef int _fail(self, int code) except -1:
        self.state |= WS_FAILED
        self._forget()
        self.code = ff_ws_close_code(code)
        self.reason = ff_ws_error_text(code).decode()
        return 0

    # What the server sends.

    cdef Py_ssize_t head(self, char *out, int first, Py_ssize_t n) noexcept:
        """Writes the header of a frame with n bytes of payload; at most OUT_HEAD_MAX, returned.

        first: as payload() says.
        """
        return ff_ws_write_head(out, first, n)

    cdef Py_ssize_t put(self, char *out, Py_ssize_t room, data) except -2:
        """Writes the whole frame of a message.  Its length; or -1 where it does not fit into `room`
        bytes, has to be encoded or may be compressed: then see payload().

        Raises ConnectionError when the close frame has been sent.
        """
        cdef const char *p
        cdef Py_ssize_t n, size
        cdef int opcode
        if self.state & WS_CLOSE_SENT:
            raise ConnectionError("a close frame has been sent")
        if PyUnicode_Check(data) and PyUnicode_IS_ASCII(data):
            opcode = FF_WS_TEXT
            p, n = <const char *>PyUnicode_DATA(data), PyUnicode_GET_LENGTH(data)
        elif PyBytes_Check(data):
            opcode, p, n = FF_WS_BINARY, PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data)
        else:
            return -1
        if n > room - OUT_HEAD_MAX or (self.deflate is not None and n >= DEFLATE_FROM):
            return -1
        size = ff_ws_write_head(out, FF_WS_FIN | opcode, n)
        memcpy(out + size, p, n)
        return size + n

    cdef bytes payload(self, data, int *first):
        """The payload of a message's one frame, and in `first` the byte that head() writes first.

        data: str, or bytes or another buffer of bytes.  Compressed, if that was agreed to, from
        DEFLATE_FROM bytes on: then what this returns must be sent, and in this order.
        Raises ConnectionError when the close frame has been sent, TypeError for other data,
        UnicodeEncodeError for surrogates.
        """
        cdef bytes whole, less
        if self.state & WS_CLOSE_SENT:
            raise ConnectionError("a close frame has been sent")
        if PyUnicode_Check(data):
            first[0] = FF_WS_FIN | FF_WS_TEXT
            whole = PyUnicode_AsUTF8String(data)
        else:
            first[0] = FF_WS_FIN | FF_WS_BINARY
            whole = data if type(data) is bytes else bytes(memoryview(data))
        if self.deflate is not None and PyBytes_GET_SIZE(whole) >= DEFLATE_FROM:
            less = self.deflate.deflate(whole)
            if less is not None:
                first[0] |= FF_WS_RSV1
                return less
        return whole

    cpdef bytes frame(self, data):
        """The whole frame of a message, as payload() makes it; raises what it does."""
        cdef int first = 0
        cdef bytes payload = self.payload(data, &first)
        return frame_of(first, PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload))

    def text(self, str text not None):
        """See frame()."""
        return self.frame(text)

    def binary(self, data not None):
        """See frame(); data: bytes or another buffer."""
        if PyUnicode_Check(data):
            raise TypeError("str is sent as text")
        return self.frame(data)

    cpdef bytes ping(self):
        """A ping.  is_alive says whether this one has been answered.

        Its payload is its number.  Raises ConnectionError when the closing handshake has begun.
        """
        cdef char payload[TOLD_APART]
        if self.state:
            raise ConnectionError("the WebSocket is closing")
        self.pinged += 1
        write_number(payload, self.pinged)
        return frame_of(FF_WS_PING, payload, TOLD_APART)

    cpdef bytes close(self, int code=1000, str reason=None):
        """The close frame, of which there is one: None when it has been sent.

        code: one that may be sent (section 7.4), else ValueError.  reason: cut to 123 bytes, where
        a character ends.  Where the client has closed first it answers that; where the client has
        broken the protocol it is take_close().  Else the client's is waited for (is_done), and
        messages are dropped from now on, taken or not.
        """
        if code < 0 or not ff_ws_is_close_code(code):
            raise ValueError(f"{code} is no close code that may be sent")
        if self.state & WS_FAILED:
            return self.take_close()
        if self.state & WS_CLOSE_SENT:
            return None
        frame = close_frame(code, (reason or "").encode("utf-8", "replace"))
        self.state |= WS_CLOSE_SENT
        self.first = self.more = None
        self.queued = 0
        self._drop()
        self.resume()
        return frame


cdef bytes close_frame(int code, bytes reason):
    cdef char payload[FF_WS_CONTROL_MAX]
    cdef Py_ssize_t n = min(PyBytes_GET_SIZE(reason), <Py_ssize_t>REASON_MAX)
    if code == NO_CODE:
        return frame_of(FF_WS_CLOSE, b"", 0)
    while n < PyBytes_GET_SIZE(reason) and (<unsigned char>reason[n] & 0xC0) == 0x80:
        n -= 1
    payload[0], payload[1] = <char>(code >> 8), <char>(code & 0xFF)
    memcpy(payload + 2, PyBytes_AS_STRING(reason), n)
    return frame_of(FF_WS_CLOSE, payload, n + 2)
