from libc.stdint cimport int64_t

cdef enum:  # what the conditions of a request say
    SEND           # it is answered as if there were none
    NOT_MODIFIED   # 304
    FAILED         # 412

cdef enum:  # of a Range field, besides the offset of the first byte
    WHOLE = -1     # there is no range that counts
    BEYOND = -2    # 416

cdef int decide(dict environ, str etag, int64_t modified, str date) except -1
cdef int64_t range_of(str value, int64_t size, int64_t *length) except -3
cdef bint is_same(str validator, str etag, str date)
cdef bint has_tag(str value, str etag, bint weakly) except -1
