from cpython.object cimport PyObject
from libc.stdint cimport int64_t

from fastfork._core.connection cimport Connection

cdef enum:
    BATCH_RESPONSES = 16
    BATCH_BYTES = 64 << 10
    BATCH_NS = 150000


cdef struct pending:
    PyObject *connection
    PyObject *body       # sent after the bytes of the buffer, by reference; or NULL
    Py_ssize_t start
    Py_ssize_t end


cdef class Batch:
    cdef char *buffer
    cdef Py_ssize_t size
    cdef Py_ssize_t capacity
    cdef pending items[BATCH_RESPONSES]
    cdef int count
    cdef int64_t first_ns      # when the oldest response in it was ready
    cdef readonly int64_t bytes_sent
    cdef list done             # connections to look at after a flush
    cdef char *room(self, Py_ssize_t n) except NULL
    cdef int push(self, Connection connection, Py_ssize_t n, bytes body) except -1
    cdef int flush(self) except -1
    cdef int _send(self, pending *item) except -1
    cdef int look_at(self, Connection connection) except -1
    cdef bint full(self)
