# What several layers of the hub need of the C library, and the size of what they receive into.

cdef enum:
    RECEIVE_BYTES = 64 << 10  # of the buffer that each thread receives into

cdef extern from "<sys/socket.h>" nogil:
    int MSG_DONTWAIT
    int MSG_PEEK
    ssize_t recv(int fd, void *p, size_t n, int flags)
