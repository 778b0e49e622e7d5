"""TLS of one connection: bytes of the client in, bytes for it out, and what they mean between.

OpenSSL works on two buffers in memory, and sees no descriptor.  What is received is fed to the
one, and what stands in the other is sent as any bytes are: so waiting, deadlines, partial sends,
the flusher and slow clients are what they are without TLS, and no call here ever waits.  It is
the interpreter's own `ssl` module, so contexts are what applications know.

What is received at a time (CIPHER_BYTES) and the rest of a record before it fit into the buffer
that it is opened into, whose last record's worth stays free: all that has come is opened at
once, and nothing is left that only a further event would bring out.

Runs in: worker
"""

from libc.stdint cimport int64_t

from fastfork._core.conn.outbox cimport SHORT, TURN_BYTES, FileSegment, Outbox
from fastfork._core.port cimport ff_room_of
from fastfork._core.text cimport PyBytes_GET_SIZE

import os

cdef extern from "Python.h":
    int PyBUF_READ
    int PyBUF_WRITE
    object PyMemoryView_FromMemory(char *p, Py_ssize_t n, int flags)

cdef enum:
    RECORD_BYTES = 16 << 10   # of plain text in a record at most (RFC 8446 section 5.1)
    SEAL_BYTES = 64 << 10     # sealed at a time, where the socket has room for it

cdef object MemoryBIO = None
cdef object SSLWantReadError = None


cdef int load_ssl() except -1:
    """Import the `ssl` module: a worker without TLS does without the memory of OpenSSL."""
    global MemoryBIO, SSLWantReadError
    import ssl
    MemoryBIO, SSLWantReadError = ssl.MemoryBIO, ssl.SSLWantReadError
    return 0


cdef class TlsStream:
    """context: ssl.SSLContext of a server."""

    def __cinit__(self, context):
        self.incoming = MemoryBIO()
        self.outgoing = MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        # SSLObject is Python around it, three frames a request.
        self.core = getattr(self.tls, "_sslobj", self.tls)

    cdef int feed(self, const char *p, Py_ssize_t n) except -1:
        """n bytes have come from the client."""
        self.incoming.write(PyMemoryView_FromMemory(<char *>p, n, PyBUF_READ))
        return 0

    cdef bint shake(self) except -1:
        """Go on with the handshake.  True when it is complete; raises ssl.SSLError."""
        try:
            self.core.do_handshake()
        except SSLWantReadError:
            return False
        self.agreed = True
        return True

    cdef Py_ssize_t open(self, char *into, Py_ssize_t room) except -1:
        """What the client has said: bytes of plain text at `into`, 0 while no record is whole
        or when it has `ended`.  room: bytes, more than can be of what was fed.  Raises
        ssl.SSLError for what is no TLS."""
        cdef Py_ssize_t n, got = 0
        while room - got >= RECORD_BYTES:
            try:
                n = self.core.read(
                    room - got, PyMemoryView_FromMemory(into + got, room - got, PyBUF_WRITE))
            except SSLWantReadError:
                break
            if n == 0:
                self.ended = True
                break
            got += n
            if self.incoming.pending == 0:
                break  # asking again would cost an exception
        return got

    cdef int seal(self, data) except -1:
        """Make records of `data`, a bytes-like object; `take` has them.  Raises ssl.SSLError.

        The interpreter lock is given away meanwhile, so it is an object and no pointer: it stays
        where it is for as long as somebody reads it."""
        cdef Py_ssize_t done, n = len(data)
        if n == 0:
            return 0
        done = self.core.write(data)
        while done < n:
            done += self.core.write(memoryview(data)[done:])
        return 0

    cdef bytes take(self):
        """Everything that is to be sent now."""
        return self.outgoing.read()

    cdef bytes goodbye(self):
        """What says that nothing more will be sent (close_notify); empty where that was said, or
        cannot be."""
        if self.silent or not self.agreed:
            return b""
        self.silent = True
        try:
            self.tls.unwrap()
        except OSError:
            pass  # it wants to wait for the client's own, and we do not
        return self.outgoing.read()


cdef class TlsOutbox(Outbox):
    """Segments waiting for a client with TLS.

    The queue has what is sealed; it is small.  Behind it is what is not, sealed as the socket
    takes it: a file or a large body is never in memory twice, and records are numbered, so the
    order in which they are made is the one in which they are sent.
    """

    def __cinit__(self, TlsStream sealed):
        self.sealed = sealed
        self.clear = Outbox.__new__(Outbox)

    cdef bint empty(self):
        return self.first == len(self.queue) and self.clear.empty()

    cdef int add_clear(self, bytes data) except -1:
        return self.clear.add(data)

    cdef int add_file(self, FileSegment segment) except -1:
        return self.clear.add_file(segment)

    cdef int64_t in_memory(self):
        return self.size + self.clear.size

    cdef int64_t weight(self):
        return self.size + self.clear.weight()

    cdef int spill(self, directory) except -1:
        try:
            return self.clear.spill(directory)
        finally:
            self.spilled = self.clear.spilled

    cdef int send(self, int fd) except -2:
        cdef int rc
        cdef Py_ssize_t turn = 0
        while True:
            rc = Outbox.send(self, fd)
            if rc != 0:
                return rc
            if self.clear.empty():
                return 0
            if turn >= TURN_BYTES:
                return 1
            rc = self._seal_more(fd)
            if rc < 0:
                return -1
            turn += rc

    cdef int _seal_more(self, int fd) except -2:
        """Seal what comes next.  Bytes of it; -1: that cannot be, or a file is shorter than
        it was.

        What the socket has no room for is not sealed: a client that reads slowly holds a record.
        Each record is taken before the next one is made, since the memory BIO keeps whatever it
        has ever needed."""
        cdef Py_ssize_t n, total = 0, most = min(ff_room_of(fd), <long>SEAL_BYTES)
        while not self.clear.empty() and (total == 0 or total + RECORD_BYTES <= most):
            if type(self.clear.queue[self.clear.first]) is FileSegment:
                n = self._seal_file()
            else:
                n = self._seal_bytes()
            if n < 0:
                return -1
            total += n
            self.add(self.sealed.take())
        if self.clear.first > 64:
            del self.clear.queue[: self.clear.first]
            self.clear.first = 0
        return total

    cdef Py_ssize_t _seal_file(self) except -2:
        """A record of the file at the front."""
        cdef FileSegment segment = <FileSegment>self.clear.queue[self.clear.first]
        cdef bytes data
        cdef Py_ssize_t n
        try:
            data = os.pread(segment.fd, min(segment.left, <int64_t>RECORD_BYTES), segment.offset)
        except OSError as error:
            self.fault = error.errno
            return -1
        n = PyBytes_GET_SIZE(data)
        if n == 0:
            self.fault = SHORT
        if n == 0 or not self._seals(data):
            return -1
        segment.offset += n
        segment.left -= n
        if segment.left == 0:
            self._next()
        return n

    cdef Py_ssize_t _seal_bytes(self) except -2:
        """A record of the bytes at the front."""
        cdef bytes data = <bytes>self.clear.queue[self.clear.first]
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data), n
        n = min(size - self.clear.offset, <Py_ssize_t>RECORD_BYTES)
        if not self._seals(data if n == size else
                           memoryview(data)[self.clear.offset : self.clear.offset + n]):
            return -1
        self.clear.offset += n
        self.clear.size -= n
        if self.clear.offset == size:
            self._next()
        return n

    cdef int _next(self) except -1:
        self.clear.queue[self.clear.first] = None
        self.clear.first += 1
        self.clear.offset = 0
        return 0

    cdef bint _seals(self, data) except -1:
        try:
            self.sealed.seal(data)
        except OSError:  # ssl.SSLError is one
            self.sealed.silent = True
            return False
        return True
