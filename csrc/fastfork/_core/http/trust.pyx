"""Whose word is taken: what peers that are trusted say of the client for whom they speak.

Runs in: worker
"""

cimport cython

from fastfork._core.conn.connection cimport STRANGER, TRUSTED
from fastfork._core.http.environ cimport FORBIDDEN, REPEATED, SCRIPT, UPGRADES
from fastfork._core.http.scan cimport FF_UNDERSCORE

import sys

cdef str GUNICORN_SOCKET = sys.intern("gunicorn.socket")


@cython.final
cdef class Trust:
    """trusted: makes environs of peers that forwarded.trusts(address), None where there are none;
    forwarded.apply: see fastfork.http.Forwarded."""

    def __cinit__(self, Site site, EnvironBuilder trusted=None, forwarded=None):
        self.site = site
        self.trusted = trusted
        self.forwarded = forwarded

    cdef int ask(self, Connection connection) except -1:
        """Is the word of whoever sends the requests of this connection taken?  Sets `trust`.

        With the PROXY protocol that is the client which it names, if any: the proxy passes its
        bytes on and vouches for none of them."""
        connection.trust = STRANGER
        if self.trusted is not None and self.forwarded.trusts(connection.speaker):
            connection.trust = TRUSTED
        return 0

    cdef int believe(self, Connection connection, dict environ, int marks) except -1:
        """Have the environ say what the remarkable fields of its request mean.  marks: of these,
        see environ.pxd.  Returns 0, or a code to refuse the request with."""
        if marks & UPGRADES:
            environ[GUNICORN_SOCKET] = self.site.socket_of(connection)
            marks &= ~UPGRADES
            if not marks:
                return 0
        if marks & FORBIDDEN:
            return FF_UNDERSCORE
        return self.forwarded.apply(environ, marks & REPEATED != 0, marks & SCRIPT != 0)
