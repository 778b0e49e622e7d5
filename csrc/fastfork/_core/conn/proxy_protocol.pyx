"""What a proxy says before the first request: the PROXY protocol.

When it is on, every connection that is accepted begins in the state PREFACE.  What was said
becomes a part of the environ of each of its requests, and the connection stays with its worker,
which is the one that knows.  The parser and its contract are in csrc/net/proxy_protocol.h.

Runs in: worker
"""

cimport cython
from libc.errno cimport EAGAIN, errno
from libc.stdint cimport uint8_t, uint32_t
from libc.stdlib cimport free

from fastfork._core.base cimport MSG_DONTWAIT, RECEIVE_BYTES, recv
from fastfork._core.conn.connection cimport PROXY_EXPECTED, move
from fastfork._core.conn.connections cimport GONE
from fastfork._core.conn.deadlines cimport FIRST_BYTE, QUEUED, WHOLE_HEAD
from fastfork._core.interrupted cimport ff_interrupted
from fastfork._core.conn.request_queue cimport has_to_wait
from fastfork._core.http.scan cimport FF_NEED_DATA, ff_error_status, ff_span
from fastfork._core.scoreboard cimport BYTES_RECEIVED


cdef extern from "http1/errors.h" nogil:
    enum:
        FF_PREFACE_FORBIDDEN

cdef extern from "net/proxy_protocol.h" nogil:
    enum:
        FF_PREFACE_TCP4
        FF_PREFACE_TCP6

    ctypedef struct ff_preface:
        uint8_t kind
        unsigned short source_port
        unsigned short target_port
        char source[46]
        char target[46]
        ff_span tlvs

    Py_ssize_t ff_read_preface(const char *p, size_t n, int versions, ff_preface *f)
    size_t ff_next_tlv(const char *p, uint8_t *type, const char **value, size_t *len)

cdef enum:
    TLV_TLS = 0x20  # PP2_TYPE_SSL; the first bit of its first byte: the client spoke TLS

# PROXY_PROTOCOL in the environ, in the order of csrc/net/proxy_protocol.h.
cdef tuple KINDS = ("LOCAL", "UNKNOWN", "TCP4", "TCP6", "UNIX")


cdef dict _facts(Connection connection, const char *p, const ff_preface *said):
    """What it adds to the environ of each request; the connection gets the client's address."""
    cdef dict facts = {"PROXY_PROTOCOL": KINDS[said.kind]}
    cdef const char *tlv = p + said.tlvs.at
    cdef const char *end = tlv + said.tlvs.len
    cdef const char *value
    cdef uint8_t kind
    cdef size_t size
    if said.kind == FF_PREFACE_TCP4 or said.kind == FF_PREFACE_TCP6:
        facts["PROXY_ADDR"] = (<bytes>said.target).decode("ascii")
        facts["PROXY_PORT"] = str(said.target_port)
        if connection.port < 0:  # a Unix socket has neither name nor port: take the proxy's
            facts["SERVER_NAME"] = facts["PROXY_ADDR"]
            facts["SERVER_PORT"] = facts["PROXY_PORT"]
        connection.remote_addr = (<bytes>said.source).decode("ascii")
        connection.port = said.source_port
    tlvs = []
    while tlv < end:
        tlv += ff_next_tlv(tlv, &kind, &value, &size)
        tlvs.append((kind, value[:size]))
        if kind == TLV_TLS and size and value[0] & 1:
            facts["wsgi.url_scheme"] = "https"
    if tlvs:
        facts["fastfork.proxy_tlvs"] = tuple(tlvs)
    return facts


@cython.final
cdef class ProxyProtocol(Protocol):
    """versions: 1, 2, or 3 for both.  is_proxy(address: str): whether this peer may open
    connections."""

    def __cinit__(self, Connections connections, Crowded crowded, RequestQueue queue,
                  Answering answering, Protocol http1, int versions, is_proxy):
        self.connections = connections
        self.crowded = crowded
        self.queue = queue
        self.answering = answering
        self.inner = self.http1 = http1
        self.versions = versions
        self.is_proxy = is_proxy

    cdef int open(self, Connection connection) except -1:
        move(connection, PROXY_EXPECTED)
        return 0

    cdef int event(self, Connection connection, int mask) except -1:
        if connection.which_list == QUEUED:
            return self.connections.close(connection) if mask & GONE and connection.is_gone() else 0
        return self.readable(connection)

    cdef int readable(self, Connection connection) except -1:
        cdef char *received = self.connections.crew.seat.received
        cdef char *own
        cdef uint32_t size
        cdef ssize_t n
        if has_to_wait(self.connections.crew, connection):
            return self.queue.put_off(connection)
        n = recv(connection.fd, received, RECEIVE_BYTES, MSG_DONTWAIT)
        if n < 0 and (errno == EAGAIN or ff_interrupted(errno)):
            return 0
        if n <= 0:
            return self.connections.close(connection)
        self.connections.slot[BYTES_RECEIVED] += n
        if connection.partial == NULL:
            return self._take(connection, received, n, True)
        self.crowded.keep(connection, received, n)
        own = connection.partial
        size = connection.partial_size
        connection.partial = NULL
        connection.forget_partial()
        try:
            self._take(connection, own, size, False)
        finally:
            free(own)
        return 0

    cdef int _take(self, Connection connection, const char *p, Py_ssize_t n,
                   bint is_first) except -1:
        """Everything that has come is here.  is_first: nothing had come before."""
        cdef ff_preface said
        cdef Py_ssize_t used = FF_PREFACE_FORBIDDEN
        if self.is_proxy(connection.remote_addr):
            used = ff_read_preface(p, n, self.versions, &said)
        if used == FF_NEED_DATA:
            if is_first:
                self.connections.deadlines.set(connection, WHOLE_HEAD, self.connections.now)
            self.crowded.keep(connection, p, n)
            return 0
        if used < 0:
            return self._refuse(connection, <int>used)
        connection.facts = _facts(connection, p, &said)
        self.connections.deadlines.set(connection, FIRST_BYTE, self.connections.now)
        connection.protocol = self.inner
        self.inner.open(connection)
        return self.inner.received(connection, p + used, n - used)

    cdef int _refuse(self, Connection connection, int code) except -1:
        connection.protocol = self.http1
        self.http1.open(connection)
        return self.answering.refuse(connection, code, ff_error_status(code))

    cdef int late(self, Connection connection, int wait) except -1:
        if wait == QUEUED:
            return self.queue.late(connection)
        if wait == FIRST_BYTE:
            return self.connections.close_if_silent(connection)
        return self.connections.close(connection)  # it speaks no HTTP yet
