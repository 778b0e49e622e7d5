"""Where the application is called: in the thread that has the hub.

A worker that calls it elsewhere replaces these methods (greenlets.pyx), and nothing else of
what becomes of a request.

Runs in: worker
"""


cdef class Caller(Receiver):
    """app: the WSGI application.  See `Receiver` for the other arguments."""

    def __cinit__(self, app, **_kwargs):
        self.app = app

    cdef Responder _responder(self):
        cdef Responder responder = self.spare
        if responder is None:
            return Responder.__new__(Responder, self.site)
        self.spare = None
        return responder

    cdef int _give_back(self, Responder responder) except -1:
        """It has answered, and may serve again if nobody else refers to what it gave away."""
        if responder.recyclable():
            self.spare = responder
        else:
            responder.retire()
        return 0

    # What a response does next: FINISHED ... AWAY.

    cdef int _run(self, Responder responder, dict environ) except -1:
        return responder.run(self.app, environ)

    cdef int _resume(self, Responder responder) except -1:
        return responder.resume()

    cdef int _abandon(self, Responder responder) except -1:
        """The client is gone; the application hears of it by close()."""
        return responder.abandon()
