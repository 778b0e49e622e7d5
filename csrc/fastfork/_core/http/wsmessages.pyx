"""The messages that a WebSocket's client sends (RFC 6455 section 5): frames in, str and bytes out.

Frames are read where they were received.  A message that has come whole is unmasked straight into
the str or bytes that the application gets; what has not come whole is kept, and what its frames
announce counts before it has come.  Text is refused at the byte that makes it none (section 8.1).

What nobody takes is bounded.  Beyond max_queue messages or max_queued bytes no frame is read: the
rest of what was fed waits, is_paused() says so, and resume() goes on when half is gone.

Runs in: worker
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from cpython.ref cimport Py_XDECREF
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from fastfork._core.http.frames cimport (
    FF_NEED_DATA,
    FF_UTF8_BAD,
    FF_WS_BINARY,
    FF_WS_CONTINUATION,
    FF_WS_HEAD_MAX,
    FF_WS_NOT_CONTINUED,
    FF_WS_NOT_UTF8,
    FF_WS_NOTHING_TO_CONTINUE,
    FF_WS_TEXT,
    FF_WS_TOO_BIG,
    ff_utf8_after,
    ff_ws_head,
    ff_ws_is_control,
    ff_ws_read_head,
    ff_ws_unmask,
    ff_ws_unmask_ascii,
)
from fastfork._core.text cimport (
    PyBytes_AS_STRING,
    PyBytes_GET_SIZE,
    PyUnicode_Check,
    PyUnicode_DATA,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_New,
)
from fastfork._core.http.wsdeflate cimport Deflate

cdef extern from "Python.h":
    int _PyBytes_Resize(PyObject **data, Py_ssize_t size) except -1
    PyObject *new_bytes "PyBytes_FromStringAndSize" (const char *p, Py_ssize_t n) except NULL
    object PyUnicode_DecodeUTF8(const char *p, Py_ssize_t n, const char *errors)

cdef enum:
    INCOMPLETE = -2
    SERVER_ERROR = 1011        # section 7.4.1
    TAKEN_AT_ONCE = 64 << 10   # bytes: memory for so much is taken before it has come


cdef inline Py_ssize_t weight(message) noexcept:
    if PyUnicode_Check(message):
        return PyUnicode_GET_LENGTH(message) * PyUnicode_KIND(message)
    return PyBytes_GET_SIZE(message)


cdef class MessageReader:
    """max_message: bytes of a message, also when it was compressed; at least 1.
    deflate: what negotiate() agreed to (wsdeflate.pyx), or None.
    max_queue, max_queued: messages and bytes that wait to be taken; at least 1.
    Raises ValueError for limits below that.
    """

    def __cinit__(self, *, Py_ssize_t max_message, deflate=None, uint32_t max_queue=32,
                  Py_ssize_t max_queued=1 << 20):
        if max_message < 1 or max_queue < 1 or max_queued < 1:
            raise ValueError("a limit of a WebSocket is at least 1")
        self.max_message = min(max_message, <Py_ssize_t>1 << 61)
        self.max_queue, self.max_queued = max_queue, max_queued
        if deflate is not None:
            self.deflate = Deflate(*deflate)

    def __dealloc__(self):
        Py_XDECREF(self.kept)

    @property
    def messages(self):
        """Complete messages that nobody has taken, oldest first."""
        return [] if self.first is None else [self.first, *(self.more or ())]

    @property
    def is_done(self):
        """Is there nothing more to read?  When the reply has been sent, the server closes the
        connection (section 7.1.1)."""
        return bool(self.state & (WS_CLOSE_RECEIVED | WS_FAILED))

    @property
    def paused(self):
        """See is_paused()."""
        return self.is_paused()

    @property
    def held_bytes(self):
        """See held()."""
        return self.held()

    cdef bint is_paused(self) noexcept:
        """Does the client have to wait until messages are taken?"""
        return self.rest is not None

    cdef Py_ssize_t held(self) noexcept:
        """Bytes that are kept of what has not come whole or not been read yet."""
        cdef Py_ssize_t size = 0
        if self.kept != NULL:
            size += PyBytes_GET_SIZE(<object>self.kept)
        if self.rest is not None:
            size += PyBytes_GET_SIZE(self.rest)
        return size

    def receive_bytes(self, bytes data not None):
        """feed() them."""
        cdef bytearray own = bytearray(data)
        self.feed(own, len(own))

    cdef int feed(self, char *p, Py_ssize_t n) except -1:
        """n bytes have come from the client.  They are changed where they stand, and not needed
        any more after the call.

        Afterwards look at take(), take_reply(), is_done and is_paused().  Raises MemoryError alone.
        """
        if self.state & (WS_CLOSE_RECEIVED | WS_FAILED):
            return 0
        if self.rest is not None:
            self.rest += p[:n]
            return 0
        return self._read_on(p, n)

    def go_on(self):
        """See resume()."""
        self.resume()

    cdef int resume(self) except -1:
        """Messages have been taken: read what waited, when half of what may wait is gone."""
        cdef bytes rest
        if self.rest is None or self.state & (WS_CLOSE_RECEIVED | WS_FAILED):
            return 0
        if self.first is not None and (
                2 * self._count() > self.max_queue or 2 * self.queued > self.max_queued):
            return 0
        rest, self.rest = self.rest, None
        # Nobody else has it, and where payload is written there is a header in front: so it is
        # no object of one byte, which others may have too.
        return self._read_on(PyBytes_AS_STRING(rest), PyBytes_GET_SIZE(rest))

    cpdef take(self):
        """The oldest message, str or bytes; None when there is none.  Then call resume()."""
        cdef object message = self.first
        if message is None:
            return None
        self.queued -= weight(message)
        if self.more is None:
            self.first = None
        else:
            self.first = self.more.pop(0)
            if not self.more:
                self.more = None
        return message

    cdef inline Py_ssize_t _count(self) noexcept:
        return 0 if self.first is None else 1 if self.more is None else 1 + len(self.more)

    cdef inline int _read_on(self, char *p, Py_ssize_t n) except -1:
        """Whatever is raised, no frame is read after it: it is not known where one begins."""
        try:
            return self._read(p, n)
        except BaseException:
            self.state |= WS_FAILED
            self.code = SERVER_ERROR
            self._forget()
            raise

    cdef int _read(self, char *p, Py_ssize_t n) except -1:
        cdef char *end = p + n
        cdef Py_ssize_t size
        while not self.state & (WS_CLOSE_RECEIVED | WS_FAILED):
            if not self.in_frame:
                if p == end:
                    return 0
                if self.first is not None and (
                        self.queued >= self.max_queued or self._count() >= self.max_queue):
                    self.rest = p[:end - p]
                    return 0
                size = self._begin(p, end - p)
                if size == INCOMPLETE:
                    return 0
                p += size
            size = end - p
            if <uint64_t>size >= self.left:
                size = <Py_ssize_t>self.left
                self.in_frame = False
            if ff_ws_is_control(self.opcode):
                self._control(p, size)
            elif not self.state & WS_CLOSE_SENT:   # else messages come too late (section 5.5.1)
                if self.is_last and not self.in_frame and self.kept == NULL:
                    self._whole(p, size)
                else:
                    self._part(p, size)
            self.phase = <uint8_t>((self.phase + size) & 3)
            self.left -= size
            p += size
            if self.in_frame:
                return 0
        return 0

    cdef Py_ssize_t _begin(self, char *p, Py_ssize_t n) except -1:
        """Reads the header of a frame; bytes of it, or INCOMPLETE: also when it is refused."""
        cdef ff_ws_head h
        cdef Py_ssize_t rc, before = self.started, size = n
        if before:
            size = min(n, <Py_ssize_t>FF_WS_HEAD_MAX - before)
            memcpy(self.start + before, p, size)
            p = self.start
        rc = ff_ws_read_head(p, before + size, self.deflate is not None, &h)
        if rc == FF_NEED_DATA:
            if not before:
                memcpy(self.start, p, size)
            self.started += <uint8_t>size
            return INCOMPLETE
        if rc >= 0:
            self.started = 0
            size = rc - before
            rc = self._check(&h)
        if rc < 0:
            self._fail(<int>rc)
            return INCOMPLETE
        if h.opcode == FF_WS_TEXT or h.opcode == FF_WS_BINARY:
            self.message = h.opcode
            self.is_deflated = h.rsv1
        self.opcode, self.is_last, self.in_frame = h.opcode, h.fin, True
        self.left, self.phase = h.length, 0
        memcpy(self.key, h.key, 4)
        return size

    cdef int _check(self, const ff_ws_head *h) noexcept:
        """May this frame come now?  0 or a code."""
        cdef Py_ssize_t most = self.max_message
        if ff_ws_is_control(h.opcode) or self.state & WS_CLOSE_SENT:
            return 0
        if h.opcode == FF_WS_CONTINUATION:
            if not self.message:
                return FF_WS_NOTHING_TO_CONTINUE
        elif self.message:
            return FF_WS_NOT_CONTINUED
        if h.rsv1 or (h.opcode == FF_WS_CONTINUATION and self.is_deflated):
            # What cannot be compressed becomes longer: zlib of memLevel 1 stores 127 bytes a block,
            # with 5 in front.
            most += (most >> 4) + 64
        return FF_WS_TOO_BIG if h.length > <uint64_t>(most - self.size) else 0

    cdef int _whole(self, char *p, Py_ssize_t n) except -1:
        """A message in one piece."""
        cdef int opcode = self.message
        self.message = 0
        if self.is_deflated:
            ff_ws_unmask(p, p, n, self.key, 0)
            return self._inflate(opcode, p, n)
        if opcode == FF_WS_BINARY:
            message = PyBytes_FromStringAndSize(NULL, n)
            ff_ws_unmask(PyBytes_AS_STRING(message), p, n, self.key, 0)
            return self._add(message)
        message = PyUnicode_New(n, 127)
        if ff_ws_unmask_ascii(<char *>PyUnicode_DATA(message), p, n, self.key) == n:
            return self._add(message)
        ff_ws_unmask(p, p, n, self.key, 0)
        return self._decode(p, n)

    cdef int _decode(self, const char *p, Py_ssize_t n) except -1:
        try:
            message = PyUnicode_DecodeUTF8(p, n, NULL)
        except UnicodeDecodeError:
            return self._fail(FF_WS_NOT_UTF8)
        return self._add(message)

    cdef int _inflate(self, int opcode, char *p, Py_ssize_t n) except -1:
        cdef int code = 0
        cdef bytes data = self.deflate.inflate(p, n, self.max_message, &code)
        if data is None:
            return self._fail(code)
        if opcode == FF_WS_BINARY:
            return self._add(data)
        return self._decode(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))

    cdef int _part(self, char *p, Py_ssize_t n) except -1:
        """Some of a message.  It is unmasked into what is kept."""
        cdef char *to
        if n:
            self._make_room(n)
            to = PyBytes_AS_STRING(<object>self.kept) + self.size
            ff_ws_unmask(to, p, n, self.key, self.phase)
            self.size += n
            if self.message == FF_WS_TEXT and not self.is_deflated:
                self.utf8 = ff_utf8_after(self.utf8, to, n)
                if self.utf8 == FF_UTF8_BAD:
                    return self._fail(FF_WS_NOT_UTF8)
        if self.is_last and not self.in_frame:
            return self._complete()
        return 0

    cdef int _complete(self) except -1:
        """All of the message is kept, and that is at least a byte."""
        cdef int opcode = self.message
        cdef Py_ssize_t n = self.size
        cdef object data
        self.message, self.size = 0, 0
        if opcode == FF_WS_BINARY and not self.is_deflated and n < PyBytes_GET_SIZE(
                <object>self.kept):
            _PyBytes_Resize(&self.kept, n)
        data = <object>self.kept
        Py_XDECREF(self.kept)   # `data` has a reference of its own
        self.kept = NULL
        if self.is_deflated:
            return self._inflate(opcode, PyBytes_AS_STRING(data), n)
        if opcode == FF_WS_BINARY:
            return self._add(data)
        return self._decode(PyBytes_AS_STRING(data), n)

    cdef int _make_room(self, Py_ssize_t n) except -1:
        """For n more bytes.  What is announced is believed as far as TAKEN_AT_ONCE."""
        cdef Py_ssize_t needed = self.size + n, capacity, room
        room = min(self.size + <Py_ssize_t>self.left, <Py_ssize_t>TAKEN_AT_ONCE)
        if self.kept == NULL:
            self.kept = new_bytes(NULL, max(needed, room))
            return 0
        capacity = PyBytes_GET_SIZE(<object>self.kept)
        if needed > capacity:
            room = max(room, capacity + (capacity >> 1))
            _PyBytes_Resize(&self.kept, max(needed, room))
        return 0

    cdef int _add(self, message) except -1:
        if self.first is None:
            self.first = message
        elif self.more is None:
            self.more = [message]
        else:
            self.more.append(message)
        self.queued += weight(message)
        return 0

    cdef void _drop(self) noexcept:
        """A message that has not come whole is not wanted any more."""
        Py_XDECREF(self.kept)
        self.kept = NULL
        self.size = 0
        self.message = 0

    cdef void _forget(self) noexcept:
        """Nothing more will be read."""
        self._drop()
        self.control = self.rest = None

    cdef int _control(self, char *p, Py_ssize_t n) except -1:
        """Some of a control frame; WebSocketCodec knows what to do with it."""
        return 0

    cdef int _fail(self, int code) except -1:
        """The client broke the protocol.  code: of frames.h."""
        self.state |= WS_FAILED
        self._forget()
        return 0
