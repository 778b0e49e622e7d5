from libc.stdint cimport int64_t

cdef enum:
    TURN_BYTES = 1 << 20   # handed to one client before others get their turn
    SHORT = -1             # `fault`: a file has become shorter
    FOLLOW_BYTES = 64 << 10  # left in memory, upon which whoever waits for the client may go on
    FILE_COPY_MAX = 32 << 10  # shorter files are read and sent with the head


cdef class FileSegment:
    cdef int fd
    cdef int64_t offset
    cdef int64_t left
    cdef bint is_spill  # bytes of the Outbox's own file
    cdef bint is_read   # sendfile(2) cannot be had for it


cdef FileSegment owning(int fd)


cdef class Outbox:
    cdef list queue
    cdef Py_ssize_t first   # index of the first unsent segment
    cdef Py_ssize_t offset  # bytes of it that are sent
    cdef readonly int64_t size  # bytes held in memory
    cdef int64_t counted        # ... by nobody else, as the worker counted it last
    cdef int file              # what spill() writes to, -1 before
    cdef int64_t spilled       # bytes written to it
    cdef int fault             # errno of a file that cannot be read, or SHORT
    cdef int add(self, bytes data) except -1
    cdef int add_file(self, FileSegment segment) except -1
    cdef int64_t in_memory(self)
    cdef int64_t weight(self)
    cdef int spill(self, directory) except -1
    cdef int send(self, int fd) except -2
    cdef int _send_file(self, int fd, Py_ssize_t *sent) noexcept
    cdef int _send_bytes(self, int fd, Py_ssize_t *sent) except -2
    cdef bint empty(self)
