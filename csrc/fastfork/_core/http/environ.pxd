cimport cython
from cpython.object cimport PyObject
from libc.stdint cimport uint8_t, uint32_t

from fastfork._core.http.blocks cimport FieldBlocks
from fastfork._core.http.scan cimport ff_field, ff_framing, ff_head

cdef enum:
    NAME_MAX = 48      # longer field names are not cached
    VALUE_MAX = 256    # nor are longer values
    NAMES = 256        # names a worker keeps; a power of two


cdef enum:  # what is remarkable in a request's fields
    FORWARDED = 1      # one that says something if the peer is trusted
    REPEATED = 2       # ... and more than once
    OWN = 4            # a forwarder's, with an underscore
    SCRIPT = 8         # SCRIPT_NAME among them
    FORBIDDEN = 16     # a name with an underscore that is refused
    UPGRADES = 32      # another protocol is wished for


cdef struct name_entry:
    PyObject *key      # "HTTP_..." interned; Py_None: the field is dropped
    PyObject *value    # the last value seen, or NULL
    uint32_t hash
    uint8_t size
    uint8_t keeps_value
    uint8_t mark       # of those below; such a value is not kept
    char name[NAME_MAX]


@cython.final
cdef class EnvironBuilder:
    cdef readonly FieldBlocks blocks
    cdef name_entry *names
    cdef set _told
    cdef object _on_dropped
    cdef bint _maps_underscores
    cdef bint _casefolds
    cdef bint _refuses
    cdef bint _keeps_fields
    cdef object _watched       # environ keys, or None
    cdef object _forwarders    # field names in upper case, or None
    cdef dict _own             # what came in fields of forwarders
    cdef int marks             # of the last request that was built
    cdef dict _repeats         # key -> the values of a repeated field, in order; or None
    cdef object _key(self, const char *name, Py_ssize_t n, const ff_field *field,
                     bint keeps)
    cdef name_entry *_entry(self, const char *name, Py_ssize_t n,
                            const ff_field *field) except NULL
    cdef uint8_t _mark(self, const char *name, const ff_field *field, key)
    cdef int _note(self, int mark, object key, object value) except -1
    cdef list _fields(self, const char *base, const ff_head *head)
    cdef int _add_field(self, dict environ, const char *base, const ff_field *field) except -1
    cdef object _text(self, const char *p, Py_ssize_t n, const ff_field *field)
    cdef int _repeat(self, object key, object old, object value) except -1
    cdef int _join_repeats(self, dict environ) except -1
    cdef dict _with_fields(self, const char *base, const ff_head *head, const ff_framing *framing)
    cdef dict build(self, const char *base, const ff_head *head, const ff_framing *framing)


cdef bytes unfolded(bytes value)
