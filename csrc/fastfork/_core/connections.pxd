from libc.stdint cimport int64_t, uint32_t

from fastfork._core.acceptor cimport Acceptor
from fastfork._core.batch cimport Batch
from fastfork._core.connection cimport Connection
from fastfork._core.deadlines cimport Deadlines
from fastfork._core.exchange cimport Site

cdef enum:
    EPOLLIN = 1     # the poller's masks; the numbers are Linux's
    EPOLLOUT = 4

cdef enum:  # words of a scoreboard slot (fastfork.ipc.scoreboard)
    HEARTBEAT = 2
    REQUESTS = 3
    CONNECTIONS = 4
    IN_FLIGHT = 5
    IN_FLIGHT_SINCE = 6
    BYTES_SENT = 7
    REFUSED = 8
    ACCEPTED = 9
    LINE_SIZE = 10
    LINE = 16
    LINE_BYTES = 256


cdef class Connections:
    cdef readonly Site site
    cdef Batch batch
    cdef Deadlines deadlines
    cdef Acceptor acceptor
    cdef object poller
    cdef object log
    cdef list table            # descriptor -> Connection, a callable, or None
    cdef list templates        # environ templates, one a listener
    cdef list listeners        # their descriptors
    cdef list ready            # connections to go on with in the next turn
    cdef int64_t *slot
    cdef object slot_view
    cdef readonly int64_t now
    cdef int64_t listen_again  # after a shortage of descriptors; 0 = no shortage
    cdef int64_t shortage_told_ns
    cdef int most_connections
    cdef int accepts           # a turn and listener
    cdef bint listening
    cdef readonly int connections

    cdef int _readable(self, Connection connection) except -1
    cdef int _run_out(self, Connection connection, int wait) except -1
    cdef int _flush(self) except -1
    cdef int _settle(self, Connection connection) except -1
    cdef int _watch(self, Connection connection, int interest) except -1
    cdef int _finish_connection(self, Connection connection) except -1
    cdef int _linger(self, Connection connection) except -1
    cdef int _close(self, Connection connection) except -1
    cdef int _mishap(self, Connection connection) except -1
    cdef int _listen(self, bint on) except -1
    cdef int _listen_if_room(self) except -1
    cdef int _accept(self, uint32_t listener) except -1
    cdef int _expire(self, int64_t now) except -1


cdef class Listening:
    cdef Connections hub
    cdef int index
