"""What the bytes of a connection mean: the seam between the loop and those who know.

`Connection.protocol` has the object.  The loop calls it with what happens, and so do those who
answer requests; that is all that is called upwards, beside `Gateway` and `Sink`.  What a protocol
wants it calls by itself: `Connections`, `Answering`.  `ProxyProtocol` and `Tls` are protocols that
stand in front and then put another in their place; so a connection may begin with either, and
what follows is chosen when it is known.  One object serves all connections of a worker where it
keeps nothing of any of them (`Http1`), else each connection has its own.

Runs in: worker
"""

from fastfork._core.conn.connection cimport Connection
from fastfork._core.http.request cimport Request
from fastfork._core.http.writer cimport ResponseWriter

cdef str EACH = "each protocol has its own"


cdef class Protocol:
    """All of it is called by the thread that is inside (turnstile.pyx)."""

    cdef int open(self, Connection connection) except -1:
        """The connection speaks it from now on.  Nothing of it has been received."""
        raise AssertionError(EACH)

    cdef int event(self, Connection connection, int mask) except -1:
        """The poller has reported `mask`.  Not called of a connection that lingers."""
        raise AssertionError(EACH)

    cdef int readable(self, Connection connection) except -1:
        """Receive once, from a connection that has most likely sent something."""
        raise AssertionError(EACH)

    cdef int received(self, Connection connection, const char *p, Py_ssize_t n) except -1:
        """n bytes at p have come, n >= 0, which somebody in front has received."""
        raise AssertionError(EACH)

    cdef int resume(self, Connection connection) except -1:
        """It was in `Connections.ready`: go on with it."""
        return 0

    cdef int after_flush(self, Connection connection) except -1:
        """Something was sent that left this connection unfinished: a part of it was not taken, or
        it was the last.  So it is when the client can take more."""
        raise AssertionError(EACH)

    cdef int late(self, Connection connection, int wait) except -1:
        """The time for `wait` (deadlines.pxd) is over.  Not called of one that lingers."""
        raise AssertionError(EACH)

    cdef int drain(self, Connection connection) except -1:
        """The worker leaves: it finishes what it has.  New deadlines are set already."""
        return 0

    cdef int closed(self, Connection connection) except -1:
        """It is closed: let go of what it holds, and of the responses that wait to go on."""
        return 0

    cdef int leave_to_parent(self, Connection connection) except -1:
        """In a child that is not ours, see `Connections.let_go_of_all`: what it holds is the
        parent's, files too."""
        return 0

    cdef int away(self, Connection connection) except -1:
        """The answer to its request goes on outside the loop; see AWAY in writer.pxd."""
        raise AssertionError(EACH)

    cdef int after_response(self, Connection connection, ResponseWriter writer, int how) except -1:
        """A response has ended or paused; how: what it does next (writer.pxd).  It is called for
        connections that have been closed meanwhile too."""
        raise AssertionError(EACH)

    cdef int watch(self, Connection connection, Request request) except -1:
        """What `request.sink` wants has changed."""
        raise AssertionError(EACH)

    cdef int wait(self, Connection connection, Request request, int kind) except -1:
        """The sink is to hear when a wait of this kind (deadlines.pxd), which begins now, is over;
        NOTHING: of none."""
        raise AssertionError(EACH)

    cdef int lose(self, Connection connection, Request request) except -1:
        """Give the client of this request up: its sink hears that it has left."""
        raise AssertionError(EACH)

    cdef int keep(self, Connection connection, const char *p, Py_ssize_t n) except -1:
        """n bytes at p came behind the body of the request that is being answered."""
        raise AssertionError(EACH)
