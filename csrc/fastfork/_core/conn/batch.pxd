cimport cython
from cpython.object cimport PyObject
from libc.stdint cimport int64_t

from fastfork._core.conn.connection cimport Connection

cdef extern from "loop/leader_watch.h" nogil:
    ctypedef struct ff_watch:
        int64_t since

cdef extern from "loop/flusher.h" nogil:
    enum:
        FF_OUT_MAX
    ctypedef struct ff_out:
        int fd
        int error
        size_t start
        size_t end
        const char *body
        size_t body_size
        size_t sent
    ctypedef struct ff_outs:
        ff_out items[16]
        int count
        char *buffer
        int64_t first_ns
        ff_watch *watch
        int running
    void ff_out_send(ff_out *item, const char *buffer)
    int ff_flusher_start(ff_outs *outs)
    void ff_flusher_stop(ff_outs *outs)
    void ff_flusher_guard(ff_outs *outs)
    void ff_flusher_rest(ff_outs *outs)
    int ff_flusher_is_set(ff_outs *outs)
    void ff_outs_lock(ff_outs *outs)
    int ff_outs_trylock(ff_outs *outs)
    void ff_outs_unlock(ff_outs *outs)

cdef enum:
    BATCH_BYTES = 64 << 10
    # How long an answer may wait for others of its turn.  A millisecond is little beside the way
    # to a client, and in it an application that needs 50 to 100 us a request answers ten to
    # twenty: as many as are sent together.
    BATCH_NS = 1000000
    # Between two turns: from then on, setting a timer anew is cheaper than letting it ring.
    QUIET_NS = 500000

cdef extern from *:
    """
    #define NOT_ASKED INT64_MAX
    """
    const int64_t NOT_ASKED


@cython.final
cdef class Batch:
    cdef ff_outs outs
    cdef PyObject *connections[16]  # whose item it is; owned
    cdef PyObject *bodies[16]       # keeps item.body alive; owned, or NULL
    cdef Py_ssize_t size
    cdef Py_ssize_t capacity
    cdef char *clear           # what is about to be sealed; NULL while there was nothing
    cdef Py_ssize_t clear_capacity
    cdef readonly int64_t bytes_sent
    cdef int64_t held_ns       # when hold() was last called
    cdef int64_t rested_ns     # ... and rest()
    cdef bint is_last          # no request will be served in this turn after the present one
    cdef list done             # connections to look at after a flush
    cdef public object soon    # called where a turn of the loop has to follow, or None
    cdef char *room(self, Connection connection, Py_ssize_t n) except NULL
    cdef int push(self, Connection connection, Py_ssize_t n, bytes body) except -1
    cdef int put(self, Connection connection, const char *p, Py_ssize_t n) except -1
    cdef int _push_sealed(self, Connection connection, bytes head, bytes body) except -1
    cdef char *_room(self, Py_ssize_t n) except NULL
    cdef char *_clear_room(self, Py_ssize_t n) except NULL
    cdef int _put(self, Connection connection, Py_ssize_t n, bytes body) except -1
    cdef int put_sealed(self, Connection connection) except -1
    cdef int _queue_sealed(self, Connection connection, bytes head, bytes body) except -1
    cdef bint has(self, Connection connection) noexcept
    cdef int hold(self, Connection connection, bint is_whole, int64_t asked) except -1
    cdef int flush_for(self, Connection connection) except -1
    cdef int guard(self) except -1
    cdef void rest(self, int64_t now) noexcept
    cdef void forget(self, Connection connection) noexcept
    cdef int flush(self) except -1
    cdef int _sent(self, int i) except -1
    cdef void let_go(self) noexcept
    cdef int look_at(self, Connection connection) except -1
    cdef bint full(self)
    cdef bint waiting(self)
