from libc.stdint cimport int64_t, uint32_t

from fastfork._core.acceptor cimport Acceptor
from fastfork._core.connection cimport Connection
from fastfork._core.crowded cimport Crowded


cdef class Listeners(Crowded):
    cdef bint prefaced         # connections begin with the PROXY protocol
    cdef object context        # of TLS, or None
    cdef Acceptor acceptor
    cdef list templates        # environ templates, one a listener
    cdef list listeners        # their descriptors
    cdef int64_t listen_again  # after a shortage; 0 = there is none
    cdef bint stands_back      # it is the others' turn
    cdef bint is_full          # the shortage is one of room: most_connections
    cdef int64_t shortage_told_ns
    cdef int accepts           # a turn and listener
    cdef bint listening
    cdef bint paused           # the listeners are left alone while the keeper leads
    cdef int64_t *board        # the slots of all workers; NULL: there is nobody to share with
    cdef object board_view
    cdef Py_ssize_t workers    # slots to look at

    cdef int _listen(self, bint on) except -1
    cdef int64_t _fair_share(self) noexcept
    cdef bint _has_more_than(self, int64_t most) except -1
    cdef int64_t _held(self) noexcept
    cdef int _stand_back(self) except -1
    cdef int _accept(self, uint32_t listener, bint one_waits) except -1
    cdef int _no_room(self) except -1
    cdef int _shortage(self) except -1
    cdef int _adopt(self) except -1
    cdef int _watch_pool(self, bint on) except -1
    cdef int _pause(self) except -1
    cdef int _unpause(self) except -1
    cdef int _take(self, uint32_t listener) except -1
    cdef int _close_idle(self, int wait, int64_t least) except -1
    cdef int _await_handshake(self, Connection connection) except -1
    cdef int _welcome(self, Connection connection) except -1


cdef class Listening:
    cdef Listeners hub
    cdef int index
