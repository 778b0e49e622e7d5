from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t

from fastfork._core.http.scan cimport ff_framing


cdef struct block:
    uint64_t hash      # of the bytes; 0: nobody has the place
    char *bytes        # NULL: only the hash has been seen
    uint32_t size
    int marks          # of the fields, see environ.pxd
    ff_framing framing
    PyObject *template
    PyObject *environ


cdef class FieldBlocks:
    cdef block *places
    cdef uint64_t seed
    cdef readonly Py_ssize_t kept   # bytes that all blocks take, about
    cdef public double kept_seconds  # how old one may get
    cdef int64_t since_ns          # when the oldest of them was made
    # Of the head that is being read: what is asked, and the answer.
    cdef dict template             # the environ that the listener begins with
    cdef uint16_t hint             # where the block of its connection's last request is, + 1
    cdef dict known                # the environ that an equal block has led to; None: there is none
    cdef int marks
    cdef ff_framing framing
    cdef uint64_t hash
    cdef const char *at
    cdef uint32_t size             # 0: this one is not to be kept
    cdef bint is_seen              # it came before

    cdef Py_ssize_t find(self, const char *p, Py_ssize_t n) except -1
    cdef Py_ssize_t _found(self, block *one) except -1
    cdef int keep(self, dict environ, int marks, const ff_framing *framing) except -1
    cdef int _drop(self, block *one) except -1


cdef inline int ask(FieldBlocks blocks, dict template, uint16_t hint) except -1:
    """The next head is of a connection with this template and hint."""
    blocks.template = template
    blocks.hint = hint
    blocks.known = None
    blocks.size = 0
    blocks.is_seen = False
    return 0
