from libc.stdint cimport int64_t

cdef void note_failure(int64_t *slot, dict environ, int status) noexcept
cdef void note_cut(int64_t *slot, dict environ, int status) noexcept
