from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint32_t

from fastfork._core.scan cimport ff_field, ff_head

cdef enum:
    NAME_MAX = 48      # longer field names are not cached
    VALUE_MAX = 256    # nor are longer values
    NAMES = 256        # names a worker keeps; a power of two


cdef struct name_entry:
    PyObject *key      # "HTTP_..." interned; Py_None: the field is dropped
    PyObject *value    # the last value seen, or NULL
    uint32_t hash
    uint8_t size
    uint8_t keeps_value
    char name[NAME_MAX]


cdef class EnvironBuilder:
    cdef name_entry *names
    cdef set _told
    cdef object _on_dropped
    cdef bint _maps_underscores
    cdef bint _casefolds
    cdef dict _repeats         # key -> the values of a repeated field, in order; or None
    cdef object _key(self, const char *name, Py_ssize_t n, const ff_field *field,
                     bint keeps)
    cdef name_entry *_entry(self, const char *name, Py_ssize_t n,
                            const ff_field *field) except NULL
    cdef int _add_field(self, dict environ, const char *base, const ff_field *field) except -1
    cdef object _text(self, const char *p, Py_ssize_t n, const ff_field *field)
    cdef int _repeat(self, object key, object old, object value) except -1
    cdef int _join_repeats(self, dict environ) except -1
    cdef dict build(self, dict template, const char *base, const ff_head *head)


cdef bytes unfolded(bytes value)
