from libc.stdint cimport uint8_t, uint32_t

cdef bint has_unsafe(const uint8_t *p, uint32_t n) noexcept nogil
cdef uint32_t quotes_in(const uint8_t *p, uint32_t n) noexcept nogil
