"""TLS: the handshake, and what is received after it.

A connection begins in the state HANDSHAKE and has until then what any connection that says
nothing has: no buffer, and a place in the accept queue of nobody.  From its first byte the
handshake has a deadline that further bytes do not move.  What TLS is of it is in tls_stream.pyx.

Runs in: worker
"""

cimport cython
from libc.errno cimport EAGAIN, errno
from libc.stdlib cimport free, malloc

from fastfork._core.base cimport MSG_DONTWAIT, RECEIVE_BYTES, recv
from fastfork._core.conn.connection cimport TLS_EXPECTED, move
from fastfork._core.conn.connections cimport EPOLLIN, EPOLLOUT, GONE
from fastfork._core.conn.deadlines cimport BRIEF_LINGER, FIRST_BYTE, QUEUED, READER, SHAKE
from fastfork._core.interrupted cimport ff_interrupted
from fastfork._core.conn.request_queue cimport has_to_wait
from fastfork._core.scoreboard cimport LINE_BYTES, REFUSED
from fastfork._core.conn.tls_stream cimport CIPHER_BYTES, TlsStream, load_ssl


cdef extern from "http1/errors.h" nogil:
    enum:
        FF_CLEAR_ON_TLS


cdef bint _is_text(char byte) noexcept:
    """Can a request begin with this, and no TLS?"""
    return b'A' <= byte <= b'Z' or b'a' <= byte <= b'z' or byte == b'\r' or byte == b'\n'


@cython.final
cdef class Tls(Protocol):
    """What a connection speaks until its handshake is complete; `secure` comes before the first.
    After it `inner` has the connection, and receives by `receive`."""

    def __cinit__(self, Connections connections, RequestQueue queue, Answering answering):
        self.connections = connections
        self.deadlines = connections.deadlines
        self.crew = connections.crew
        self.queue = queue
        self.answering = answering

    def __dealloc__(self):
        free(self.cipher)

    def secure(self, context, *, facts_of, bint at_once=False, bint tells_ragged=False):
        """Every connection that is accepted from now on has TLS.

        context: ssl.SSLContext.  facts_of(ssl.SSLObject) -> dict: what is to be in the environ of
        each request of a connection.  at_once: the time of the handshake begins with the
        connection and not with its first byte.  tells_ragged: a connection that ends without
        saying so is logged."""
        load_ssl()
        if self.cipher == NULL:
            self.cipher = <char *>malloc(CIPHER_BYTES)
            if self.cipher == NULL:
                raise MemoryError
        self.context = context
        self.facts_of = facts_of
        self.at_once = at_once
        self.tells_ragged = tells_ragged

    # The handshake.

    cdef int open(self, Connection connection) except -1:
        move(connection, TLS_EXPECTED)
        if self.at_once:
            connection.sealed = TlsStream(self.context)
            self.deadlines.set(connection, SHAKE, self.connections.now)
        return 0

    cdef int event(self, Connection connection, int mask) except -1:
        if connection.which_list == QUEUED:
            return self.connections.close(connection) if mask & GONE and connection.is_gone() else 0
        if connection.outbox is None:
            return self.readable(connection)
        if mask & EPOLLOUT:
            return self.after_flush(connection)
        return self.connections.watch(connection, EPOLLOUT)

    cdef int readable(self, Connection connection) except -1:
        cdef ssize_t n
        if has_to_wait(self.crew, connection):
            return self.queue.put_off(connection)
        n = recv(connection.fd, self.cipher, CIPHER_BYTES, MSG_DONTWAIT)
        if n < 0 and (errno == EAGAIN or ff_interrupted(errno)):
            return 0
        if n <= 0:
            return self.connections.close(connection)
        return self.received(connection, self.cipher, n)

    cdef int received(self, Connection connection, const char *p, Py_ssize_t n) except -1:
        """Go on with the handshake."""
        cdef bint is_agreed
        if n == 0:
            return 0
        if connection.which_list == FIRST_BYTE:
            self.deadlines.set(connection, SHAKE, self.connections.now)
        if connection.sealed is None or not connection.sealed.begun:
            if _is_text(p[0]):
                # Words: somebody who does not know that there is TLS here.
                connection.sealed = None
                connection.protocol = self.inner
                self.inner.open(connection)
                connection.request.offence = p[:min(n, <Py_ssize_t>LINE_BYTES)]
                return self.answering.refuse(connection, FF_CLEAR_ON_TLS, 400)
            if connection.sealed is None:
                connection.sealed = TlsStream(self.context)
            connection.sealed.begun = True
        try:
            connection.sealed.feed(p, n)
            is_agreed = connection.sealed.shake()
        except OSError as error:  # ssl.SSLError is one
            return self._failed(connection, error)
        self.connections.batch.put_sealed(connection)
        return self._agreed(connection) if is_agreed else 0

    cdef int _agreed(self, Connection connection) except -1:
        """The handshake is complete, and there may be a request behind it."""
        cdef Py_ssize_t n
        cdef char *clear = self.crew.seat.received
        cdef Protocol inner = self.inner
        facts = self.facts_of(connection.sealed.tls)
        if connection.facts is not None:
            facts = {**connection.facts, **facts}
        connection.facts = facts
        if self.http2 is not None and connection.sealed.tls.selected_alpn_protocol() == "h2":
            inner = self.http2
        connection.protocol = inner
        inner.open(connection)
        self.deadlines.set(connection, FIRST_BYTE, self.connections.now)
        try:
            n = connection.sealed.open(clear, RECEIVE_BYTES)
        except OSError as error:
            return self._failed(connection, error)
        if n > 0:
            inner.received(connection, clear, n)
            return self.connections.end_follows(connection)
        return self.connections.close(connection) if connection.sealed.ended else 0

    cdef int after_flush(self, Connection connection) except -1:
        if self.connections.wait_for_reader(connection):
            return 0
        if connection.broken:
            return self.connections.close(connection)
        if connection.close_after:
            return self.connections.finish(connection)
        if connection.which_list == READER:
            self.connections.rearm(connection)
            return self.connections.watch(connection, EPOLLIN)
        return 0

    cdef int late(self, Connection connection, int wait) except -1:
        if wait == QUEUED:
            return self.queue.late(connection)
        if wait == FIRST_BYTE:
            return self.connections.close_if_silent(connection)
        if wait == READER:
            return self.connections.reset(connection)
        return self.connections.close(connection)

    cdef int _failed(self, Connection connection, error) except -1:
        """It is no TLS, or none that we agree to: the client gets to read the alert."""
        cdef TlsStream sealed = connection.sealed
        self.connections.slot[REFUSED] += 1
        if self.connections.site.may_log_refusal(self.connections.now):
            self.connections.log.warning(
                "TLS with ip=%s failed: %s", connection.remote_addr or "-",
                getattr(error, "reason", None) or getattr(error, "strerror", None) or error)
        self.connections.batch.put_sealed(connection)
        sealed.silent = True
        connection.close_after = True
        connection.lingers = BRIEF_LINGER
        return self.connections.batch.look_at(connection)

    # Afterwards.

    cdef ssize_t receive(self, Connection connection) except -3:
        """Receive once, and have what it means in the buffer of the thread: so many bytes.  0:
        the client has ended; SEEN_TO: there is nothing to be done."""
        cdef TlsStream sealed = connection.sealed
        cdef ssize_t n
        if sealed.ended:
            return 0
        n = recv(connection.fd, self.cipher, CIPHER_BYTES, MSG_DONTWAIT)
        if n < 0:
            return n
        if n == 0:
            if not sealed.ended and self.tells_ragged:
                self._ragged(connection)
            return 0
        try:
            sealed.feed(self.cipher, n)
            n = sealed.open(self.crew.seat.received, RECEIVE_BYTES)
        except OSError as error:
            self._failed(connection, error)
            return SEEN_TO
        if sealed.outgoing.pending:
            self.connections.batch.put_sealed(connection)  # an answer to a wish to renegotiate, say
        return SEEN_TO if n == 0 and not sealed.ended else n

    cdef int _ragged(self, Connection connection) except -1:
        if self.connections.site.may_log_refusal(self.connections.now):
            self.connections.log.warning("TLS with ip=%s ended without close_notify",
                                         connection.remote_addr or "-")
        return 0
