cimport cython
from libc.stdint cimport int64_t, uint32_t

from fastfork._core.conn.acceptor cimport Acceptor
from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.connections cimport Connections
from fastfork._core.loop.crew cimport Crew
from fastfork._core.conn.crowded cimport Crowded
from fastfork._core.conn.deadlines cimport Deadlines
from fastfork._core.conn.neighbours cimport Neighbours
from fastfork._core.http.protocol cimport Protocol


@cython.final
cdef class Listeners:
    cdef Connections connections
    cdef Crowded crowded
    cdef Neighbours neighbours
    cdef Deadlines deadlines
    cdef Crew crew
    cdef Acceptor acceptor
    cdef Protocol outer        # what connections speak that are accepted here
    cdef Protocol inner        # ... and behind what a proxy says first
    cdef object pool           # called when connections of other workers wait, or None
    cdef int pool_fd           # is readable then
    cdef list templates        # environ templates, one a listener
    cdef list listeners        # their descriptors
    cdef int64_t listen_again  # after a shortage; 0 = there is none
    cdef bint stands_back      # it is the others' turn
    cdef bint is_full          # the shortage is one of room: most_connections
    cdef int64_t shortage_told_ns
    cdef int accepts           # a turn and listener
    cdef bint listening
    cdef bint paused           # the listeners are left alone while the keeper leads

    cdef int welcome(self, Connection connection, Protocol protocol) except -1
    cdef bint is_at_limit(self) noexcept
    cdef bint has_place(self) except -1
    cdef int see_room(self) except -1
    cdef int pause(self) except -1
    cdef int unpause(self) except -1
    cdef int _listen(self, bint on) except -1
    cdef int _leave_alone(self, int64_t until) except -1
    cdef int64_t _share(self) noexcept
    cdef bint _has_more_than(self, int64_t most) except -1
    cdef int64_t _held(self) noexcept
    cdef int _stand_back(self) except -1
    cdef int _accept(self, uint32_t listener, bint one_waits) except -1
    cdef int _no_room(self) except -1
    cdef int _shortage(self) except -1
    cdef int _take(self, uint32_t listener) except -1
    cdef int _close_idle(self, int wait, int64_t least) except -1


@cython.final
cdef class Listening:
    cdef Listeners listeners
    cdef int index
