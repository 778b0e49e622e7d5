from fastfork._core.conn.connections cimport Connections
from fastfork._core.http.response_head cimport ResponseHead
from fastfork._core.http.uploads cimport Uploads


cdef class TaskBoard:
    cdef Connections connections
    cdef Uploads uploads
    cdef object make_future
    cdef object call_turn      # has the loop call Hub.turn soon, or None where it does so anyway
    cdef object on_lost        # is told of a task whose client has left, or None
    cdef set calls             # whose tasks have not ended
    cdef list returned         # ... whose responses have ended, for the next turn
    cdef readonly bint asked   # a turn is to follow
    cdef bint turning
    cdef ResponseHead switched  # of all WebSockets: 101 and nothing else
    cdef public Py_ssize_t max_message  # bytes of a message of a WebSocket
    cdef public int max_queue  # messages of one that nobody has taken
    cdef public bint deflates  # it may be compressed
    cdef int soon(self) except -1
    cdef int begins(self, call) except -1
    cdef int ends(self, call) except -1
