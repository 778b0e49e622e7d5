cimport cython

from fastfork._core.conn.connection cimport Connection
from fastfork._core.http.environ cimport EnvironBuilder
from fastfork._core.http.site cimport Site


@cython.final
cdef class Trust:
    cdef Site site
    cdef EnvironBuilder trusted  # makes environs of those whose word is taken, or None
    cdef object forwarded      # what is made of their word
    cdef int ask(self, Connection connection) except -1
    cdef int believe(self, Connection connection, dict environ, int marks) except -1
