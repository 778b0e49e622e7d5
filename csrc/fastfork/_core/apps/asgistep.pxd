from libc.stdint cimport int64_t

from fastfork._core.apps.asgicall cimport AsgiCall


cdef class Step:
    cdef AsgiCall call
    cdef int64_t number        # of the request it is for: the call may serve another by now
    cdef dict message
    cdef object future         # that it waits for, or None
    cdef object waiting        # ... and the iterator of that
    cdef bint sends            # it is a send(), else a receive()
    cdef object result         # see _goes_on
    cdef bint _goes_on(self) except -1
    cdef bint _wait(self) except -1
    cdef bint _end_late(self)
    cdef int _forget(self) except -1
