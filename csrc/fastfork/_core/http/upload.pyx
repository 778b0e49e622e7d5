"""A request body that an application reads while it comes.

Runs in: worker
"""

from fastfork._core.http.body cimport Body

cdef enum:
    AHEAD_MAX = 64 << 10      # bytes received ahead of the application


cdef class Upload(Body):
    """Keeps what the application has not taken, and no more than AHEAD_MAX and one receive."""

    def __cinit__(self, *args, **kwargs):
        self.data = bytearray()

    cdef int _keep(self, const char *p, Py_ssize_t n) except -1:
        self.data += p[:n]
        self.size += n
        return 0

    cdef char *tail(self, Py_ssize_t *room) except? NULL:
        return NULL

    cdef bytes take(self):
        """What has come since the last call."""
        data, self.data = self.data, bytearray()
        return bytes(data)

    cdef void pause(self, int64_t now) noexcept:
        """The application waits for no more of it: the client's time stands still (`due`)."""
        self.paused_ns = now

    cdef void proceed(self, int64_t now) noexcept:
        """It does again."""
        if self.paused_ns:
            self.due += now - self.paused_ns
            self.paused_ns = 0

    cdef bint is_full(self) noexcept:
        """Has the client sent as much as is kept ahead of the application?"""
        return len(<bytearray>self.data) >= AHEAD_MAX

    cdef object input(self):
        """All of it, where it has come before anybody was asked to answer."""
        return self.take()
