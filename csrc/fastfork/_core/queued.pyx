"""Requests that arrive while every thread of the worker is in the application.

Where workers share a pool, the connection goes there, and the first worker that waits for
work takes it: see csrc/handover.h.  That is possible while nothing of the request has been
read.  Other connections are watched no more and stay in line until a thread returns, or
`queue_timeout` is over and they get a 503.

Runs in: worker
"""

from cpython.object cimport PyObject
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy, memset
from posix.unistd cimport close

from fastfork._core.base cimport MSG_DONTWAIT, MSG_PEEK, recv
from fastfork._core.batch cimport ff_out, ff_out_send, ff_outs_trylock, ff_outs_unlock
from fastfork._core.acceptor cimport ff_facts, ff_handover_put, ff_handover_take
from fastfork._core.connection cimport BODY, CLOSED, HANDSHAKE, HEAD, IDLE, NEVER, PREFACE
from fastfork._core.connections cimport EPOLLIN
from fastfork._core.scoreboard cimport HEARTBEAT, IN_FLIGHT_SINCE, SLOT_WORDS, STATE
from fastfork._core.turnstile cimport CAME_IN
from fastfork._core.deadlines cimport FIRST_BYTE, MORE_BODY, NEXT_REQUEST, QUEUED, SHAKE, WHOLE_HEAD

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(str text, Py_ssize_t *size) noexcept
    PyObject *PyList_GET_ITEM(list items, Py_ssize_t i) noexcept

cdef extern from "<signal.h>" nogil:
    int SA_ONSTACK
    int SIGBUS
    int SIGFPE
    int SIGILL
    int SIGSEGV
    ctypedef struct sigset_t:
        pass
    struct sigaction_t "sigaction":
        void (*sa_handler)(int) noexcept nogil
        int sa_flags
        sigset_t sa_mask
    int sigaction(int number, const sigaction_t *action, sigaction_t *before)
    int raise_ "raise" (int number)


cdef enum:
    READY = 2                # a worker's state (fastfork.ipc.scoreboard)
    POOL_MAX = 256           # connections taken out at a time, when the worker leaves
    LOST_NS = 10000000000    # a worker that has been silent for so long takes nothing
    SIGNALS = 65             # one more than the highest number


cdef void _fill(ff_facts *facts, Connection connection, uint64_t key, int64_t now) noexcept:
    """What whoever takes the connection has to know."""
    cdef Py_ssize_t n = 0
    cdef const char *address = PyUnicode_AsUTF8AndSize(connection.remote_addr, &n)
    memset(facts, 0, sizeof(ff_facts))
    facts.ready_ns = now
    facts.listener = key
    facts.port = connection.port
    memcpy(facts.address, address, min(n, <Py_ssize_t>sizeof(facts.address) - 1))


cdef class Queued(Listeners):
    """queue_timeout: seconds that a request may wait for a thread, 0 = as long as it takes; the
    patience of Deadlines is the same."""

    def __cinit__(self, *args, queue_timeout=0, **kwargs):
        self.queue_ns = <int64_t>(queue_timeout * 1e9)
        self.pool_in = self.pool_out = self.heirs = -1

    def share_connections(self, int pool_in, int pool_out, list keys, template_of,
                          bint hands_over=True):
        """Put connections into the one end of the pool and take them from the other.

        hands_over: when no thread is free; if not, only when the process ends, see `bequeath`.

        keys: a number for each listener, the same in all workers.  template_of(fd) -> the
        environ that requests begin with on a connection of a listener that is not ours, as in a
        reload to other addresses.
        """
        self.pool_in = pool_in if hands_over else -1
        self.heirs = pool_in
        self.pool_out = pool_out
        self.keys = keys
        self.template_of = template_of

    # Away with it.

    cdef int _put_off(self, Connection connection) except -1:
        """Its request has arrived, and no thread can take it."""
        cdef char byte
        cdef ssize_t n
        if ((connection.state == IDLE or connection.state == HANDSHAKE)
                and connection.partial == NULL and connection.sealed is None):
            n = recv(connection.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT)
            if n == 0:
                return self._close(connection)
            if n > 0 and self._hand_over(connection):
                return 0
            connection.asked_ns = self.now
        self.deadlines.set(connection, QUEUED, self.now)
        return self._watch(connection, 0)

    cdef bint _hand_over(self, Connection connection) except -1:
        """Put it into the pool; False when it has to stay."""
        cdef ff_facts facts
        # Who leaves takes everything out of the pool, and may be the last to look there.
        if (self.pool_in < 0 or self.site.draining or connection.shared
                or connection.facts is not None  # which the message has no room for
                or (self.queue_ns and not self._others_wait())):
            return False
        _fill(&facts, connection, self.keys[connection.listener], self.now)
        if ff_handover_put(self.pool_in, connection.fd, &facts) != 0:
            return False
        # The socket lives on elsewhere, so closing our descriptor of it leaves it in the poller.
        if connection.interest != NEVER:
            self.poller.unregister(connection.fd)
            connection.interest = NEVER
        connection.moved = True
        self._close(connection)
        return True

    cdef bint _others_wait(self) noexcept:
        """Is there another worker with a thread to spare?"""
        cdef int64_t *slot
        cdef Py_ssize_t i
        if self.board == NULL:
            return False
        for i in range(self.workers):
            slot = self.board + i * SLOT_WORDS
            if (slot != self.slot and slot[STATE] == READY and not slot[IN_FLIGHT_SINCE]
                    and self.now - slot[HEARTBEAT] < LOST_NS):
                return True
        return False

    # Back again.

    cdef int _serve_queued(self) except -1:
        """A thread is here: serve who is in line, from both ends in turn.

        A line that is there stays for a while.  Strictly in order, everybody in it would wait
        for as long; so half of them hardly wait, and none waits more than twice as long."""
        cdef Connection connection
        while not self.crew.keeping and not self.crew.displaced():
            self.newest_first = not self.newest_first
            if self.newest_first:
                connection = self.deadlines.newest(QUEUED)
            else:
                connection = self.deadlines.oldest(QUEUED)
            if connection is None:
                return 0
            try:
                self._release(connection)
            except BaseException:
                self._mishap(connection)
        return 0

    cdef int _release(self, Connection connection) except -1:
        """Go on reading where it was put off."""
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
        self._readable(connection)
        self._begin_anew(connection)
        if (connection.state != CLOSED and not connection.close_after
                and connection.interest == 0 and connection.outbox is None
                and connection.responder is None):
            self._watch(connection, EPOLLIN)
        return 0

    cdef void _begin_anew(self, Connection connection) noexcept:
        """A thread has looked at it.  If its request was not complete, what comes now is the
        client's time and no wait for a thread."""
        if connection.which_list != QUEUED:
            connection.asked_ns = 0

    cdef int _watch_pool(self, bint on) except -1:
        if self.pool_out < 0:
            return 0
        self._reserve(self.pool_out)
        if on:
            self.table[self.pool_out] = Pool(self)
            self.poller.register_listener(self.pool_out)
        else:
            self.poller.unregister(self.pool_out)
            self.table[self.pool_out] = None
        return 0

    cdef int _adopt(self) except -1:
        """Take connections out of the pool, a few a turn."""
        cdef int _i
        for _i in range(self.accepts):
            if not self.listening:
                return 0
            if self.connections >= self.most_connections and not self._make_room():
                return self._no_room()
            if not self._adopt_one() or self.crew.displaced():
                return 0
        return 0

    cdef int _adopt_one(self) except -1:
        """Returns 0 when there was none."""
        cdef ff_facts facts
        cdef Connection connection
        cdef int fd = ff_handover_take(self.pool_out, &facts) if self.pool_out >= 0 else -1
        if fd < 0:
            return 0
        try:
            listener = self._listener_of(fd, facts.listener)
        except Exception:
            self.log.exception("Error in the server while it took over a connection; it is closed")
            close(fd)
            return 1
        connection = self.acceptor.adopt(fd, listener, &facts)
        connection.asked_ns = facts.ready_ns
        connection.turned_away = self.queue_ns and self.now - facts.ready_ns > self.queue_ns
        self.adopted += 1
        self._welcome(connection)
        self._begin_anew(connection)
        return 1

    def _listener_of(self, int fd, uint64_t key):
        if key not in self.keys:
            template = self.template_of(fd)
            self.templates.append(template)
            self.keys.append(key)
        return self.keys.index(key)

    def take_pool(self):
        """Serve what is in the pool, on the way out: perhaps nobody else will."""
        cdef int _i
        for _i in range(POOL_MAX):
            if (self.connections >= self.most_connections or self.crew.displaced()
                    or self.crew.keeping or not self._adopt_one()):
                break
        self._flush()

    # What is left when the process ends in the middle of a request.

    def bequeath(self):
        """Send the answers that are made, and leave to other workers the connections that have
        nothing under way here.

        For whoever is about to end the process, on whatever thread of the application's."""
        if not self.forks.foreign and self.crew.come_in() == CAME_IN:
            self._bequeath()
            self.crew.release()

    def bequeath_in_crash(self):
        """The same when a signal says that the process has crashed."""
        global testator
        cdef sigaction_t action, now
        cdef int number
        testator = self
        memset(&action, 0, sizeof(action))
        action.sa_handler = _crashed
        action.sa_flags = SA_ONSTACK
        for number in (SIGBUS, SIGFPE, SIGILL, SIGSEGV):
            if sigaction(number, NULL, &now) == 0 and now.sa_handler != _crashed:
                before[number] = now  # faulthandler's, most likely
                sigaction(number, &action, NULL)

    def bequeath_nothing(self):
        """The process goes on as something else."""
        global testator
        testator = None

    cdef void _bequeath(self) noexcept:
        """Out of anything that was going on, so nothing here is allocated or waits."""
        cdef Connection connection
        cdef PyObject *entry
        cdef ff_facts facts
        cdef ff_out *item
        cdef Py_ssize_t i
        if self.heirs < 0 or self.forks.foreign:
            return
        if ff_outs_trylock(&self.batch.outs) == 0:
            for i in range(self.batch.outs.count):
                item = &self.batch.outs.items[i]
                ff_out_send(item, self.batch.outs.buffer)
                if item.sent != item.end - item.start + item.body_size:
                    (<Connection>self.batch.connections[i]).broken = True
            self.batch.outs.count = 0
            ff_outs_unlock(&self.batch.outs)
        for i in range(len(self.table)):
            entry = PyList_GET_ITEM(self.table, i)
            if type(<object>entry) is not Connection:
                continue
            connection = <Connection>entry
            if self._is_free(connection):
                _fill(&facts, connection, self.keys[connection.listener], self.now)
                connection.moved = ff_handover_put(self.heirs, connection.fd, &facts) == 0

    cdef bint _is_free(self, Connection connection) noexcept:
        """Has nothing been read or written of it that another process would have to know?"""
        return ((connection.state == IDLE or connection.state == HANDSHAKE)
                and connection.fd >= 0 and connection.partial == NULL
                and connection.sealed is None and connection.facts is None
                and connection.outbox is None and connection.responder is None
                and not connection.busy and not connection.close_after and not connection.broken
                and not connection.shared and not connection.detached
                and not self.batch.has(connection))


cdef Queued testator = None  # whose connections are left when the process crashes
cdef sigaction_t[SIGNALS] before  # what a crash does without us


cdef void _crashed(int number) noexcept nogil:
    """Whoever crashed holds the interpreter lock, most likely.  Where even this crashes, the
    kernel ends the process: the signal is blocked meanwhile."""
    (<void (*)() noexcept nogil>_bequeath_all)()
    sigaction(number, &before[number], NULL)
    raise_(number)


cdef void _bequeath_all() noexcept:
    if testator is not None:
        testator._bequeath()


cdef class Pool:
    """What the table holds for the pool: called when it is readable."""

    def __cinit__(self, Queued hub):
        self.hub = hub

    def __call__(self):
        self.hub._adopt()
