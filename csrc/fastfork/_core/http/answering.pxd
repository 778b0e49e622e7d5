cimport cython
from libc.stdint cimport int64_t

from fastfork._core.http.answer cimport Answerer
from fastfork._core.conn.batch cimport Batch
from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.connections cimport Connections
from fastfork._core.loop.crew cimport Crew
from fastfork._core.apps.gateway cimport Gateway
from fastfork._core.http.request cimport Request
from fastfork._core.http.site cimport Site
from fastfork._core.http.writer cimport ResponseWriter


@cython.final
cdef class Answering:
    cdef readonly Gateway gateway  # whoever calls the application
    cdef public Answerer static  # asked before the application; None without static files
    cdef Connections connections
    cdef Site site
    cdef readonly Crew crew
    cdef Batch batch
    cdef int64_t *slot
    cdef readonly int64_t asked_ns  # since when the request waits that is being answered
    cdef int64_t usual_ns      # what a call of the application takes
    cdef int answer(self, Connection connection, Request request) except -1
    cdef int refuse(self, Connection connection, int code, int status) except -1
    cdef int resume(self, Connection connection, Request request) except -1
    cdef int _go_on(self, Connection connection, Request request, ResponseWriter writer,
                    int how) except -1
    cdef int _forget(self, Request request) except -1
    cdef dict _seen(self, Connection connection, Request request)
    # What a gateway may ask of it, whose requests are AWAY.
    cdef int64_t clock(self) except -1
    cdef int went_away(self, Connection connection) except -1
    cdef int came_back(self, Connection connection, ResponseWriter writer, int how) except -1
