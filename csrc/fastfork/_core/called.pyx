"""A response where code of others has been called: it may have forked, and we may be the child.

Runs in: worker
"""

from libc.stdint cimport int64_t

from fastfork._core.batch cimport NOT_ASKED
from fastfork._core.connection cimport Connection
from fastfork._core.crew cimport Crew
from fastfork._core.exchange cimport Exchange

import sys

from fastfork import forks


cdef class Called(Exchange):
    """What `Responder` is built on besides."""

    cdef int _start(self, line, fields, logged) except -1:
        """Begin a response of the server's.  logged: fields for the access log, None: no line."""
        self.head = self._unused_head()
        self.head.set(line, fields)
        self.started = True
        if self.site.access_line is not None and logged is not None:
            self.status = line
            self.fields = logged
        return 0

    cdef object _access_line(self, int64_t now):
        cdef Connection connection = self.connection
        cdef Crew crew = self.site.crew
        # It calls what is in the environ, and perhaps hooks.  A connection that is not busy is not
        # ours alone, and has nothing of the application's.
        cdef bint goes_out = connection.busy
        if self.site.line_waits and crew.aside and self.site.batch.waiting():
            # The client need not wait for what that does.
            self.site.batch.hold(connection, True, NOT_ASKED)
        environ = self.environ or {"REMOTE_ADDR": connection.remote_addr}
        if goes_out:
            crew.out(self.seat, now)
        try:
            return self.site.access_line(environ, self.status, self.sent, now - self.began_ns,
                                         self.fields)
        finally:
            self._stay_or_leave(sys.exc_info()[1])
            if goes_out:
                crew.back(self.seat)

    cdef int _stay_or_leave(self, error) except -1:
        if self.site.crew.forks.foreign:
            self._leave(error)
        return 0

    def _leave(self, error):
        """This is a child of the application's, which has come back to us."""
        environ = self.environ or {}
        forks.leave(error, out_of=f"{environ.get('REQUEST_METHOD')} {environ.get('RAW_URI')}")
