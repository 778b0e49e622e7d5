"""Responses of one turn of the loop, sent together at its end.

Every send wakes the peer; on a busy machine a peer that is woken in the middle of our work
costs more than the send itself.  So the answers of one batch of events are collected here:
at most 16, 64 KiB, or as many as are made before the first has waited for a millisecond (the
worker watches the clock between requests).  Answers to pipelined requests stand behind each other
and go out in one send, and so do the small blocks of a streamed body that the application makes
quickly.  Where nothing else is to be served, an answer that is whole goes at once.

What is collected must not wait for an application that takes its time.  While application code
runs and something is here, the flusher (csrc/loop/flusher.h), a thread, sends what has waited for too
long: `guard()` sees that its timer is set.  The thread is started the first time it is needed; a
worker that has had one request at a time, with answers that were whole, has one thread.

Runs in: worker
"""

cimport cython
from cpython.ref cimport Py_DECREF, Py_INCREF, Py_XDECREF
from libc.errno cimport EAGAIN
from libc.stdint cimport int64_t
from libc.stdlib cimport free, malloc, realloc
from libc.string cimport memcpy

from fastfork._core.http.carrier cimport Carrier
from fastfork._core.conn.tls_stream cimport TlsOutbox
from fastfork._core.text cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from fastfork._core.ticks cimport now_ns

import os

cdef extern from "loop/flusher.h" nogil:
    int ff_outs_open(ff_outs *outs)
    void ff_outs_close(ff_outs *outs)
    void ff_outs_forget(ff_outs *outs)

cdef enum:
    SEAL_AT_ONCE = 16 << 10   # of a body; larger ones are sealed as the socket takes them
    COPIED_MAX = 8 << 10      # of what is sealed; more is sent by reference


@cython.final
cdef class Batch:
    """The worker's one output buffer."""

    def __cinit__(self):
        self.capacity = 2 * BATCH_BYTES
        error = ff_outs_open(&self.outs)
        if error:
            raise OSError(error, f"no timer for what is to be sent: {os.strerror(error)}")
        self.outs.buffer = <char *>malloc(self.capacity)
        self.done = []
        if self.outs.buffer == NULL:
            raise MemoryError

    def __dealloc__(self):
        ff_outs_close(&self.outs)
        for i in range(self.outs.count):
            Py_DECREF(<object>self.connections[i])
            Py_XDECREF(self.bodies[i])
        free(self.outs.buffer)
        free(self.clear)

    cdef bint full(self):
        return self.outs.count == FF_OUT_MAX or self.size >= BATCH_BYTES

    cdef bint waiting(self):
        """Is anything waiting to be sent?"""
        return self.outs.count > 0

    cdef char *room(self, Connection connection, Py_ssize_t n) except NULL:
        """Where n bytes for `connection` can be written; push() says that they are there.

        The pointer is good until Python code may run, whatever for (a line of the log, a
        finalizer, TLS): whoever has the interpreter lock then may move the buffer."""
        if connection.sealed is not None or connection.carrier is not None:
            return self._clear_room(n)
        if (self.outs.count < FF_OUT_MAX and self.size < BATCH_BYTES
                and self.size + n <= self.capacity):
            return self.outs.buffer + self.size
        return self._room(n)

    cdef char *_room(self, Py_ssize_t n) except NULL:
        cdef char *grown
        if self.full():
            self.flush()
        if self.size + n > self.capacity:
            ff_outs_lock(&self.outs)
            grown = <char *>realloc(self.outs.buffer, self.size + n)
            if grown != NULL:
                self.outs.buffer = grown
                self.capacity = self.size + n
            ff_outs_unlock(&self.outs)
            if grown == NULL:
                raise MemoryError
        return self.outs.buffer + self.size

    cdef char *_clear_room(self, Py_ssize_t n) except NULL:
        """Records must not be made where they are then put."""
        cdef char *grown
        if n > self.clear_capacity:
            grown = <char *>realloc(self.clear, n)
            if grown == NULL:
                raise MemoryError
            self.clear = grown
            self.clear_capacity = n
        return self.clear

    cdef int push(self, Connection connection, Py_ssize_t n, bytes body) except -1:
        """The n bytes at room() are for `connection`, followed by `body` if there is one."""
        if connection.carrier is not None:
            return (<Carrier>connection.carrier).put(connection, self.clear, n, body)
        if connection.sealed is not None:
            return self._push_sealed(connection, self.clear[:n], body)
        return self._put(connection, n, body)

    cdef int put(self, Connection connection, const char *p, Py_ssize_t n) except -1:
        """The n bytes at p are for `connection`."""
        memcpy(self.room(connection, n), p, n)
        return self.push(connection, n, None)

    cdef int _push_sealed(self, Connection connection, bytes head, bytes body) except -1:
        """The same through TLS, which gives the interpreter lock away while it seals: what it reads
        from is nobody else's."""
        if connection.broken:
            return self.look_at(connection)
        try:
            # Records are numbered: what waits unsealed comes first.
            if connection.outbox is not None or (
                    body is not None and PyBytes_GET_SIZE(body) > SEAL_AT_ONCE):
                return self._queue_sealed(connection, head, body)
            connection.sealed.seal(head)
            if body is not None:
                connection.sealed.seal(body)
            return self.put_sealed(connection)
        except OSError:  # SSLError is one
            connection.broken = connection.sealed.silent = True
            return self.look_at(connection)

    cdef int put_sealed(self, Connection connection) except -1:
        """What TLS has to say is for `connection`."""
        cdef bytes made = connection.sealed.take()
        cdef Py_ssize_t n = PyBytes_GET_SIZE(made)
        if n > COPIED_MAX:
            self._room(0)
            return self._put(connection, 0, made)
        if n:
            memcpy(self._room(n), PyBytes_AS_STRING(made), n)
            return self._put(connection, n, None)
        return 0

    cdef int _queue_sealed(self, Connection connection, bytes head, bytes body) except -1:
        """Seal it as the socket takes it, from now on."""
        cdef TlsOutbox outbox
        cdef int64_t total
        cdef bint is_first
        self.flush()
        is_first = connection.outbox is None
        outbox = <TlsOutbox>connection.queue()
        outbox.add_clear(head)
        if body is not None:
            outbox.add_clear(body)
        total = outbox.in_memory()
        if is_first and not connection.broken and connection.fd >= 0:
            # Nobody else would send it while the application goes on.
            if outbox.send(connection.fd) == 0:
                connection.outbox = None
                self.bytes_sent += total
                return 0
        return self.look_at(connection)

    cdef int _put(self, Connection connection, Py_ssize_t n, bytes body) except -1:
        cdef int i = self.outs.count - 1
        cdef ff_out *item
        ff_outs_lock(&self.outs)
        if i < 0 or self.connections[i] != <PyObject *>connection or self.bodies[i] != NULL:
            i += 1
            if i == 0:
                self.outs.first_ns = now_ns()
            item = &self.outs.items[i]
            Py_INCREF(connection)
            self.connections[i] = <PyObject *>connection
            self.bodies[i] = NULL
            # What is behind an unsent rest must wait for it, see _sent().
            item.fd = -1 if connection.outbox is not None else connection.fd
            item.error = 0
            item.sent = 0
            item.start = self.size
            item.body = NULL
            item.body_size = 0
            self.outs.count += 1
        item = &self.outs.items[i]
        self.size += n
        item.end = self.size
        if body is not None:
            Py_INCREF(body)
            self.bodies[i] = <PyObject *>body
            item.body = PyBytes_AS_STRING(body)
            item.body_size = PyBytes_GET_SIZE(body)
        ff_outs_unlock(&self.outs)
        return 0

    cdef int hold(self, Connection connection, bint is_whole, int64_t asked) except -1:
        """What is here, lately something for `connection`, waits for application code.

        is_whole: that was the last of its answer.  asked: since when the application has made it,
        NOT_ASKED for not to be told.

        What has waited already is sent now, so that a client that is gone is noticed with
        the next block; so is a block of a stream that takes its time, an answer for which
        nobody is to wait; and everything is, where no thread can be had.
        """
        if connection.carrier is not None:
            (<Carrier>connection.carrier).pump()
        self.held_ns = now_ns()
        if self.soon is not None:
            self.soon()
        if (self.held_ns - self.outs.first_ns > BATCH_NS or self.held_ns - asked > BATCH_NS
                or (is_whole and self.is_last and not connection.rest_size)):
            return self.flush()
        return self.guard()

    cdef int flush_for(self, Connection connection) except -1:
        """Send everything, what was lately made for `connection` too."""
        if connection.carrier is not None:
            (<Carrier>connection.carrier).pump()
        return self.flush()

    cdef int guard(self) except -1:
        """Application code follows: what is here is seen off if that takes long."""
        if not self.outs.running and ff_flusher_start(&self.outs) != 0:
            return self.flush()
        ff_flusher_guard(&self.outs)
        return 0

    cdef void rest(self, int64_t now) noexcept:
        """A turn ends; nothing is here, and nobody in the application.  Where turns are few, the
        timer does not ring for nothing."""
        if now - self.rested_ns > QUIET_NS:
            ff_flusher_rest(&self.outs)
        self.rested_ns = now

    cdef bint has(self, Connection connection) noexcept:
        """Is anything for it waiting here?"""
        cdef int i
        for i in range(self.outs.count):
            if self.connections[i] == <PyObject *>connection:
                return True
        return False

    cdef void forget(self, Connection connection) noexcept:
        """The descriptor of `connection` is about to be closed: send nothing more on it."""
        cdef int i
        if self.outs.count == 0:
            return
        ff_outs_lock(&self.outs)
        for i in range(self.outs.count):
            if self.connections[i] == <PyObject *>connection:
                self.outs.items[i].fd = -1
        ff_outs_unlock(&self.outs)

    cdef void let_go(self) noexcept:
        """In a child that is not ours: nothing of this is sent, and there is no flusher.

        What the list refers to stays in memory: other threads, which are not here, were using it."""
        ff_outs_forget(&self.outs)
        self.outs.count = 0
        self.size = 0
        self.done = []
        self.soon = None

    cdef int look_at(self, Connection connection) except -1:
        if not connection.flushing:
            connection.flushing = True
            self.done.append(connection)
            if self.soon is not None:
                self.soon()
        return 0

    cdef int _sent(self, int i) except -1:
        """An item was tried: see what became of it."""
        cdef ff_out *item = &self.outs.items[i]
        cdef Connection connection = <Connection>self.connections[i]
        cdef Py_ssize_t whole = item.end - item.start + item.body_size
        self.bytes_sent += item.sent
        if <Py_ssize_t>item.sent == whole:
            return self.look_at(connection) if connection.close_after else 0
        if item.error and item.error != EAGAIN:
            connection.broken = True
        if not connection.broken and connection.fd >= 0:
            connection.send_tail(self.outs.buffer + item.start, item.end - item.start, item.sent,
                                 <bytes>self.bodies[i] if item.body != NULL else None)
        return self.look_at(connection)

    cdef int flush(self) except -1:
        """Send everything.  Connections that need a second look are left in `done`."""
        cdef int i, count = self.outs.count
        cdef Connection connection
        if count == 0:
            return 0
        ff_outs_lock(&self.outs)
        try:
            for i in range(count):
                connection = <Connection>self.connections[i]
                if not connection.broken and connection.outbox is None:
                    ff_out_send(&self.outs.items[i], self.outs.buffer)
                self._sent(i)
        finally:
            self.outs.count = 0
            self.size = 0
            ff_outs_unlock(&self.outs)
            for i in range(count):
                Py_DECREF(<object>self.connections[i])
                Py_XDECREF(self.bodies[i])
        return 0
