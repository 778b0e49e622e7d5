cimport cython
from libc.stdint cimport int64_t

from fastfork._core.conn.batch cimport Batch
from fastfork._core.conn.connection cimport Connection
from fastfork._core.loop.crew cimport Crew
from fastfork._core.conn.deadlines cimport Deadlines
from fastfork._core.loop.forks cimport ForkState
from fastfork._core.http.protocol cimport Protocol
from fastfork._core.http.site cimport Site

cdef enum:
    EPOLLIN = 1     # the poller's masks; the numbers are Linux's
    EPOLLOUT = 4
    EPOLLERR = 8    # reported whatever is watched, as EPOLLHUP is
    EPOLLHUP = 16
    EPOLLRDHUP = 0x2000  # the peer has shut down its side
    GONE = 24       # EPOLLERR | EPOLLHUP: what may be about the connection before this one, too


@cython.final
cdef class Connections:
    cdef Site site
    cdef Crew crew
    cdef Batch batch
    cdef const ForkState *forks
    cdef Deadlines deadlines
    cdef object poller
    cdef object log
    cdef list table            # descriptor -> Connection, a callable, or None
    cdef list ready            # connections to go on with in the next turn, on any thread
    cdef int64_t *slot
    cdef readonly int64_t now  # the clock: monotonic nanoseconds, as of the last look
    cdef int64_t turn_ns       # when the turn began
    cdef int64_t held          # bytes that wait for clients and that nobody else holds
    cdef readonly int count
    cdef bint has_room         # one has gone since this was last cleared
    cdef public bint tells     # say in the log what becomes of each connection
    cdef str why               # what the one that is closed next is closed for, where it is known

    cdef int enter(self, Connection connection, Protocol protocol) except -1
    cdef int leave(self, Connection connection) except -1
    cdef int reserve(self, int fd) except -1
    cdef int tell(self, Connection connection, str what) except -1
    cdef int watch(self, Connection connection, int interest) except -1
    cdef int unwatch(self, Connection connection) except -1
    cdef int flush(self) except -1
    cdef bint wait_for_reader(self, Connection connection) except -1
    cdef int send(self, Connection connection) except -1
    cdef int drop_outbox(self, Connection connection) except -1
    cdef int rearm(self, Connection connection) except -1
    cdef int end_follows(self, Connection connection) except -1
    cdef int finish(self, Connection connection) except -1
    cdef int linger(self, Connection connection) except -1
    cdef int drain(self, Connection connection) except -1
    cdef int reset(self, Connection connection) except -1
    cdef int _end_tls(self, Connection connection) except -1
    cdef int close(self, Connection connection) except -1
    cdef int close_on_error(self, Connection connection) except -1
    cdef int run_out(self, Connection connection, int wait) except -1
    cdef int close_if_silent(self, Connection connection) except -1
    cdef int expire(self, int64_t now) except -1
