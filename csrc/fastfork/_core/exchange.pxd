from libc.stdint cimport int64_t

from fastfork._core.batch cimport Batch
from fastfork._core.connection cimport Connection
from fastfork._core.crew cimport Crew, Seat
from fastfork._core.reshead cimport ResponseHead, ServerLines


cdef class Site:
    # What all responses of a worker share.
    cdef Batch batch
    cdef readonly Crew crew
    cdef ServerLines lines
    cdef object log
    cdef object pages
    cdef public object access_line
    cdef list access_lines
    cdef public bint line_waits       # making one may take its time
    cdef set told
    cdef object on_dropped
    cdef public bint draining
    cdef object server         # keeps the memory
    cdef const int64_t *server_state
    cdef const int64_t *closing  # not 0: see says_close
    cdef object leaving
    cdef object spool_dir      # of responses that a client does not take
    cdef int64_t spill_max     # bytes of one of them
    cdef object socket_of
    cdef object take_over
    cdef int spill(self, Connection connection) except -1
    cdef int lose(self, Connection connection) except -1


cdef enum:
    SERVER_DRAINING = 2        # fastfork.ipc.scoreboard


cdef inline bint says_close(Site site) noexcept:
    """Whether a client that is kept should come back on another connection."""
    return site.draining or site.closing[0] != 0


cdef class Exchange:
    cdef Site site
    cdef Connection connection
    cdef ResponseHead head
    cdef Seat seat             # the thread it stays on
    cdef object task           # ... or the greenlet (greenlets.pyx)
    cdef dict environ
    cdef object fields         # as given to start_response; kept for the access log only
    cdef object status
    cdef object _start_response
    cdef object _write
    cdef object _early_hints
    cdef bint live             # between begin() and the end of the response
    cdef bint started
    cdef bint head_sent
    cdef bint is_head
    cdef bint keep_alive
    cdef bint bodyless
    cdef bint chunked
    cdef int minor
    cdef int64_t left          # of the announced Content-Length, -1 = none announced
    cdef int64_t sent          # bytes of body
    cdef int64_t began_ns
    cdef int64_t left_ns       # when write() saw that the client has left
    cdef int begin(self, Connection connection, int minor, bint is_head, bint keep_alive,
                   int64_t now) except -1
    cdef bint recyclable(self)
    cdef ResponseHead _unused_head(self)
    cdef int _write_later(self, data, int way) except -1
    cdef int _write_now(self, bytes data) except -1
    cdef int _to_nobody(self) except -1
    cdef int _frame(self, int64_t add_length) noexcept
    cdef Py_ssize_t _put_head(self, char *out) noexcept
    cdef int _head_alone(self, int64_t length) except -1
    cdef int _block(self, bytes data) except -1
    cdef int _tell(self, error, bint is_alone) except -1
    cdef int _took_socket(self) except -1
    cdef int _tell_of_end(self, error) except -1
