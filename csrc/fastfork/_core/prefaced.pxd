from fastfork._core.connection cimport Connection
from fastfork._core.environ cimport EnvironBuilder
from fastfork._core.secured cimport Secured


cdef class Prefaced(Secured):
    cdef int proxy_versions    # of the PROXY protocol that connections must begin with, 0 = none
    cdef object is_proxy       # address -> may this peer say for whom it speaks?

    cdef EnvironBuilder trusted  # makes environs of those whose word is taken, or None
    cdef object forwarded      # what is made of their word

    cdef int _ask(self, Connection connection) except -1
    cdef int _believe(self, Connection connection, dict environ, int marks) except -1
    cdef int _fill_preface(self, Connection connection) except -1
    cdef int _take_preface(self, Connection connection, const char *p, Py_ssize_t n,
                           bint is_first) except -1
