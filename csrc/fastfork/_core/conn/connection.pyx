"""A client connection.

An idle connection holds no buffer: bytes are received into the worker's own buffer and only
what does not yet make a request is copied aside (`partial`).  What waits to be sent is in its
`Outbox`.

Runs in: worker
"""

from libc.stdint cimport int64_t
from libc.stdlib cimport free, realloc
from libc.string cimport memcpy

import os
import socket

from fastfork._core.base cimport MSG_DONTWAIT, MSG_PEEK, recv
from fastfork._core.http.carrier cimport Carrier
from fastfork._core.conn.tls_stream cimport TlsOutbox
from fastfork._core.text cimport PyBytes_GET_SIZE


cdef extern from "<poll.h>" nogil:
    struct pollfd:
        int fd
        short events
        short revents
    int poll(pollfd *fds, unsigned long count, int timeout)


cdef int64_t partials = 0  # bytes of all connections together


cdef int64_t partial_bytes() noexcept:
    """Memory of all that is received and not yet used, of every connection."""
    return partials


cdef class Connection:
    """One client.  In the environ it stands as `fastfork.socket`: the way to the socket for
    applications that must have it."""

    def __dealloc__(self):
        self.forget_partial()

    def fileno(self):
        """Descriptor of the connection, -1 when it is closed."""
        return self.fd if self.carrier is None else (<Carrier>self.carrier).descriptor()

    def dup(self):
        """A `socket.socket` on a copy of the descriptor.  The connection stays the server's."""
        self.answering.crew.begin_aside()  # or the number may be another client's by then
        try:
            copy = socket.socket(fileno=os.dup(self.fd))
            self.shared = True
        finally:
            self.answering.crew.end_aside()
        copy.setblocking(False)  # as the descriptor is
        return copy

    def detach(self):
        """Take the connection over: returns its socket, non-blocking.

        That is a `socket.socket`, or what reads and sends as one where bytes behind the request
        have been received already, or where there is TLS (fastfork.net.taken).  The server
        forgets the connection: what the application then returns is not sent.  Only inside the
        application call, before anything was sent; raises RuntimeError otherwise.
        """
        self.answering.crew.begin_aside()
        try:
            return self._detached()
        finally:
            self.answering.crew.end_aside()

    def take(self):
        """The same for `gunicorn.socket`, as often as it is used: a socket that blocks, and is
        closed when the call of the application ends."""
        self.answering.crew.begin_aside()
        try:
            if self.taken is None:
                self.taken = self._detached()
                self.taken.settimeout(None)
            return self.taken
        finally:
            self.answering.crew.end_aside()

    def _detached(self):
        if self.state != RUNNING or self.fd < 0 or self.outbox is not None:
            raise RuntimeError("the socket of a request can be detached only while it is being "
                               "answered, before anything was sent")
        return self.answering._detach(self)

    def answers(self, uint32_t number):
        """Is it the application's, which answers the request of that number?"""
        return self.state == RUNNING and self.served == number

    @property
    def tls(self):
        """Its `ssl.SSLObject`, None where it speaks in the clear."""
        if self.carrier is not None:
            return (<Carrier>self.carrier).tls_object()
        return None if self.sealed is None else self.sealed.tls

    @property
    def leaving(self):
        """Will the worker go soon?  For calls that last: they have `graceful_timeout` to end."""
        return self.answering.leaves()

    @property
    def speaker(self):
        """The address of whoever sends the requests, as one asks whether to take his word.

        A client that the proxy in front does not name is no address, so that nobody is trusted
        in his place; the proxy only passes his bytes on.  LOCAL is the proxy itself."""
        if self.facts is not None and self.facts.get("PROXY_PROTOCOL") in ("UNKNOWN", "UNIX"):
            return "unknown"
        return self.remote_addr

    cdef str why_closed(self):
        """What its state says of why it is closed now, for the log."""
        if self.state == LINGERING:
            return "both sides have ended it"
        if self.broken:
            return "its client has left"
        if self.cut:
            return "its answer was cut"
        if self.close_after:
            return "its last answer is sent"
        return "its client has ended it"

    cdef bint has_ended(self) noexcept:
        """Has the client said by TLS that it sends no more?"""
        return self.sealed is not None and self.sealed.ended

    cdef bint is_gone(self) noexcept:
        """Has its client reset or left it?  Asked where the poller says so.

        What the poller says may be about a connection before this one: a registration stays as
        long as any process has a copy of the descriptor, and be it a child that has yet to
        execute a program.  So it is asked once more before anything is given up."""
        cdef pollfd asked = pollfd(fd=self.fd, events=0, revents=0)
        return poll(&asked, 1, 0) != 0

    cdef int keep(self, const char *p, Py_ssize_t n) except -1:
        """Append n bytes to `partial`."""
        global partials
        cdef uint32_t room
        cdef char *grown
        if self.partial_size + n > self.partial_room:
            room = <uint32_t>max(512, self.partial_size + n, 2 * <Py_ssize_t>self.partial_room)
            grown = <char *>realloc(self.partial, room)
            if grown == NULL:
                raise MemoryError
            partials += room - <int64_t>self.partial_room
            self.partial = grown
            self.partial_room = room
        memcpy(self.partial + self.partial_size, p, n)
        self.partial_size += <uint32_t>n
        return 0

    cdef bint is_blank(self) noexcept:
        """Has nothing come of the next request but empty lines, which some clients send
        behind a body (RFC 9112 section 2.2)?"""
        cdef uint32_t i
        for i in range(self.partial_size):
            if self.partial[i] != b'\r' and self.partial[i] != b'\n':
                return False
        return True

    cdef bytes take_rest(self):
        """What has been received behind the request that is being answered."""
        cdef bytes rest = self.rest[:self.rest_size] if self.rest_size else b""
        if self.partial != NULL:
            rest += self.partial[:self.partial_size]
            self.forget_partial()
        self.rest_size = 0
        return rest

    cdef void forget_partial(self) noexcept:
        global partials
        partials -= self.partial_room
        free(self.partial)
        self.partial = NULL
        self.partial_size = self.partial_room = self.scanned = self.line_at = 0

    cdef str port_text(self):
        if self.remote_port is None:
            self.remote_port = str(self.port)
        return self.remote_port

    cdef bint hung_up(self) noexcept:
        """Has the client said that it sends no more?  It may still read; mostly it is gone,
        and what it answers to the next packet is a reset."""
        cdef char byte
        return recv(self.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0

    cdef Outbox queue(self):
        if self.outbox is None:
            if self.carrier is not None:
                self.outbox = (<Carrier>self.carrier).outbox_of(self)
            elif self.sealed is None:
                self.outbox = Outbox.__new__(Outbox)
            else:
                self.outbox = TlsOutbox.__new__(TlsOutbox, self.sealed)
        return self.outbox

    cdef int send_tail(self, const char *p, Py_ssize_t n, Py_ssize_t sent, bytes body) except -1:
        """Queue what one send of n bytes at p, and then `body`, left over."""
        cdef Outbox outbox = self.queue()
        if sent < n:
            outbox.add(p[sent:n])
            sent = n
        if body is not None and sent - n < PyBytes_GET_SIZE(body):
            outbox.add(body)
            if outbox.first == len(outbox.queue) - 1:
                outbox.offset = sent - n
                outbox.size -= sent - n
        return 0
