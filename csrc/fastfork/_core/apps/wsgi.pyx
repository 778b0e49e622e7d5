"""Where a WSGI application is called: in the thread that is inside.

Runs in: worker
"""

from libc.stdint cimport int64_t

from fastfork._core.conn.connection cimport Connection
from fastfork._core.loop.crew cimport Seat, come_back, go_out
from fastfork._core.apps.response cimport Responder
from fastfork._core.http.writer cimport ResponseWriter

import sys
import threading

cdef str SOCKET = sys.intern("fastfork.socket")

cdef enum:
    SPARE_MAX = 64     # responders that wait for work


cdef class WsgiGateway(Gateway):
    """app: the WSGI application.  site: what its responses share."""

    def __cinit__(self, app, Site site):
        self.app = app
        self.site = site
        self.crew = site.crew

    cdef ResponseWriter writer(self, dict environ):
        cdef Responder responder = self.spare
        if responder is None:
            return Responder.__new__(Responder, self.site)
        self.spare, responder.next = responder.next, None
        self.spare_count -= 1
        return responder

    cdef int answer(self, ResponseWriter writer) except -1:
        return (<Responder>writer).run(self.app)

    cdef int resume(self, ResponseWriter writer) except -1:
        return (<Responder>writer).resume()

    cdef int abandon(self, ResponseWriter writer) except -1:
        """The application hears of it by close()."""
        (<Responder>writer).abandon()
        return self.done(writer)

    cdef int done(self, ResponseWriter writer) except -1:
        """It has answered, and still holds what the application left behind."""
        cdef Seat seat = self.crew.seat
        cdef Responder responder = <Responder>writer
        responder.next = <Responder>seat.worn
        seat.worn = responder
        seat.worn_count += 1
        return 0

    cdef int shed(self, int64_t now) except -1:
        """It is the application's time and its thread: a finalizer may well roll a transaction
        back.  Others have the loop meanwhile, and the answers are on their way."""
        cdef Seat seat = self.crew.seat
        cdef Responder responder = <Responder>seat.worn, following
        seat.worn = None
        seat.worn_count = 0
        go_out(self.crew, seat, now)
        while responder is not None:
            following = responder.next
            responder.shed()
            self.recycle(responder)
            responder = following
        come_back(self.crew, seat)
        return 0

    cdef int recycle(self, Responder responder) except -1:
        """It may serve again if nobody else refers to what it gave away."""
        if responder.recyclable() and self.spare_count < SPARE_MAX:
            responder.next = self.spare
            self.spare = responder
            self.spare_count += 1
        else:
            responder.next = None
            responder.retire()
        return 0

    cdef Connection connection_of_call(self):
        cdef Seat seat
        me = threading.get_ident()
        for seat in self.crew.seats:
            if seat.environ is not None and seat.ident == me:
                return seat.environ.get(SOCKET)
        return None
