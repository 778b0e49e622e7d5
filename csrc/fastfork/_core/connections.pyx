"""The connections of one worker: watched, sent to, timed and closed.

Where they come from is the business of `Listeners`, what their bytes mean that of `Hub`; both
are built on this.

Runs in: worker
"""

from fastfork._core.base cimport MSG_DONTWAIT
from fastfork._core.connection cimport (
    BODY,
    CLOSED,
    HANDSHAKE,
    HEAD,
    IDLE,
    LINGERING,
    NEVER,
    RESPONDING,
)
from fastfork._core.deadlines cimport LINGER, MORE_BODY, NEXT_REQUEST, READER, SHAKE
from fastfork._core.deadlines cimport WAITS, WHOLE_HEAD, time_is_up
from fastfork._core.forks cimport fork_state
from fastfork._core.outbox cimport FOLLOW_BYTES, Outbox
from fastfork._core.port cimport FF_MSG_NOSIGNAL
from fastfork._core.scoreboard cimport ANSWERS, CONNECTIONS, REQUESTS
from fastfork._core.site cimport SERVER_DRAINING
from fastfork._core.text cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from fastfork._core.ticks cimport now_ns
from fastfork._core.writer cimport ResponseWriter

import errno
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

cdef tuple REFUSALS = (errno.EPERM, errno.EACCES, errno.ENOSYS)


cdef class Connections:
    """All connections of one worker.  poller: see fastfork.workers.poller."""

    def __cinit__(self, Gateway gateway, *, Site site, Batch batch, Deadlines deadlines, poller,
                  **kwargs):
        self.gateway = gateway
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

    cdef int _readable(self, Connection connection) except -1:
        raise AssertionError("Hub knows what bytes mean")

    cdef int _gone(self) except -1:
        raise AssertionError("Listeners knows what room is for")

    cdef int _run_out(self, Connection connection, int wait) except -1:
        raise AssertionError("Hub knows what waiting too long means")

    # Set-up and control, called by the reactor.

    def add_reader(self, int fd, call):
        """Call `call()` whenever `fd` is readable (the wake-up pipe)."""
        self._reserve(fd)
        self.table[fd] = call
        self.poller.register(fd, EPOLLIN)

    @property
    def requests(self):
        """Requests given to the application so far."""
        return self.slot[REQUESTS]

    @property
    def has_done(self):
        """Is nobody left to serve?"""
        return self._has_done()

    cdef bint _has_done(self) noexcept:
        """An application that has taken its connection is still answering a request, and one
        whose client has left may be closing its iterable."""
        return (self.connections == 0 and not self.crew.at_work()
                and not self.gateway.at_work())

    def leaves(self):
        """Does the worker finish what it has, to go then?"""
        return self.site.draining or self.site.server_state[0] == SERVER_DRAINING

    def close_all(self):
        """Close every connection as it is."""
        for entry in self.table:
            if type(entry) is Connection:
                self._close(<Connection>entry)

    # After sending.

    cdef int _flush(self) except -1:
        """Send the batch, then see to the connections that it left unfinished."""
        cdef Connection connection
        self.batch.flush()
        while self.batch.done:
            connection = <Connection>self.batch.done.pop()
            connection.flushing = False
            try:
                self._settle(connection)
            except BaseException:
                self._mishap(connection)
        return 0

    cdef int _later(self, Connection connection) except -1:
        """Go on with it in the next turn; a response on the thread that began it."""
        if connection.responder is None:
            self.ready.append(connection)
            return 0
        return self.crew.hand((<ResponseWriter>connection.responder).seat, connection)

    cdef int _send_meanwhile(self, Connection connection) except -1:
        """Send what the application has made so far, while it makes more on another thread.

        A client that does not read holds what write() allows; that its time is over is for
        the end of the response to see."""
        cdef int rc = 0
        if connection.outbox is not None and not connection.broken:
            rc = connection.outbox.send(connection.fd)
            if rc < 0:
                self.site.lose(connection)
        if rc == 1 and self._weigh(connection) == 0:
            if connection.sink is None:
                return self._watch(connection, EPOLLOUT)
            self.deadlines.set(connection, READER, self.now)
            if connection.outbox.in_memory() <= FOLLOW_BYTES:
                connection.sink.drained()
            return self._watch_for_sink(connection)
        self._drop_outbox(connection)
        if connection.sink is not None:
            if connection.which_list == READER:
                self.deadlines.remove(connection)
            if connection.broken:
                return self._lost(connection)
            connection.sink.drained()
            return 0 if connection.interest == NEVER else self._watch_for_sink(connection)
        return 0 if connection.interest == NEVER else self._watch(connection, 0)

    cdef int _settle(self, Connection connection) except -1:
        """Send what waits for the client; when all is sent, go on to what comes then."""
        cdef int rc
        if connection.busy and self.crew.aside:
            return 0 if connection.state == CLOSED else self._send_meanwhile(connection)
        if connection.state == CLOSED or connection.state == LINGERING or connection.detached:
            return 0
        if connection.outbox is not None and not connection.broken:
            rc = connection.outbox.send(connection.fd)
            if rc < 0:
                self.site.lose(connection)
            elif rc == 1 and self._weigh(connection) == 0:
                # A request may be half read meanwhile, and stays so: what comes next on
                # this connection is the rest of it, not a new request.
                if (connection.state != HEAD and connection.state != BODY
                        and connection.state != HANDSHAKE):
                    connection.state = RESPONDING
                self.deadlines.set(connection, READER, self.now)
                return self._watch(connection, EPOLLOUT)
            self._drop_outbox(connection)
        if connection.broken:
            return self._close(connection)
        if connection.responder is not None:
            if connection.state == RESPONDING:
                self._later(connection)
            return 0
        if connection.close_after:
            return self._finish_connection(connection)
        if connection.state == RESPONDING:
            connection.state = IDLE
            self.deadlines.set(connection, NEXT_REQUEST, self.now)
            if connection.partial != NULL or connection.has_ended():
                self.ready.append(connection)
            else:
                self._watch(connection, EPOLLIN)
        elif connection.which_list == READER:
            if connection.state == BODY:
                self.deadlines.set(connection, MORE_BODY, self.now)
            elif connection.state == HANDSHAKE:
                self.deadlines.set(connection, SHAKE, self.now)
            else:
                self.deadlines.set(
                    connection, NEXT_REQUEST if connection.is_blank() else WHOLE_HEAD, self.now)
            self._watch(connection, EPOLLIN)
        return 0

    cdef int _weigh(self, Connection connection) except -1:
        """The client does not take what it asked for.  1 when that cannot be kept: the
        connection is broken then.

        All slow clients of a worker together have HELD_MAX of its memory; what comes on top
        of that goes to files."""
        cdef Outbox outbox = connection.outbox
        cdef int64_t weight = outbox.weight()
        self.held += weight - outbox.counted
        outbox.counted = weight
        if weight < SPILL_MIN or self.held <= HELD_MAX:
            return 0
        self.site.spill(connection)
        self.held -= weight
        outbox.counted = 0
        return connection.broken

    cdef int _drop_outbox(self, Connection connection) except -1:
        if connection.outbox is not None:
            self.held -= connection.outbox.counted
            connection.outbox = None
        return 0

    cdef int _watch(self, Connection connection, int interest) except -1:
        if connection.interest == interest:
            return 0
        if connection.interest == NEVER:
            self.poller.register(connection.fd, interest)
        else:
            self.poller.modify(connection.fd, interest)
        connection.interest = interest
        return 0

    cdef int _watch_for_sink(self, Connection connection) except -1:
        """Watch what its sink can do something with, and what waits for the client."""
        if connection.sink is None or connection.broken or connection.fd < 0:
            return 0
        return self._watch(connection, (0 if connection.outbox is None else EPOLLOUT) | (
            0 if connection.shut else EPOLLIN if connection.sink.wants() > 0 else connection.at_end))

    cdef int _lost(self, Connection connection) except -1:
        """The client of a busy connection is gone, and there is nothing more to watch."""
        connection.broken = True
        if connection.interest != NEVER:
            self.poller.unregister(connection.fd)
            connection.interest = NEVER
        return 0 if connection.sink is None else connection.sink.left()

    cdef int _finish_connection(self, Connection connection) except -1:
        """Everything is sent and nothing more will be: close, so that the client reads it all.

        close() with unread bytes makes the kernel send a reset, which may overtake our last
        response (RFC 9112 section 9.6).  A client that was not expected to stop is therefore
        half-closed and drained first.
        """
        if connection.cut:
            return self._reset(connection)
        if connection.lingers or connection.partial != NULL:
            return self._linger(connection)
        return self._close(connection)

    cdef int _reset(self, Connection connection) except -1:
        """Close with RST, which also gives back what the kernel still holds for the client
        (socket(7), SO_LINGER)."""
        ff_reset(connection.fd, self.forks.happened and not connection.shared)
        return self._close(connection)

    cdef int _linger(self, Connection connection) except -1:
        if connection.sealed is not None:
            self._end_sealed(connection)
        if shutdown(connection.fd, SHUT_WR) != 0:
            return self._close(connection)
        connection.forget_partial()
        connection.state = LINGERING
        self.deadlines.set(connection, connection.lingers or LINGER, self.now)
        return self._watch(connection, EPOLLIN)

    cdef int _end_sealed(self, Connection connection) except -1:
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

    cdef int _tell(self, Connection connection, str what) except -1:
        """A line at level debug: only where `tells`, as it costs a good part of a request."""
        self.log.debug("Connection %d of ip=%s %s", connection.fd, connection.remote_addr or "-", what)
        return 0

    cdef int _mishap(self, Connection connection) except -1:
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
        connection.busy = False
        self.slot[ANSWERS] += self.crew.answers()
        self.crew.end()
        return self._close(connection)

    cdef int _close(self, Connection connection) except -1:
        cdef int fd = connection.fd
        if connection.state == CLOSED or fd < 0:
            return 0
        if self.tells:
            why, self.why = self.why, None
            self._tell(connection, f"is closed: {why or connection.why_closed()}")
        if connection.sealed is not None:
            self._end_sealed(connection)
            connection.sealed = None
        connection.state = CLOSED
        connection.broken = True  # for whoever still answers it
        self.connections -= 1
        self.slot[CONNECTIONS] = self.connections
        self.deadlines.remove(connection)
        self.table[fd] = None
        if connection.interest != NEVER and (
                self.forks.happened or connection.shared or self.poller.keeps_closed):
            self.poller.unregister(fd)
        self.batch.forget(connection)
        connection.fd = -1
        ff_close(fd, connection.parted or (
            self.forks.happened and not connection.shared and not connection.moved))
        connection.forget_partial()
        if connection.body is not None:
            connection.body.discard()
            connection.body = None
        connection.environ = None
        self._drop_outbox(connection)
        if connection.responder is not None and not connection.busy:
            responder, connection.responder = connection.responder, None
            if self.crew.aside:
                # Its close() is the application's: on its own thread, and not in here.
                (<ResponseWriter>responder).seat.streams -= 1
                self.crew.hand((<ResponseWriter>responder).seat, responder)
            else:
                self.gateway.abandon(<ResponseWriter>responder)
        return self._gone()

    # Those whose time is up.

    def _reserve(self, int fd):
        if fd >= len(self.table):
            self.table.extend([None] * (fd + 1024 - len(self.table)))

    cdef int _expire(self, int64_t now) except -1:
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
                if connection.busy and connection.sink is None:
                    continue  # it waits for the application, not for its client
                self.why = time_is_up(wait) if self.tells else None
                try:
                    if connection.busy:
                        connection.sink.late(wait)
                    else:
                        self._run_out(connection, wait)
                except BaseException:
                    self._mishap(connection)
                self.why = None
                if self.crew.displaced():
                    return 0
        return 0
