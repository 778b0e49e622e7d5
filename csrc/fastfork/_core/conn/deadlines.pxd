cimport cython
from libc.stdint cimport int64_t, uint32_t

from fastfork._core.conn.connection cimport Connection

cdef enum:
    NOTHING
    FIRST_BYTE   # a new connection that has sent nothing
    NEXT_REQUEST  # kept alive
    WHOLE_HEAD   # absolute: from the head's first byte
    MORE_BODY
    READER       # the client has to read
    LINGER
    BRIEF_LINGER  # of a client that was too slow already
    HANGUP       # is the client of a slow stream gone?
    QUEUED       # its request is here, and no thread for it
    SHAKE        # absolute: a TLS handshake, from its first byte
    PING         # a WebSocket is due for a ping
    PONG         # ... and for the answer
    CLOSING      # its close frame is sent, the client's is not there
    WAITS


@cython.final
cdef class Deadlines:
    cdef void *first[WAITS]
    cdef void *last[WAITS]
    cdef int64_t patience[WAITS]  # nanoseconds
    cdef int64_t count[WAITS]     # connections on each list
    cdef uint32_t waiting         # bit n: list n is not empty
    cdef void remove(self, Connection connection) noexcept
    cdef void set(self, Connection connection, int wait, int64_t now) noexcept
    cdef Connection oldest(self, int wait)
    cdef Connection newest(self, int wait)
    cdef Connection expired(self, int wait, int64_t now)
    cdef int64_t next(self) noexcept
    cdef void limit(self, int wait, int64_t patience) noexcept
    cdef void shorten(self, int wait, int64_t deadline) noexcept


cdef str time_is_up(int wait)
