from libc.stdint cimport int64_t

from fastfork._core.http.answering cimport Answering
from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.connections cimport Connections
from fastfork._core.loop.inflight cimport InFlight
from fastfork._core.apps.response cimport Responder
from fastfork._core.apps.wsgi cimport WsgiGateway


cdef class Task:
    cdef GreenletGateway gateway
    cdef object greenlet
    cdef object switch         # its bound method
    cdef Responder responder   # what it works on, or None
    cdef Connection connection
    cdef int order             # what it is told
    cdef int how               # what the response does next, AWAY while it works
    cdef bint is_away          # somebody else goes on meanwhile
    cdef bint is_dead
    cdef Py_ssize_t refs       # to the greenlet when it was new,
    cdef Py_ssize_t attributes  # and what it had then
    cdef object error          # that is not the application's, or None
    cdef object thrown         # into it while it was parked
    cdef int place             # its number on the scoreboard, -1 for none
    cdef int64_t since         # when it was last called
    cdef int _work(self) except -1
    cdef int _shed(self, Responder responder) except -1
    cdef int _park(self) except -1


cdef class GreenletGateway(WsgiGateway):
    cdef Answering answering
    cdef Connections connections
    cdef InFlight lines
    cdef object make_greenlet
    cdef object to_loop        # switches to gevent's hub
    cdef object call_turn
    cdef list idle             # tasks without work
    cdef set working           # tasks with a request that is not answered at once
    cdef list interrupted      # tasks into which something was thrown while they were parked
    cdef int closing           # tasks that close what no client reads any more
    cdef list returned         # tasks that have come back, for the next turn
    cdef bint turning
    cdef bint asked            # a turn will follow
    cdef bint ended
    cdef Task _task(self)
    cdef int _enter(self, Task task, int order) except -1
    cdef int _goes_away(self, Task task) except -1
    cdef int _comes_back(self, Task task) except -1
    cdef int _take_back(self) except -1
    cdef int _break_off(self, Task task) except -1
    cdef int _take_up(self, Task task) except -1
    cdef int _dismiss(self, Task task) except -1
    cdef int _write_line(self, dict environ) except -1
    cdef bint _is_clean(self, Task task) except -1
