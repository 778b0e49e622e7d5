"""What many streams are sent over: the seam towards a connection that has more than one response
on its way.

Whoever answers a request of such a stream deals with a `Connection` that stands for it, has no
descriptor, and whose `carrier` is one of these.

Runs in: worker
"""

from fastfork._core.conn.connection cimport Connection
from fastfork._core.conn.outbox cimport Outbox

cdef str EACH = "each carrier has its own"


cdef class Carrier:
    """Called by the thread that is inside (turnstile.pyx)."""

    cdef int put(self, Connection stream, const char *p, Py_ssize_t n, bytes body) except -1:
        """Send the n bytes at p, and then `body` where it is not None, on this stream: a head as
        HTTP/1.1 has it, and the body behind it without any framing."""
        raise AssertionError(EACH)

    cdef int pump(self) except -1:
        """Let go into the batch what has been put, as far as the client and the socket take it."""
        raise AssertionError(EACH)

    cdef Outbox outbox_of(self, Connection stream):
        """What waits to be sent on it."""
        raise AssertionError(EACH)

    cdef int give_up(self, Connection stream) except -1:
        """Nothing more can be sent on it: its client is to see that."""
        raise AssertionError(EACH)

    cdef int descriptor(self) noexcept:
        """That of the connection; -1 when it is closed."""
        return -1

    cdef object tls_object(self):
        """The `ssl.SSLObject` of the connection, or None."""
        return None
