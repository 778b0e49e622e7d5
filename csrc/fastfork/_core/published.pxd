from libc.stdint cimport int64_t

cdef extern from "published.h" nogil:
    void ff_publish(int64_t *word, int64_t value)
    int64_t ff_look(const int64_t *word)
