"""Connections that are accepted: they come back non-blocking and close-on-exec, with no socket object.

Runs in: worker
"""

from libc.errno cimport EACCES, EAGAIN, EBADF, EINVAL, EMFILE, ENFILE, ENOBUFS, ENOMEM, ENOSYS
from libc.errno cimport ENOTSOCK, EPERM, errno
from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memset
from posix.fcntl cimport F_GETFL, F_SETFL, O_NONBLOCK, fcntl
from posix.unistd cimport close

from fastfork._core.port cimport ff_accept, sockaddr, socklen_t
from fastfork._core.http.request cimport Request

from fastfork.errors import SystemCallRefused

import os

cdef extern from "<sys/socket.h>" nogil:
    struct sockaddr_storage:
        unsigned short ss_family
    int AF_INET
    int AF_INET6

cdef extern from "<netinet/in.h>" nogil:
    struct in_addr:
        uint32_t s_addr
    struct in6_addr:
        pass
    struct sockaddr_in:
        uint16_t sin_port
        in_addr sin_addr
    struct sockaddr_in6:
        uint16_t sin6_port
        in6_addr sin6_addr

cdef extern from "<arpa/inet.h>" nogil:
    const char *inet_ntop(int family, const void *source, char *text, socklen_t size)
    uint16_t ntohs(uint16_t port)

cdef extern from "<fcntl.h>" nogil:
    int F_DUPFD_CLOEXEC
    int fcntl(int fd, int command, ...)

cdef enum:
    # select(2) knows descriptors below 1024 only: those from here on are left to the application.
    LOW = 768
    HIGH = 1024
    ADDRESSES_MAX = 1024  # distinct peers whose text is shared between their connections
    SKIP_MAX = 16         # connections that died in the queue, skipped in one call
    REFUSED_MAX = 1024    # of which so many in a row are a refusal of the call as such


cdef int _leave_low(int fd) noexcept nogil:
    """The same on a descriptor that select(2) cannot use anyway, where there is one."""
    cdef int high = fcntl(fd, F_DUPFD_CLOEXEC, HIGH)
    if high < 0:
        return fd
    close(fd)
    return high


cdef class Acceptor:
    """Accepts on listening descriptors."""

    def __cinit__(self):
        self.addresses = {}

    cdef str _shared(self, str address):
        """One str object a peer: ten thousand connections of a load balancer share it."""
        if len(self.addresses) >= ADDRESSES_MAX:
            self.addresses.clear()
        return self.addresses.setdefault(address, address)

    cdef str _dotted(self, uint32_t raw):
        """The text of an IPv4 address in network order: most often that of the last one."""
        cdef const uint8_t *part = <const uint8_t *>&raw
        cdef char text[16]
        cdef char *end = text
        cdef int _i
        if self.last_text is not None and raw == self.last_raw:
            return self.last_text
        for _i in range(4):
            if part[_i] >= 100:
                end[0] = 48 + part[_i] // 100
                end += 1
            if part[_i] >= 10:
                end[0] = 48 + part[_i] // 10 % 10
                end += 1
            end[0] = 48 + part[_i] % 10
            end[1] = 46  # "."
            end += 2
        self.last_raw = raw
        self.last_text = self._shared(text[:end - text - 1].decode("ascii"))
        return self.last_text

    def try_out(self):
        """Raises SystemCallRefused when accept4(2) is refused as such, whoever waits."""
        if ff_accept(-1, NULL, NULL) < 0 and errno in (EPERM, EACCES, ENOSYS):
            raise SystemCallRefused("accept4(2)", OSError(errno, os.strerror(errno)))

    cdef int set_ready(self, int fd) except -1:
        """See that accept() on this listener does not wait for a client.

        The flag is the socket's and not the descriptor's: whoever has inherited it can clear it,
        and then a worker that comes too late would wait with everything it has (fcntl(2))."""
        cdef int flags = fcntl(fd, F_GETFL)
        if flags >= 0 and not flags & O_NONBLOCK:
            fcntl(fd, F_SETFL, flags | O_NONBLOCK)
        return 0

    cdef Connection accept(self, int fd, unsigned int listener):
        """The next waiting connection, or None.

        `error` says why there is none: 0, nobody waits; else the errno of a shortage of
        descriptors or memory, which leaves the listener readable and must not be tried
        again at once.  A client that is gone already (ECONNABORTED, EPROTO ...) is skipped.
        Raises SystemCallRefused after REFUSED_MAX calls of which none was let through.
        """
        cdef sockaddr_storage address
        cdef socklen_t size
        cdef char text[64]
        cdef Connection connection
        cdef int got = -1, _tries
        self.error = 0
        for _tries in range(SKIP_MAX):
            size = sizeof(address)
            memset(&address, 0, sizeof(address))
            got = ff_accept(fd, <sockaddr *>&address, &size)
            if got >= 0 or errno == EAGAIN:
                break
            if errno in (EMFILE, ENFILE, ENOBUFS, ENOMEM, EBADF, EINVAL, ENOTSOCK):
                self.error = errno
                break
        else:
            # Of a firewall this is about one client each (accept(2)).
            if errno in (EPERM, EACCES, ENOSYS):
                self.refused += SKIP_MAX
                if self.refused >= REFUSED_MAX:
                    raise SystemCallRefused("accept4(2)", OSError(errno, os.strerror(errno)))
        if got < 0:
            return None
        self.refused = 0
        if LOW <= got < HIGH:
            got = _leave_low(got)
        connection = Connection.__new__(Connection)
        connection.request = Request.__new__(Request)
        connection.fd = got
        connection.listener = listener
        connection.port = -1
        connection.remote_addr = ""
        if address.ss_family == AF_INET:
            connection.port = ntohs((<sockaddr_in *>&address).sin_port)
            connection.remote_addr = self._dotted((<sockaddr_in *>&address).sin_addr.s_addr)
        elif address.ss_family == AF_INET6:
            inet_ntop(AF_INET6, &(<sockaddr_in6 *>&address).sin6_addr, text, sizeof(text))
            connection.port = ntohs((<sockaddr_in6 *>&address).sin6_port)
            connection.remote_addr = self._shared(text.decode("ascii"))
        return connection

    cdef Connection adopt(self, int fd, unsigned int listener, ff_facts *facts):
        """A connection that another worker has accepted, with what that one knew of it."""
        cdef Connection connection = Connection.__new__(Connection)
        connection.request = Request.__new__(Request)
        connection.fd = _leave_low(fd) if LOW <= fd < HIGH else fd
        connection.listener = listener
        connection.port = facts.port
        connection.remote_addr = self._shared(facts.address.decode("ascii"))
        return connection
