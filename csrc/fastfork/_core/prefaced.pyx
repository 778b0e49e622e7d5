"""Whose word is taken, and what a proxy says before the first request: the PROXY protocol.

When it is on, every connection that is accepted begins in the state PREFACE.  What was said
becomes a part of the environ of each of its requests, and the connection stays with its worker,
which is the one that knows.  The parser and its contract are in csrc/preface.h.

Runs in: worker
"""

from libc.errno cimport EAGAIN, errno
from libc.stdint cimport uint8_t, uint32_t
from libc.stdlib cimport free

from fastfork._core.base cimport MSG_DONTWAIT, RECEIVE_BYTES, recv
from fastfork._core.connection cimport HANDSHAKE, IDLE, STRANGER, TRUSTED
from fastfork._core.deadlines cimport FIRST_BYTE, WHOLE_HEAD
from fastfork._core.environ cimport FORBIDDEN, REPEATED, SCRIPT, UPGRADES
from fastfork._core.interrupted cimport ff_interrupted
from fastfork._core.scan cimport FF_NEED_DATA, FF_UNDERSCORE, ff_error_status, ff_span
from fastfork._core.scoreboard cimport BYTES_RECEIVED

import sys


cdef extern from "errors.h" nogil:
    enum:
        FF_PREFACE_FORBIDDEN

cdef extern from "preface.h" nogil:
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

cdef str GUNICORN_SOCKET = sys.intern("gunicorn.socket")

cdef enum:
    TLV_TLS = 0x20  # PP2_TYPE_SSL; the first bit of its first byte: the client spoke TLS

# PROXY_PROTOCOL in the environ, in the order of csrc/preface.h.
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


cdef class Prefaced(Secured):
    """proxy_versions: 1, 2, or 3 for both; 0: connections begin with a request.
    is_proxy(address: str): whether this peer may open connections then.
    trusted: makes environs of peers that forwarded.trusts(address); forwarded.apply: see
    fastfork.http.Forwarded."""

    def __cinit__(self, *args, int proxy_versions=0, is_proxy=None,
                  EnvironBuilder trusted=None, forwarded=None, **kwargs):
        self.trusted = trusted
        self.forwarded = forwarded
        self.proxy_versions = proxy_versions
        self.is_proxy = is_proxy
        self.prefaced = proxy_versions != 0

    cdef int _ask(self, Connection connection) except -1:
        """Is the word of whoever sends the requests of this connection taken?

        With the PROXY protocol that is the client which it names, if any: the proxy passes its
        bytes on and vouches for none of them."""
        connection.trust = STRANGER
        if self.trusted is not None and self.forwarded.trusts(connection.speaker):
            connection.trust = TRUSTED
        return 0

    cdef int _believe(self, Connection connection, dict environ, int marks) except -1:
        if marks & UPGRADES:
            environ[GUNICORN_SOCKET] = self.site.socket_of(connection)
            marks &= ~UPGRADES
            if not marks:
                return 0
        if marks & FORBIDDEN:
            return FF_UNDERSCORE
        return self.forwarded.apply(environ, marks & REPEATED != 0, marks & SCRIPT != 0)

    cdef int _fill_preface(self, Connection connection) except -1:
        """Receive once, on a connection whose preface or handshake is not complete."""
        cdef char *received = self.crew.seat.received
        cdef char *own
        cdef uint32_t size
        cdef ssize_t n
        if connection.state == HANDSHAKE:
            return self._fill_handshake(connection)
        n = recv(connection.fd, received, RECEIVE_BYTES, MSG_DONTWAIT)
        if n < 0 and (errno == EAGAIN or ff_interrupted(errno)):
            return 0
        if n <= 0:
            return self._close(connection)
        self.slot[BYTES_RECEIVED] += n
        if connection.partial == NULL:
            return self._take_preface(connection, received, n, True)
        self._keep(connection, received, n)
        own = connection.partial
        size = connection.partial_size
        connection.partial = NULL
        connection.forget_partial()
        try:
            self._take_preface(connection, own, size, False)
        finally:
            free(own)
        return 0

    cdef int _take_preface(self, Connection connection, const char *p, Py_ssize_t n,
                           bint is_first) except -1:
        """Everything that has come is here.  is_first: nothing had come before."""
        cdef ff_preface said
        cdef Py_ssize_t used = FF_PREFACE_FORBIDDEN
        if self.is_proxy(connection.remote_addr):
            used = ff_read_preface(p, n, self.proxy_versions, &said)
        if used == FF_NEED_DATA:
            if is_first:
                self.deadlines.set(connection, WHOLE_HEAD, self.now)
            self._keep(connection, p, n)
            return 0
        if used < 0:
            return self._refuse(connection, <int>used, ff_error_status(<int>used))
        connection.facts = _facts(connection, p, &said)
        connection.state = IDLE
        self.deadlines.set(connection, FIRST_BYTE, self.now)
        if self.context is not None:
            self._await_handshake(connection)
            return self._shake(connection, p + used, n - used)
        return self._consume(connection, p + used, n - used)
