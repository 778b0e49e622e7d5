from libc.stdint cimport int64_t

from fastfork._core.batch cimport Batch
from fastfork._core.connection cimport Connection
from fastfork._core.deadlines cimport Deadlines
from fastfork._core.crew cimport Crew
from fastfork._core.forks cimport ForkState
from fastfork._core.gateway cimport Gateway
from fastfork._core.site cimport Site

cdef enum:
    EPOLLIN = 1     # the poller's masks; the numbers are Linux's
    EPOLLOUT = 4
    EPOLLERR = 8    # reported whatever is watched, as EPOLLHUP is
    EPOLLHUP = 16
    EPOLLRDHUP = 0x2000  # the peer has shut down its side


cdef class Connections:
    cdef readonly Site site
    cdef readonly Crew crew
    cdef readonly Gateway gateway  # whoever calls the application
    cdef Batch batch
    cdef const ForkState *forks
    cdef Deadlines deadlines
    cdef object poller
    cdef object log
    cdef list table            # descriptor -> Connection, a callable, or None
    cdef list ready            # connections to go on with in the next turn, on any thread
    cdef int64_t *slot
    cdef readonly int64_t now
    cdef int64_t turn_ns       # when the turn began
    cdef int64_t held          # bytes that wait for clients and that nobody else holds
    cdef readonly int connections
    cdef public bint tells     # say in the log what becomes of each connection
    cdef str why               # what the one that is closed next is closed for, where it is known

    cdef int _tell(self, Connection connection, str what) except -1
    cdef bint _has_done(self) noexcept
    cdef int _readable(self, Connection connection) except -1
    cdef int _run_out(self, Connection connection, int wait) except -1
    cdef int _later(self, Connection connection) except -1
    cdef int _flush(self) except -1
    cdef int _send_meanwhile(self, Connection connection) except -1
    cdef int _settle(self, Connection connection) except -1
    cdef int _watch(self, Connection connection, int interest) except -1
    cdef int _watch_for_sink(self, Connection connection) except -1
    cdef int _lost(self, Connection connection) except -1
    cdef int _finish_connection(self, Connection connection) except -1
    cdef int _linger(self, Connection connection) except -1
    cdef int _reset(self, Connection connection) except -1
    cdef int _end_sealed(self, Connection connection) except -1
    cdef int _weigh(self, Connection connection) except -1
    cdef int _drop_outbox(self, Connection connection) except -1
    cdef int _close(self, Connection connection) except -1
    cdef int _mishap(self, Connection connection) except -1
    cdef int _gone(self) except -1
    cdef int _expire(self, int64_t now) except -1
