from libc.stdint cimport int64_t

from fastfork._core.apps.asgisend cimport AsgiSender
from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.sink cimport Sink
from fastfork._core.apps.taskboard cimport TaskBoard
from fastfork._core.http.upload cimport Upload


cdef class AsgiCall(AsgiSender):
    cdef TaskBoard board
    cdef CallSink ear
    cdef readonly object coroutine      # the application's
    cdef Connection client     # whose request it is; stays when the response has ended
    cdef object _receive
    cdef object _send
    cdef list receivers        # futures of receive() that wait, or None
    cdef list senders          # ... and of send()
    cdef Upload upload         # the body, while it is coming
    cdef bytes body            # ... or all of it; None when it was taken
    cdef bint took_body
    cdef bint over             # the task has ended
    cdef bint is_done          # ... after the worker was through with the request
    cdef bint is_away          # the loop does not wait for it
    cdef bint stopping         # the server wants it to end
    cdef bint has_told         # on_lost was called
    cdef int place             # its number on the scoreboard, -1 for none
    cdef int64_t since         # when it was called
    cdef readonly int64_t number  # of requests that it has served: what is of an earlier one is over
    cdef AsgiCall next         # of those that wait for work
    cdef int open(self, Connection connection) except -1
    cdef int received(self, const char *p, Py_ssize_t n) except -1
    cdef int _refuse_rest(self, int status) except -1
    cdef int lost(self) except -1
    cdef int stop(self) except -1
    cdef int wants(self) noexcept
    cdef int shut_down(self) except -1
    cdef int _tell_left(self) except -1
    cdef int drained(self) except -1
    cdef int late(self, int wait) except -1
    cdef object _step_over(self, error)
    cdef int _ended(self, error) except -1
    cdef int _tell_raised(self, error) except -1
    cdef int _tell_unfinished(self) except -1
    cdef int _answer_for_it(self, error) except -1
    cdef int give_up(self, int status) except -1
    cdef dict heard(self)
    cdef int ask_for_more(self) except -1
    cdef int _wake_receivers(self) except -1
    cdef int _wake_senders(self) except -1
    cdef int let_go(self) except -1
    cdef bint recyclable(self)


cdef class CallSink(Sink):
    cdef AsgiCall call
