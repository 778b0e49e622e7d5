cdef enum:
    DEFLATE_FROM = 1 << 10    # bytes: what is shorter is sent as it is


cdef class Deflate:
    cdef object compressor     # None while there is no state to keep
    cdef object decompressor
    cdef unsigned char server_bits, client_bits          # log2 of the windows
    cdef unsigned char server_takeover, client_takeover  # does a message use what was in others?
    cdef bytes deflate(self, bytes data)
    cdef bytes inflate(self, char *p, Py_ssize_t n, Py_ssize_t most, int *code)
