"""The connections of one worker: accepted, watched, sent to, timed and closed.

What their bytes mean is the business of `Hub`, which is built on this.

Runs in: worker
"""

from posix.unistd cimport close

from fastfork._core.batch cimport BATCH_NS
from fastfork._core.connection cimport (
    BODY,
    CLOSED,
    HEAD,
    IDLE,
    LINGERING,
    NEVER,
    RESPONDING,
)
from fastfork._core.deadlines cimport (
    FIRST_BYTE,
    LINGER,
    MORE_BODY,
    NEXT_REQUEST,
    READER,
    WAITS,
    WHOLE_HEAD,
)
from fastfork._core.response cimport Responder
from fastfork._core.ticks cimport now_ns

import errno as errors
import socket

cdef extern from "<sys/socket.h>" nogil:
    int SHUT_WR
    int shutdown(int fd, int how)

cdef enum:
    SHORTAGE_NS = 100000000   # pause after a shortage of descriptors
    SHORTAGE_LOG_NS = 1000000000
    BACKLOG_ROUNDS = 64       # of `accepts` each, when the worker leaves
    LEAVING_NS = 2000000000   # linger of kept-alive connections when the worker leaves


cdef class Connections:
    """All connections of one worker.

    site, batch, deadlines: shared with `Hub`.  poller: see fastfork.workers.poller.
    slot: the worker's scoreboard slot, a writable buffer of 512 bytes.
    most_connections: the worker accepts no more than this.
    accepts: connections taken from one listener in a turn.
    """

    def __cinit__(self, *args, Site site, Batch batch, Deadlines deadlines, poller, slot,
                  int most_connections, int accepts, **kwargs):
        cdef unsigned char[::1] words
        self.site = site
        self.batch = batch
        self.deadlines = deadlines
        self.acceptor = Acceptor()
        self.poller = poller
        self.log = site.log
        self.most_connections = most_connections
        self.accepts = accepts
        self.table = [None] * 1024
        self.templates = []
        self.listeners = []
        self.ready = []
        self.slot_view = memoryview(slot).cast("B")
        words = self.slot_view
        if words.shape[0] != 512:
            raise ValueError("a scoreboard slot has 512 bytes")
        self.slot = <int64_t *>&words[0]
        self.now = now_ns()

    cdef int _readable(self, Connection connection) except -1:
        raise AssertionError("Hub knows what bytes mean")

    cdef int _run_out(self, Connection connection, int wait) except -1:
        raise AssertionError("Hub knows what waiting too long means")

    # Set-up and control, called by the reactor.

    def add_listener(self, int fd, dict template):
        """Accept from `fd`; `template` is the environ that its requests begin with."""
        self.templates.append(template)
        self.listeners.append(fd)

    def add_reader(self, int fd, call):
        """Call `call()` whenever `fd` is readable (the wake-up pipe)."""
        self._reserve(fd)
        self.table[fd] = call
        self.poller.register(fd, EPOLLIN)

    def listen(self, bint on):
        """Begin or stop to watch the listeners."""
        self._listen(on)

    def begin_drain(self):
        """Serve what is here, what waits in the accept queue and what comes on open
        connections, then let them go."""
        cdef uint32_t i
        for i in range(len(self.listeners)):
            for _ in range(BACKLOG_ROUNDS):
                before = self.connections
                self._accept(i)
                if self.connections == before:
                    break
        self._flush()
        self.site.draining = True
        self._listen(False)
        self.listeners = []
        self.deadlines.limit(FIRST_BYTE, LEAVING_NS)
        self.deadlines.limit(NEXT_REQUEST, LEAVING_NS)
        self.deadlines.shorten(FIRST_BYTE, now_ns() + LEAVING_NS)
        self.deadlines.shorten(NEXT_REQUEST, now_ns() + LEAVING_NS)

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
            except Exception:
                self._mishap(connection)
        return 0

    cdef int _settle(self, Connection connection) except -1:
        """Send what waits for the client; when all is sent, go on to what comes then."""
        cdef int rc
        if connection.state == CLOSED or connection.state == LINGERING or connection.detached:
            return 0
        if connection.outbox is not None and not connection.broken:
            rc = connection.outbox.send(connection.fd)
            if rc < 0:
                connection.broken = True
            elif rc == 1:
                # A request may be half read meanwhile, and stays so: what comes next on
                # this connection is the rest of it, not a new request.
                if connection.state != HEAD and connection.state != BODY:
                    connection.state = RESPONDING
                self.deadlines.set(connection, READER, self.now)
                return self._watch(connection, EPOLLOUT)
            connection.outbox = None
        if connection.broken:
            return self._close(connection)
        if connection.responder is not None:
            if connection.state == RESPONDING:
                self.ready.append(connection)
            return 0
        if connection.close_after:
            return self._finish_connection(connection)
        if connection.state == RESPONDING:
            connection.state = IDLE
            self.deadlines.set(connection, NEXT_REQUEST, self.now)
            if connection.partial != NULL:
                self.ready.append(connection)
            else:
                self._watch(connection, EPOLLIN)
        elif connection.which_list == READER:
            self.deadlines.set(connection, MORE_BODY if connection.state == BODY else WHOLE_HEAD,
                               self.now)
            self._watch(connection, EPOLLIN)
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

    cdef int _finish_connection(self, Connection connection) except -1:
        """Everything is sent and nothing more will be: close, so that the client reads it all.

        close() with unread bytes makes the kernel send a reset, which may overtake our last
        response (RFC 9112 section 9.6).  A client that was not expected to stop is therefore
        half-closed and drained first.
        """
        if connection.lingers or connection.partial != NULL:
            return self._linger(connection)
        return self._close(connection)

    cdef int _linger(self, Connection connection) except -1:
        if shutdown(connection.fd, SHUT_WR) != 0:
            return self._close(connection)
        connection.forget_partial()
        connection.state = LINGERING
        self.deadlines.set(connection, LINGER, self.now)
        return self._watch(connection, EPOLLIN)

    cdef int _mishap(self, Connection connection) except -1:
        """Something of ours failed (no memory, a poller that is full): the connection pays
        for it, the others do not.  Called while the exception is handled."""
        self.log.exception("Error in the server while it served %s; the connection is closed",
                           connection.remote_addr or "a client")
        connection.broken = True
        connection.busy = False
        self.slot[IN_FLIGHT] = self.slot[IN_FLIGHT_SINCE] = 0
        return self._close(connection)

    cdef int _close(self, Connection connection) except -1:
        cdef int fd = connection.fd
        if connection.state == CLOSED or fd < 0:
            return 0
        connection.state = CLOSED
        self.connections -= 1
        self.slot[CONNECTIONS] = self.connections
        self.deadlines.remove(connection)
        self.table[fd] = None
        if connection.interest != NEVER and (connection.shared or self.poller.keeps_closed):
            self.poller.unregister(fd)
        self.batch.forget(connection)
        connection.fd = -1
        close(fd)
        connection.forget_partial()
        if connection.body is not None:
            connection.body.discard()
            connection.body = None
        connection.environ = None
        connection.outbox = None
        if connection.responder is not None and not connection.busy:
            connection.broken = True
            responder, connection.responder = connection.responder, None
            (<Responder>responder).abandon()
        return self._listen_if_room()

    cdef int _listen_if_room(self) except -1:
        """A connection has gone: room for one that waits."""
        if not self.listening and not self.listen_again and not self.site.draining:
            return self._listen(True)
        return 0

    def _detach(self, Connection connection):
        """The application takes the socket; see Connection.detach."""
        self._flush()
        fd = connection.fd
        if fd < 0 or connection.outbox is not None:
            raise RuntimeError("fastfork.socket cannot be detached: the client has not read the "
                               "answers before this one, or has left")
        self.batch.forget(connection)
        if connection.interest != NEVER:
            self.poller.unregister(fd)
        self.deadlines.remove(connection)
        self.table[fd] = None
        connection.fd = -1
        connection.state = CLOSED
        connection.detached = connection.broken = True
        self.connections -= 1
        self.slot[CONNECTIONS] = self.connections
        self._listen_if_room()
        sock = socket.socket(fileno=fd)
        sock.setblocking(False)  # as the descriptor is
        return sock

    # New connections, and those whose time is up.

    def _reserve(self, int fd):
        if fd >= len(self.table):
            self.table.extend([None] * (fd + 1024 - len(self.table)))

    cdef int _listen(self, bint on) except -1:
        if on == self.listening or (on and self.connections >= self.most_connections):
            return 0
        self.listening = on
        for index, fd in enumerate(self.listeners):
            self._reserve(fd)
            if on:
                self.table[fd] = Listening(self, index)
                self.poller.register_listener(fd)
            else:
                self.poller.unregister(fd)
                self.table[fd] = None
        return 0

    def accept_stranded(self):
        """Accept without having been woken, from every listener."""
        cdef uint32_t i
        if self.listening:
            for i in range(len(self.listeners)):
                self._accept(i)
            self._flush()

    @property
    def requests(self):
        """Requests given to the application so far."""
        return self.slot[REQUESTS]

    cdef int _accept(self, uint32_t listener) except -1:
        cdef Connection connection
        cdef int _i
        for _i in range(self.accepts):
            if not self.listening:
                return 0
            if self.connections >= self.most_connections:
                return self._listen(False)
            connection = self.acceptor.accept(self.listeners[listener], listener)
            if connection is None:
                if self.acceptor.error:
                    self._shortage()
                return 0
            self._reserve(connection.fd)
            connection.hub = self
            connection.interest = NEVER
            self.table[connection.fd] = connection
            self.connections += 1
            self.slot[CONNECTIONS] = self.connections
            self.slot[ACCEPTED] += 1
            self.deadlines.set(connection, FIRST_BYTE, self.now)
            # Most clients have sent their request by now.  One that is answered and closed
            # in this turn never costs a word to the poller.
            try:
                self._readable(connection)
                if connection.state != CLOSED and not connection.close_after:
                    self._watch(connection, EPOLLIN)
            except Exception:
                self._mishap(connection)
            if self.batch.waiting() and self.now - self.batch.outs.first_ns > BATCH_NS:
                self._flush()
        return 0

    def _shortage(self):
        """Out of descriptors or memory: leave the queue alone for a moment, do not spin."""
        if self.now - self.shortage_told_ns > SHORTAGE_LOG_NS:
            self.shortage_told_ns = self.now
            self.log.error("cannot accept: %s; trying again every 0.1 s",
                           errors.errorcode.get(self.acceptor.error, self.acceptor.error))
        self._listen(False)
        self.listen_again = self.now + SHORTAGE_NS

    cdef int _expire(self, int64_t now) except -1:
        """End the waits that were over at `now`: the time the turn began, since what had come
        until then has been served by now."""
        cdef Connection connection
        cdef int wait
        for wait in range(1, WAITS):
            while True:
                connection = self.deadlines.expired(wait, now)
                if connection is None:
                    break
                try:
                    self._run_out(connection, wait)
                except Exception:
                    self._mishap(connection)
        return 0


cdef class Listening:
    """What the table holds for a listener: called when it is readable."""

    def __cinit__(self, Connections hub, int index):
        self.hub = hub
        self.index = index

    def __call__(self):
        self.hub._accept(self.index)
