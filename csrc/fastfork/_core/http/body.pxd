from libc.stdint cimport int64_t

from fastfork._core.http.scan cimport ff_chunked


cdef class EmptyInput:
    pass


cdef class Body:
    cdef bint chunked
    cdef bint exact            # there is memory for all of it, and that much is known to come
    cdef ff_chunked decoder
    cdef bint until_end        # its protocol says where it ends: `ended` is set with the last of it
    cdef bint ended
    cdef int64_t most          # bytes of such a body, 0 = no limit
    cdef int64_t left          # of a Content-Length body still to come
    cdef readonly int64_t size  # bytes kept so far
    cdef int64_t due           # the client must have sent more by then (body_min_rate)
    cdef int64_t grace_ns      # ... of which so much was given in advance
    cdef int64_t spool_after
    cdef object spool_dir
    cdef object file           # None while the body is in memory
    cdef object memory         # bytes under construction, `capacity` long
    cdef Py_ssize_t capacity
    cdef int64_t reserved      # bytes of what all bodies may have in memory together
    cdef bint _reserve(self, int64_t total) noexcept
    cdef void _release(self) noexcept
    # 1: the body is complete; 0: more is needed; < 0: the code of a refusal.
    cdef int feed(self, const char **p, const char *end) except -1000
    cdef int _feed_until_end(self, const char **p, const char *end) except -1000
    cdef int _keep(self, const char *p, Py_ssize_t n) except -1
    cdef int _make_room(self, Py_ssize_t n) except -1
    # Where recv() may write, and how much; NULL when bytes must go through feed().
    cdef char *tail(self, Py_ssize_t *room) except? NULL
    cdef bint wrote(self, Py_ssize_t n)
    cdef object input(self)
    cdef int discard(self) except -1
