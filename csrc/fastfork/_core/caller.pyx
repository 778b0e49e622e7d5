"""Where the application is called: in the thread that has the hub.  And what becomes of a
connection that the application takes during the call.

A worker that calls it elsewhere replaces these methods (greenlets.pyx), and nothing else of
what becomes of a request.

Runs in: worker
"""

from posix.unistd cimport close

from fastfork._core.connection cimport CLOSED, LINGERING, NEVER, Connection
from fastfork._core.connections cimport EPOLLIN
from fastfork._core.crew cimport Seat, come_back, go_out
from fastfork._core.deadlines cimport LINGER
from fastfork._core.scoreboard cimport CONNECTIONS

import socket
import sys
import threading

cdef extern from "<fcntl.h>" nogil:
    int F_DUPFD_CLOEXEC
    int fcntl(int fd, int command, int lowest)

cdef extern from "<sys/socket.h>" nogil:
    int SHUT_WR
    int shutdown(int fd, int how)

cdef str SOCKET = sys.intern("fastfork.socket")

cdef enum:
    SPARE_MAX = 64     # responders that wait for work


cdef class Caller(Receiver):
    """app: the WSGI application.  See `Receiver` for the other arguments."""

    def __cinit__(self, app, **_kwargs):
        self.app = app

    cdef Responder _responder(self):
        cdef Responder responder = self.spare
        if responder is None:
            return Responder.__new__(Responder, self.site)
        self.spare, responder.next = responder.next, None
        self.spare_count -= 1
        return responder

    cdef int _give_back(self, Responder responder) except -1:
        """It has answered, and still holds what the application left behind."""
        cdef Seat seat = self.crew.seat
        responder.next = <Responder>seat.worn
        seat.worn = responder
        seat.worn_count += 1
        return 0

    cdef int _shed(self) except -1:
        """Let go of what the application left behind for the responses that this thread has made.

        It is the application's time and its thread: a finalizer may well roll a transaction back.
        Others have the hub meanwhile, and the answers are on their way."""
        cdef Seat seat = self.crew.seat
        cdef Responder responder = <Responder>seat.worn, following
        seat.worn = None
        seat.worn_count = 0
        go_out(self.crew, seat, self.now)
        while responder is not None:
            following = responder.next
            responder.shed()
            self._recycle(responder)
            responder = following
        come_back(self.crew, seat)
        return 0

    cdef int _recycle(self, Responder responder) except -1:
        """It may serve again if nobody else refers to what it gave away."""
        if responder.recyclable() and self.spare_count < SPARE_MAX:
            responder.next = self.spare
            self.spare = responder
            self.spare_count += 1
        else:
            responder.next = None
            responder.retire()
        return 0

    # What a response does next: FINISHED ... AWAY.

    cdef int _run(self, Responder responder) except -1:
        return responder.run(self.app)

    cdef int _resume(self, Responder responder) except -1:
        return responder.resume()

    cdef int _abandon(self, Responder responder) except -1:
        """The client is gone; the application hears of it by close()."""
        responder.abandon()
        return self._give_back(responder)

    # A connection that the application takes.

    def connection_of_call(self):
        """The connection whose request the calling thread is answering, None for none."""
        cdef Seat seat
        me = threading.get_ident()
        for seat in self.crew.seats:
            if seat.environ is not None and seat.ident == me:
                return seat.environ.get(SOCKET)
        return None

    def _detach(self, Connection connection):
        """The application takes the socket; see Connection.detach.  On a thread of its own,
        perhaps: what else the sending brings to light is for the loop to see to."""
        self.batch.flush()
        fd = connection.fd
        if fd < 0 or connection.broken or connection.outbox is not None:
            raise RuntimeError("the socket of a request cannot be detached: the client has not "
                               "read the answers before this one, or has left")
        self.batch.forget(connection)
        if connection.interest != NEVER:
            self.poller.unregister(fd)
        self.deadlines.remove(connection)
        self.table[fd] = None
        connection.fd = -1
        connection.state = CLOSED
        connection.detached = connection.broken = True
        self.connections -= 1
        self.slot[CONNECTIONS] = self.connections
        self._gone()
        sock = socket.socket(fileno=fd)
        sock.setblocking(False)  # as the descriptor is
        sealed, connection.sealed = connection.sealed, None
        rest = connection.take_rest()
        return self.site.take_over(sock, rest, sealed) if rest or sealed is not None else sock

    def _part(self, Connection connection):
        """The call has ended that took this connection by `gunicorn.socket`.

        What it has sent is for the client to read, so the connection lingers as any other that
        is closed (see _finish_connection), on a descriptor of ours.  A thread that still waits
        for the client hears of the end with it."""
        cdef Connection left
        cdef int fd = fcntl(connection.taken.fileno(), F_DUPFD_CLOEXEC, 0)
        if fd < 0:
            return  # the application has closed it
        connection.taken.close()
        if shutdown(fd, SHUT_WR) != 0:
            close(fd)
            return
        left = Connection.__new__(Connection)
        left.fd = fd
        left.hub = self
        left.port = -1
        left.interest = NEVER
        left.state = LINGERING
        left.parted = left.shared = True
        self._reserve(fd)
        self.table[fd] = left
        self.connections += 1
        self.slot[CONNECTIONS] = self.connections
        self.deadlines.set(left, LINGER, self.now)
        self._watch(left, EPOLLIN)
