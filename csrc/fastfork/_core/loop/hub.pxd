cimport cython
from libc.stdint cimport int64_t

from fastfork._core.http.answering cimport Answering
from fastfork._core.conn.batch cimport Batch
from fastfork._core.conn.connections cimport Connections
from fastfork._core.loop.crew cimport Crew
from fastfork._core.conn.crowded cimport Crowded
from fastfork._core.conn.deadlines cimport Deadlines
from fastfork._core.apps.gateway cimport Gateway
from fastfork._core.conn.listeners cimport Listeners
from fastfork._core.conn.neighbours cimport Neighbours
from fastfork._core.conn.pool cimport Pool
from fastfork._core.http.receiver cimport Receiver
from fastfork._core.conn.request_queue cimport RequestQueue
from fastfork._core.http.site cimport Site
from fastfork._core.conn.tls cimport Tls
from fastfork._core.http.uploads cimport Uploads


@cython.final
cdef class Hub:
    cdef readonly Site site
    cdef readonly Crew crew
    cdef readonly Connections connections
    cdef readonly Answering answering
    cdef readonly Listeners listeners
    cdef readonly Neighbours neighbours
    cdef readonly Pool pool
    cdef Gateway gateway
    cdef Crowded crowded
    cdef Uploads uploads
    cdef Receiver receiver
    cdef RequestQueue queue
    cdef Tls tls
    cdef Batch batch
    cdef Deadlines deadlines
    cdef int64_t *slot
    cdef object write_access
    cdef int64_t log_ns        # when access lines were last written
    cdef int64_t look_up_ns    # when the worker wants to look up from its loop at the latest
    cdef bint dozes            # that is far away: see look_up_in
    cdef public int64_t most_requests
    cdef public bint attention  # ... or as soon as this is set
    cdef int64_t rested        # requests at the last rest()
    cdef int64_t back_ns       # when it comes back at the latest

    cdef bint _has_done(self) noexcept
    cdef double _turn(self, list events) except -3
    cdef double _serve(self, list events) except -3
    cdef int _nudge(self) except -1
    cdef bint _is_time(self) noexcept
    cdef int _go_on_anywhere(self, int64_t began) except -1
    cdef int _go_on_here(self, int64_t began) except -1
    cdef int64_t _wait(self) except -2
