"""What hears of a connection while an application answers its request in a task.

The loop goes on watching such a connection: more of the body comes, frames of a WebSocket come, the
client reads, or leaves.  Without a sink all of that waits until the response has ended.

Runs in: worker
"""


cdef class Sink:
    """Called by the loop, whose thread is inside (turnstile.pyx)."""

    cdef int wants(self) noexcept:
        """MORE where there is room for more bytes.  Else nothing is received: LATER for now, NO_MORE
        until the response has ended."""
        return NO_MORE

    cdef int received(self, char *p, Py_ssize_t n) except -1:
        """n bytes at p have come, n > 0.  They may be changed there, and are gone afterwards."""
        return 0

    cdef int ended(self) except -1:
        """The client sends no more: it has shut its side down.  It may still read."""
        return 0

    cdef int left(self) except -1:
        """The client is gone: `Connection.broken` is set, and nothing more can be sent."""
        return 0

    cdef int drained(self) except -1:
        """The client has taken what waited for it, or so much that more may follow."""
        return 0

    cdef int late(self, int wait) except -1:
        """The time for `wait` (deadlines.pxd) is over."""
        return 0
