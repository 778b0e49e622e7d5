from libc.stdint cimport int64_t

cdef extern from "orphan.h" nogil:
    ctypedef struct ff_orphan:
        int death
        int dump
        int parent
        int64_t dump_ns
        int64_t kill_ns
        void (*tell)(int) noexcept nogil
        int told
    int ff_orphan_watch(const ff_orphan *orphan)
    void ff_orphan_end_in(int64_t ns)

cdef extern from "port.h" nogil:
    int ff_process_option(int option, unsigned long value)
