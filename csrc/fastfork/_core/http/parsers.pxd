from libc.stdint cimport int64_t, uint32_t

from fastfork._core.http.blocks cimport FieldBlocks
from fastfork._core.http.scan cimport ff_field, ff_framing, ff_head, ff_limits


cdef class HeadParser:
    cdef ff_head head
    cdef ff_framing framing
    cdef ff_limits limits
    cdef ff_limits lenient     # ... of peers whose field names may have underscores
    cdef readonly int64_t max_body
    cdef Py_ssize_t line  # bytes up to the field lines
    # > 0: bytes of the head; FF_NEED_DATA; or the (negative) code of a refusal.
    # blocks: may know the field block; None: it is to be read in any case.
    # limits: one of the two above.
    cdef Py_ssize_t parse(self, const char *p, Py_ssize_t n, FieldBlocks blocks,
                          const ff_limits *limits) except 0
    cdef Py_ssize_t _read_fields(self, const char *p, Py_ssize_t n,
                                 const ff_limits *limits) except 0
    cdef int _grow_fields(self) except -1


cdef class HttptoolsParser(HeadParser):
    cdef object _make
    cdef object _upgrade
    cdef object _invalid_method
    cdef object _error
    cdef object _parser
    cdef object _feed
    cdef Lens _lens
    cdef Witness _witness
    cdef bint _agrees(self, const char *p, Py_ssize_t n, bint has_body) except -1
    cdef bytes _plainer(self, const char *p, Py_ssize_t n)
    cdef bint _is_foreign(self, const char *p) except -1


cdef class Lens:
    cdef const char *at
    cdef Py_ssize_t size


cdef class Witness:
    cdef int heads
    cdef int messages
