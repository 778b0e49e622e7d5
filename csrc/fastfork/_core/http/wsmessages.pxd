from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t

from fastfork._core.http.frames cimport ff_ws_head
from fastfork._core.http.wsdeflate cimport Deflate

# What a connection's `state` says.
cdef enum:
    WS_CLOSE_SENT = 1       # nothing more is sent
    WS_CLOSE_RECEIVED = 2   # nothing more is read
    WS_FAILED = 4           # the client broke the protocol; neither


cdef class MessageReader:
    cdef Py_ssize_t max_message       # bytes
    cdef Py_ssize_t max_queued        # bytes of messages that nobody has taken ...
    cdef uint32_t max_queue           # ... and their number: at either, no frame is read
    cdef readonly uint8_t state       # WS_... above
    cdef uint8_t in_frame             # a header has been read, and some of its payload is to come
    cdef uint8_t is_last              # ... of the last frame of its message, ...
    cdef uint8_t opcode               # ... whose own opcode is this
    cdef uint8_t message              # opcode of the message that is being read, 0 between messages
    cdef uint8_t is_deflated          # ... and whether it is compressed
    cdef uint8_t utf8                 # ff_utf8_after() what has come; whole between messages
    cdef uint8_t phase                # of the mask: bytes of payload that have come, modulo 4
    cdef uint8_t started              # bytes in `start`
    cdef uint16_t code                # of WebSocketCodec: the close frame's, or the failure's
    cdef char start[14]               # of a header that has not come whole
    cdef uint8_t key[4]
    cdef uint64_t left                # bytes of this frame's payload that are still to come
    cdef PyObject *kept               # bytes of a message that has not come whole; owned, or NULL
    cdef Py_ssize_t size              # how many of them
    cdef bytes control                # payload of a control frame that has not come whole
    cdef bytes rest                   # what has come behind too many messages, not yet read
    cdef object first                 # the oldest complete message, str or bytes, or None
    cdef list more                    # those behind it, or None
    cdef Py_ssize_t queued            # bytes of these
    cdef Deflate deflate              # None when messages may not be compressed

    cdef int feed(self, char *p, Py_ssize_t n) except -1
    cdef int resume(self) except -1
    cpdef take(self)
    cdef bint is_paused(self) noexcept
    cdef Py_ssize_t held(self) noexcept

    cdef Py_ssize_t _count(self) noexcept
    cdef int _read_on(self, char *p, Py_ssize_t n) except -1
    cdef int _read(self, char *p, Py_ssize_t n) except -1
    cdef Py_ssize_t _begin(self, char *p, Py_ssize_t n) except -1
    cdef int _check(self, const ff_ws_head *h) noexcept
    cdef int _whole(self, char *p, Py_ssize_t n) except -1
    cdef int _decode(self, const char *p, Py_ssize_t n) except -1
    cdef int _inflate(self, int opcode, char *p, Py_ssize_t n) except -1
    cdef int _part(self, char *p, Py_ssize_t n) except -1
    cdef int _complete(self) except -1
    cdef int _make_room(self, Py_ssize_t n) except -1
    cdef int _add(self, message) except -1
    cdef void _drop(self) noexcept
    cdef void _forget(self) noexcept
    cdef int _control(self, char *p, Py_ssize_t n) except -1
    cdef int _fail(self, int code) except -1
