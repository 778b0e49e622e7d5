"""The connections of one worker: watched, sent to, timed and closed.

Where they come from is the business of `Listeners`, what their bytes mean that of their
`Protocol`, which is called for what happens.

Runs in: worker
"""

cimport cython
from libc.errno cimport EAGAIN, errno

from fastfork._core.base cimport MSG_DONTWAIT, MSG_PEEK, RECEIVE_BYTES, recv
from fastfork._core.http.carrier cimport Carrier
from fastfork._core.conn.connection cimport BODY, CLOSED, ENDED, HALF_CLOSED, HANDSHAKE, HEAD
from fastfork._core.conn.connection cimport LINGERING, NEVER, NOT_TAKEN, PREFACE, move
from fastfork._core.conn.deadlines cimport FIRST_BYTE, LINGER, MORE_BODY, NEXT_REQUEST, READER
from fastfork._core.conn.deadlines cimport SHAKE, WAITS, WHOLE_HEAD, time_is_up
from fastfork._core.loop.forks cimport fork_state
from fastfork._core.interrupted cimport ff_interrupted
from fastfork._core.conn.outbox cimport Outbox
from fastfork._core.port cimport FF_MSG_NOSIGNAL
from fastfork._core.scoreboard cimport ANSWERS, CONNECTIONS, REQUESTS
from fastfork._core.text cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from fastfork._core.ticks cimport now_ns

import errno as errors
import sys

from fastfork.errors import SystemCallRefused

cdef extern from "<sys/socket.h>" nogil:
    int SHUT_WR
    int shutdown(int fd, int how)
    ssize_t send(int fd, const void *p, size_t n, int flags)

cdef extern from "ending.h" nogil:
    void ff_close(int fd, bint tell)
    void ff_reset(int fd, bint copied)

cdef enum:
    EXPIRE_MAX = 64           # waits ended in a turn, so that ten thousand delay nobody
    HELD_MAX = 32 << 20       # waiting for slow clients in memory, for the whole worker
    SPILL_MIN = 64 << 10      # beyond HELD_MAX, what is worth a file
    DRAIN_BYTES = 64 << 20    # read and forgotten while lingering: proxies look up late

cdef tuple REFUSALS = (errors.EPERM, errors.EACCES, errors.ENOSYS)


@cython.final
cdef class Connections:
    """All connections of one worker.  poller: see fastfork.workers.poller."""

    def __cinit__(self, *, Site site, Batch batch, Deadlines deadlines, poller):
        self.site = site
        self.crew = site.crew
        self.batch = batch
        self.deadlines = deadlines
        self.poller = poller
        self.log = site.log
        self.table = [None] * 1024
        self.ready = []
        self.slot = self.crew.slot
        self.forks = fork_state()
        self.now = now_ns()

    # For Python.

    def add_reader(self, int fd, call):
        """Call `call()` whenever `fd` is readable (the wake-up pipe)."""
        self.reserve(fd)
        self.table[fd] = call
        self.poller.register(fd, EPOLLIN)

    @property
    def requests(self):
        """Requests given to the application so far."""
        return self.slot[REQUESTS]

    def close_all(self):
        """Close every connection as it is."""
        for entry in self.table:
            if type(entry) is Connection:
                self.close(<Connection>entry)

    def let_go_of_all(self):
        """In a child that is not ours: every client is the parent's alone.

        Nothing is said to anybody, and no lock is taken: whoever held it is not in this process."""
        cdef Connection connection
        self.batch.let_go()
        self.crew.let_go()
        for entry in self.table:
            if type(entry) is not Connection:
                continue
            connection = <Connection>entry
            ff_close(connection.fd, False)
            connection.fd = -1
            move(connection, ENDED)
            connection.interest = NEVER
            connection.broken = True
            connection.sealed = connection.outbox = None
            (<Protocol>connection.protocol).leave_to_parent(connection)
        self.table = [None] * len(self.table)
        self.ready = []

    # In and out.

    cdef int enter(self, Connection connection, Protocol protocol) except -1:
        """There is one more, which speaks `protocol`."""
        self.reserve(connection.fd)
        connection.protocol = protocol
        connection.interest = NEVER
        self.table[connection.fd] = connection
        self.count += 1
        self.slot[CONNECTIONS] = self.count
        return 0

    cdef int leave(self, Connection connection) except -1:
        """There is one less: its descriptor is about to be closed, or is somebody else's."""
        self.deadlines.remove(connection)
        self.table[connection.fd] = None
        self.batch.forget(connection)
        connection.fd = -1
        connection.broken = True  # for whoever still answers it
        move(connection, ENDED)
        self.count -= 1
        self.slot[CONNECTIONS] = self.count
        self.has_room = True
        return 0

    cdef int reserve(self, int fd) except -1:
        """See that the table has a place for this descriptor."""
        if fd >= len(self.table):
            self.table.extend([None] * (fd + 1024 - len(self.table)))
        return 0

    # What is said.

    cdef int tell(self, Connection connection, str what) except -1:
        """A line at level debug: only where `tells`, as it costs a good part of a request."""
        self.log.debug("Connection %d of ip=%s %s", connection.fd, connection.remote_addr or "-", what)
        return 0

    # What is watched.

    cdef int watch(self, Connection connection, int interest) except -1:
        """Have the poller report this of it, and nothing else but its end."""
        if connection.interest == interest:
            return 0
        if connection.interest == NEVER:
            self.poller.register(connection.fd, interest)
        else:
            self.poller.modify(connection.fd, interest)
        connection.interest = interest
        return 0

    cdef int unwatch(self, Connection connection) except -1:
        """Have the poller report nothing of it any more, not even its end."""
        if connection.interest != NEVER:
            self.poller.unregister(connection.fd)
            connection.interest = NEVER
        return 0

    # What is sent.

    cdef int flush(self) except -1:
        """Send the batch, then see to the connections that it left unfinished."""
        cdef Connection connection
        self.batch.flush()
        while self.batch.done:
            connection = <Connection>self.batch.done.pop()
            connection.flushing = False
            try:
                (<Protocol>connection.protocol).after_flush(connection)
            except BaseException:
                self.close_on_error(connection)
        return 0

    cdef bint wait_for_reader(self, Connection connection) except -1:
        """Send what waits for the client.  True when it does not take all of that: it is watched
        until it does, or its time is up.  `broken` is set when it is gone."""
        if self.send(connection) == 1:
            move(connection, NOT_TAKEN)
            self.deadlines.set(connection, READER, self.now)
            self.watch(connection, EPOLLOUT)
            return True
        self.drop_outbox(connection)
        return False

    cdef int send(self, Connection connection) except -1:
        """Send what waits for the client.  1 when some of it still waits, else 0: that is all,
        or the client is gone, or cannot be waited for; `broken` is set then.

        All slow clients of a worker together have HELD_MAX of its memory; what comes on top
        of that goes to files."""
        cdef Outbox outbox = connection.outbox
        cdef int64_t weight
        cdef int rc
        if outbox is None or connection.broken:
            return 0
        rc = outbox.send(connection.fd)
        if rc < 0:
            self.site.lose(connection)
        if rc != 1:
            return 0
        weight = outbox.weight()
        self.held += weight - outbox.counted
        outbox.counted = weight
        if weight >= SPILL_MIN and self.held > HELD_MAX:
            self.site.spill(connection)
            self.held -= weight
            outbox.counted = 0
        return not connection.broken

    cdef int drop_outbox(self, Connection connection) except -1:
        """Forget what waits for the client, or the empty place of it."""
        if connection.outbox is not None:
            self.held -= connection.outbox.counted
            connection.outbox = None
        return 0

    # What is waited for.

    cdef int rearm(self, Connection connection) except -1:
        """Have it wait again for what its state waits for, from now on."""
        if connection.state == BODY:
            self.deadlines.set(connection, MORE_BODY, self.now)
        elif connection.state == HANDSHAKE:
            self.deadlines.set(connection, SHAKE if connection.sealed is not None else FIRST_BYTE,
                               self.now)
        elif connection.state == PREFACE or (
                connection.state == HEAD and not connection.is_blank()):
            self.deadlines.set(connection, WHOLE_HEAD, self.now)
        else:
            self.deadlines.set(connection, NEXT_REQUEST, self.now)
        return 0

    cdef int end_follows(self, Connection connection) except -1:
        """What has come was read.  If the client has ended with it (close_notify), that is still
        to be seen to, in its turn, and no event will tell."""
        if connection.has_ended() and connection.state <= BODY:
            self.ready.append(connection)
        return 0

    # How it ends.

    cdef int finish(self, Connection connection) except -1:
        """Everything is sent and nothing more will be: close, so that the client reads it all.

        close() with unread bytes makes the kernel send a reset, which may overtake our last
        response (RFC 9112 section 9.6).  A client that was not expected to stop is therefore
        half-closed and drained first.
        """
        if connection.cut:
            return self.reset(connection)
        if connection.lingers or connection.partial != NULL:
            return self.linger(connection)
        return self.close(connection)

    cdef int linger(self, Connection connection) except -1:
        """Say that nothing more is sent, and forget what comes until the client ends it too."""
        if connection.sealed is not None:
            self._end_tls(connection)
        if shutdown(connection.fd, SHUT_WR) != 0:
            return self.close(connection)
        connection.forget_partial()
        move(connection, HALF_CLOSED)
        self.deadlines.set(connection, connection.lingers or LINGER, self.now)
        return self.watch(connection, EPOLLIN)

    cdef int drain(self, Connection connection) except -1:
        """Forget what has come of a connection that lingers."""
        cdef ssize_t n = recv(connection.fd, self.crew.seat.received, RECEIVE_BYTES, MSG_DONTWAIT)
        if n < 0:
            return 0 if errno == EAGAIN or ff_interrupted(errno) else self.close(connection)
        connection.drained += <unsigned int>n
        if n == 0 or connection.drained > DRAIN_BYTES:
            return self.close(connection)
        return 0

    cdef int reset(self, Connection connection) except -1:
        """Close with RST, which also gives back what the kernel still holds for the client
        (socket(7), SO_LINGER)."""
        ff_reset(connection.fd, self.forks.happened and not connection.shared)
        return self.close(connection)

    cdef int _end_tls(self, Connection connection) except -1:
        """Tell a client with TLS that it has got everything (RFC 8446 section 6.1), where it
        has: without this it takes what it got for cut off."""
        cdef bytes last
        if (connection.broken or connection.cut or connection.outbox is not None
                or self.batch.has(connection)):
            return 0
        last = connection.sealed.goodbye()
        send(connection.fd, PyBytes_AS_STRING(last), PyBytes_GET_SIZE(last),
             FF_MSG_NOSIGNAL | MSG_DONTWAIT)
        return 0

    cdef int close(self, Connection connection) except -1:
        """Close it as it is.  Does nothing to one that is closed."""
        cdef int fd = connection.fd
        if connection.state == CLOSED or fd < 0:
            return 0 if connection.carrier is None else (<Carrier>connection.carrier).give_up(
                connection)
        if self.tells:
            why, self.why = self.why, None
            self.tell(connection, f"is closed: {why or connection.why_closed()}")
        if connection.sealed is not None:
            self._end_tls(connection)
            connection.sealed = None
        if connection.interest != NEVER and (
                self.forks.happened or connection.shared or self.poller.keeps_closed):
            self.poller.unregister(fd)
        self.leave(connection)
        ff_close(fd, connection.parted or (
            self.forks.happened and not connection.shared and not connection.moved))
        connection.forget_partial()
        self.drop_outbox(connection)
        return (<Protocol>connection.protocol).closed(connection)

    cdef int close_on_error(self, Connection connection) except -1:
        """Something of ours failed (no memory, a poller that is full): the connection pays
        for it, the others do not.  Called while the exception is handled.

        What a signal handler or another thread of the application raises may come out anywhere
        (PyThreadState_SetAsyncExc); only what the worker itself raises to leave goes on, and a
        call that the system refuses and will refuse again.  In a child that is not ours nothing
        does: this turn was its parent's."""
        error = sys.exc_info()[1]
        if not isinstance(error, Exception) and (self.site.leaving() or self.crew.forks.foreign):
            raise error
        if isinstance(error, OSError) and error.errno in REFUSALS:
            raise SystemCallRefused("a call of the loop", error)
        self.log.exception("Error in the server while it served %s; the connection is closed",
                           connection.remote_addr or "a client")
        connection.broken = True
        connection.request.busy = False
        self.slot[ANSWERS] += self.crew.answers()
        self.crew.end()
        return self.close(connection)

    # Those whose time is up.

    cdef int run_out(self, Connection connection, int wait) except -1:
        """The patience for what it has been waiting for is over."""
        if connection.state == LINGERING:
            return self.close(connection)
        return (<Protocol>connection.protocol).late(connection, wait)

    cdef int close_if_silent(self, Connection connection) except -1:
        """The time is over in which it was to send something.  What crosses this decision counts:
        a socket with bytes waiting is not idle."""
        cdef char byte
        if recv(connection.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0:
            return (<Protocol>connection.protocol).readable(connection)
        return self.close(connection)

    cdef int expire(self, int64_t now) except -1:
        """End the waits that were over at `now`: the time the turn began, since what had come
        until then has been served by now."""
        cdef Connection connection
        cdef int wait, count = 0
        for wait in range(1, WAITS):
            while count < EXPIRE_MAX:
                connection = self.deadlines.expired(wait, now)
                if connection is None:
                    break
                count += 1
                self.why = time_is_up(wait) if self.tells else None
                try:
                    self.run_out(connection, wait)
                except BaseException:
                    self.close_on_error(connection)
                self.why = None
                if self.crew.displaced():
                    return 0
        return 0
