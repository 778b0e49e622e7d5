from libc.stdint cimport int64_t

from fastfork._core.conn.outbox cimport FileSegment
from fastfork._core.port cimport file_facts

cdef extern from "net/beneath.h" nogil:
    enum:
        FF_NAME_OK
        FF_NAME_NUL
        FF_NAME_TOO_LONG
    ctypedef struct ff_root:
        int fd
        bint follows
        bint walks
    int ff_name_fault(const char *p, size_t n)
    int ff_beneath_open(ff_root *root, const char *name)

cdef extern from "<sys/stat.h>" nogil:
    bint S_ISREG(unsigned int mode)
    bint S_ISDIR(unsigned int mode)


cdef class Mount:
    """A directory, and the paths below which its files are served."""
    cdef bytes prefix        # without a slash at its end
    cdef ff_root root
    cdef int open(self, const char *name, file_facts *facts) noexcept


cdef class Representation:
    """A file, or a variant of it, as it was when it was last opened."""
    cdef unsigned long long inode
    cdef int64_t size
    cdef int64_t seconds     # of its last change, since 1970
    cdef int64_t nanoseconds
    cdef str etag            # None where its date means nothing
    cdef str date            # Last-Modified, or None
    cdef bint lasts          # it cannot change any more without another date
    cdef list fields         # of a 200 response
    cdef list kept           # of a 304 response


cdef class Variant:
    """A file beside another one, which has its content in a coding."""
    cdef bytes name
    cdef str coding
    cdef int number          # of the coding
    cdef Representation now


cdef class Resource:
    """A path of URLs that names a file."""
    cdef Mount mount
    cdef bytes name          # below the directory
    cdef str media_type
    cdef list extras         # fields of all its responses, errors too
    cdef list common         # ... and of those that are none
    cdef bint may_vary       # there may be variants
    cdef Representation plain
    cdef list variants       # the smallest first
    cdef int64_t looked_ns   # when they were looked for; 0 = never
    cdef int describe(self, facts) except -1
    cdef Representation select(self, dict environ, FileSegment file, file_facts *facts)
    cdef int _look_for_variants(self, const file_facts *file, int64_t now) except -1
    cdef Variant _preferred(self, dict environ)
    cdef Representation _represented(self, const file_facts *facts, str coding)
