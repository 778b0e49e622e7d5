from fastfork._core.conn.connection cimport Connection
from fastfork._core.http.request cimport Request
from fastfork._core.http.writer cimport ResponseWriter


cdef class Protocol:
    # What the loop has to say of a connection.
    cdef int open(self, Connection connection) except -1
    cdef int event(self, Connection connection, int mask) except -1
    cdef int readable(self, Connection connection) except -1
    cdef int received(self, Connection connection, const char *p, Py_ssize_t n) except -1
    cdef int resume(self, Connection connection) except -1
    cdef int after_flush(self, Connection connection) except -1
    cdef int late(self, Connection connection, int wait) except -1
    cdef int drain(self, Connection connection) except -1
    cdef int closed(self, Connection connection) except -1
    cdef int leave_to_parent(self, Connection connection) except -1
    # What becomes of a request.
    cdef int away(self, Connection connection) except -1
    cdef int after_response(self, Connection connection, ResponseWriter writer, int how) except -1
    # What the application's side wants of it, for a request that has a sink.
    cdef int watch(self, Connection connection, Request request) except -1
    cdef int wait(self, Connection connection, Request request, int kind) except -1
    cdef int lose(self, Connection connection, Request request) except -1
    cdef int keep(self, Connection connection, const char *p, Py_ssize_t n) except -1
