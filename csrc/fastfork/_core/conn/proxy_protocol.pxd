cimport cython

from fastfork._core.http.answering cimport Answering
from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.connections cimport Connections
from fastfork._core.conn.crowded cimport Crowded
from fastfork._core.http.protocol cimport Protocol
from fastfork._core.conn.request_queue cimport RequestQueue


@cython.final
cdef class ProxyProtocol(Protocol):
    cdef Connections connections
    cdef Crowded crowded
    cdef RequestQueue queue
    cdef Answering answering
    cdef Protocol inner        # what follows
    cdef Protocol http1        # what a refusal is told in
    cdef int versions          # of the protocol that are taken
    cdef object is_proxy       # address -> may this peer say for whom it speaks?
    cdef int _take(self, Connection connection, const char *p, Py_ssize_t n,
                   bint is_first) except -1
    cdef int _refuse(self, Connection connection, int code) except -1
