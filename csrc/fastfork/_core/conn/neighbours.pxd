cimport cython
from libc.stdint cimport int64_t


@cython.final
cdef class Neighbours:
    cdef int64_t *own          # the slot of this worker
    cdef int64_t *board        # the slots of all workers; NULL: there is nobody to share with
    cdef object board_view     # keeps it
    cdef Py_ssize_t workers    # slots to look at
    cdef int64_t fair_share(self, int64_t now) noexcept
    cdef bint wait_for_work(self, int64_t now) noexcept
