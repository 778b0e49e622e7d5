cimport cython
from libc.stdint cimport int64_t

from fastfork._core.conn.batch cimport Batch
from fastfork._core.conn.connection cimport Connection
from fastfork._core.loop.crew cimport Crew
from fastfork._core.http.response_head cimport ServerLines


@cython.final
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
    cdef bint reads_files      # files are read and sent, not by sendfile(2)
    cdef set told
    cdef int64_t refused_ns    # when a refusal was last logged
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
    cdef bint may_log_refusal(self, int64_t now) noexcept


cdef enum:
    SERVER_DRAINING = 2        # fastfork.ipc.scoreboard


cdef inline bint says_close(Site site) noexcept:
    """Whether a client that is kept should come back on another connection."""
    return site.draining or site.closing[0] != 0
