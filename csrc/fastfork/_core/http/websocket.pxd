from libc.stdint cimport uint32_t

from fastfork._core.http.wsmessages cimport MessageReader

cdef enum:
    REPLY_MAX = 2 << 10   # bytes of pongs that wait to be sent; beyond, the last ping alone counts


cdef class WebSocketCodec(MessageReader):
    cdef bytes reply                  # pongs to be sent
    cdef bytes owed                   # the pong to be sent behind them
    cdef uint32_t pinged, ponged      # numbers of the last ping sent, and of the last one answered
    cdef str reason

    cdef bint has_reply(self) noexcept
    cpdef bytes take_reply(self)
    cdef bint has_close(self) noexcept
    cpdef bytes take_close(self)

    cdef Py_ssize_t head(self, char *out, int first, Py_ssize_t n) noexcept
    cdef Py_ssize_t put(self, char *out, Py_ssize_t room, data) except -2
    cdef bytes payload(self, data, int *first)
    cpdef bytes frame(self, data)
    cpdef bytes ping(self)
    cpdef bytes close(self, int code=*, str reason=*)

    cdef int _ponged(self, const char *p, Py_ssize_t n) noexcept
    cdef int _pong(self, const char *p, Py_ssize_t n) except -1
    cdef int _closed(self, const char *p, Py_ssize_t n) except -1
