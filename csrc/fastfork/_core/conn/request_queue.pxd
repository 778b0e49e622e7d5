cimport cython
from libc.stdint cimport int64_t

from fastfork._core.conn.acceptor cimport ff_facts
from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.connections cimport Connections
from fastfork._core.loop.crew cimport Crew
from fastfork._core.conn.neighbours cimport Neighbours

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(str text, Py_ssize_t *size) noexcept


@cython.final
cdef class RequestQueue:
    cdef Connections connections
    cdef Crew crew
    cdef Neighbours neighbours
    cdef int pool_in           # where connections are put for other workers, -1: nowhere
    cdef list keys             # of the listeners, as the other workers know them
    cdef int64_t queue_ns      # a request may wait so long for a thread; 0 = for ever
    cdef bint newest_first     # who is served next of those in line
    cdef int put_off(self, Connection connection) except -1
    cdef bint _hand_over(self, Connection connection) except -1
    cdef int serve(self) except -1
    cdef int late(self, Connection connection) except -1
    cdef int release(self, Connection connection) except -1
    cdef void begin_anew(self, Connection connection) noexcept
    cdef void describe(self, ff_facts *facts, Connection connection) noexcept


cdef inline bint has_to_wait(Crew crew, Connection connection) noexcept:
    """Can no thread take what the connection has sent?"""
    return crew.keeping and not connection.request.turned_away
