"""The seam between the loop and whoever calls an application.

The loop has a complete request and asks the gateway to have it answered.  What comes back says how
it goes on (writer.pxd): FINISHED, or BLOCKED, YIELDED and WATCHED, upon which the loop calls
`resume` when it is time, or AWAY: then the gateway comes back by itself, through `Hub.came_back`.
Nothing else of what becomes of a request depends on the kind of application.

Runs in: worker
"""

from libc.stdint cimport int64_t

from fastfork._core.conn.connection cimport Connection
from fastfork._core.http.writer cimport ResponseWriter

cdef str EACH = "each kind of gateway has its own"


cdef class Gateway:
    """Calls applications of one kind.  All of it is called by the thread that is inside
    (turnstile.pyx)."""

    cdef ResponseWriter writer(self, dict environ):
        """A response to begin, for the request of `environ`; None for a page of the server's own."""
        raise AssertionError(EACH)

    cdef int answer(self, ResponseWriter writer) except -1:
        """Call the application for `writer.environ`.  Returns what the response does next; raises
        what is not the application's to raise."""
        raise AssertionError(EACH)

    cdef int resume(self, ResponseWriter writer) except -1:
        """Go on with a response that was BLOCKED, YIELDED or WATCHED.  Returns the same."""
        raise AssertionError(EACH)

    cdef int abandon(self, ResponseWriter writer) except -1:
        """The client of a response that waits to go on has left: end it."""
        raise AssertionError(EACH)

    cdef int done(self, ResponseWriter writer) except -1:
        """The loop has no further use for a response that has ended."""
        raise AssertionError(EACH)

    cdef int shed(self, int64_t now) except -1:
        """Let go of what the application left behind for the responses of this thread.

        It is called where `Seat.worn` says that there are some; now: monotonic nanoseconds."""
        return 0

    cdef int turn_begins(self) except -1:
        """A turn of the loop begins.  Asked only where `suspends`."""
        return 0

    cdef int turn_ends(self) except -1:
        """It has ended."""
        return 0

    cdef bint at_work(self) noexcept:
        """Does it call the application though no request of a connection is open?"""
        return False

    cdef Connection connection_of_call(self):
        """The connection whose request the calling thread is answering, None for none."""
        return None
