"""Connections on their way between workers: taken out of the pool, and left there at the end.

What is put into it while the worker lives is the business of `RequestQueue`; see
csrc/net/fd_passing.h.

Runs in: worker
"""

cimport cython
from cpython.object cimport PyObject
from libc.stdint cimport uint64_t
from libc.string cimport memset
from posix.unistd cimport close

from fastfork._core.conn.acceptor cimport ff_facts, ff_handover_put, ff_handover_take
from fastfork._core.conn.batch cimport ff_out, ff_out_send, ff_outs_trylock, ff_outs_unlock
from fastfork._core.conn.connection cimport HANDSHAKE, IDLE, Connection
from fastfork._core.loop.turnstile cimport CAME_IN

cdef extern from "Python.h":
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
    POOL_MAX = 256           # connections taken out at a time, when the worker leaves
    SIGNALS = 65             # one more than the highest number


@cython.final
cdef class Pool:
    """The pool of one worker; without `share` it does nothing."""

    def __cinit__(self, Listeners listeners, RequestQueue queue):
        self.listeners = listeners
        self.queue = queue
        self.connections = listeners.connections
        self.pool_out = self.heirs = -1

    def share(self, int pool_in, int pool_out, list keys, template_of, bint hands_over=True):
        """Put connections into the one end of the pool and take them from the other.

        hands_over: when no thread is free; if not, only when the process ends, see `bequeath`.

        keys: a number for each listener, the same in all workers.  template_of(fd) -> the
        environ that requests begin with on a connection of a listener that is not ours, as in a
        reload to other addresses.
        """
        self.queue.pool_in = pool_in if hands_over else -1
        self.queue.keys = keys
        self.heirs = pool_in
        self.pool_out = pool_out
        self.template_of = template_of
        self.listeners.pool = self
        self.listeners.pool_fd = pool_out

    def __call__(self):
        """Take connections out of the pool, a few a turn."""
        cdef Listeners listeners = self.listeners
        cdef int _i
        for _i in range(listeners.accepts):
            if not listeners.has_place() or not self._adopt_one() or listeners.crew.displaced():
                return

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
            self.connections.log.exception(
                "Error in the server while it took over a connection; it is closed")
            close(fd)
            return 1
        connection = self.listeners.acceptor.adopt(fd, listener, &facts)
        connection.request.asked_ns = facts.ready_ns
        connection.request.turned_away = (
            self.queue.queue_ns and self.connections.now - facts.ready_ns > self.queue.queue_ns)
        self.adopted += 1
        self.listeners.welcome(connection, self.listeners.inner)
        self.queue.begin_anew(connection)
        return 1

    def _listener_of(self, int fd, uint64_t key):
        if key not in self.queue.keys:
            template = self.template_of(fd)
            self.listeners.templates.append(template)
            self.queue.keys.append(key)
        return self.queue.keys.index(key)

    def take_all(self):
        """Serve what is in the pool, on the way out: perhaps nobody else will."""
        cdef int _i
        for _i in range(POOL_MAX):
            if (self.listeners.is_at_limit() or self.listeners.crew.displaced()
                    or self.listeners.crew.keeping or not self._adopt_one()):
                break
        self.connections.flush()

    # What is left when the process ends in the middle of a request.

    def bequeath(self):
        """Send the answers that are made, and leave to other workers the connections that have
        nothing under way here.

        For whoever is about to end the process, on whatever thread of the application's."""
        if not self.connections.forks.foreign and self.connections.crew.come_in() == CAME_IN:
            self._bequeath()
            self.connections.crew.release()

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
        if self.heirs < 0 or self.connections.forks.foreign:
            return
        if ff_outs_trylock(&self.connections.batch.outs) == 0:
            for i in range(self.connections.batch.outs.count):
                item = &self.connections.batch.outs.items[i]
                ff_out_send(item, self.connections.batch.outs.buffer)
                if item.sent != item.end - item.start + item.body_size:
                    (<Connection>self.connections.batch.connections[i]).broken = True
            self.connections.batch.outs.count = 0
            ff_outs_unlock(&self.connections.batch.outs)
        for i in range(len(self.connections.table)):
            entry = PyList_GET_ITEM(self.connections.table, i)
            if type(<object>entry) is not Connection:
                continue
            connection = <Connection>entry
            if self._is_free(connection):
                self.queue.describe(&facts, connection)
                connection.moved = ff_handover_put(self.heirs, connection.fd, &facts) == 0

    cdef bint _is_free(self, Connection connection) noexcept:
        """Has nothing been read or written of it that another process would have to know?"""
        return ((connection.state == IDLE or connection.state == HANDSHAKE)
                and connection.fd >= 0 and connection.partial == NULL
                and connection.sealed is None and connection.facts is None
                and connection.http2 is None  # whose tables of fields are ours alone
                and connection.outbox is None and not connection.close_after and not connection.broken
                and not connection.shared and not connection.detached
                and not self.connections.batch.has(connection))


cdef Pool testator = None  # whose connections are left when the process crashes
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
