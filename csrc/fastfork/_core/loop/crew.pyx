"""The threads of one worker, and who of them does what.

One thread *leads*: it waits for events, reads requests and calls the application, all by
itself, so a request that is answered at once is handed to nobody.  Others wait to be needed.
When the leader has been in the application for a millisecond, the flusher (csrc/loop/leader_watch.h) wakes
the next of them, which takes the lead; the old leader finishes its response as a guest and then
waits itself, or leads again if nobody else could.  When every thread is in the application, the
*keeper* leads.  It never runs the application: it sends, times, closes, and finds another
place for requests that arrive meanwhile (request_queue.pyx).

Everything that the hub owns belongs to the thread that is *inside* (turnstile.pyx): at most one.
That is so in a worker of one thread too, whose application may have threads of its own.  Nothing
here is atomic but what the flusher looks at.

A response stays on one thread, its seat: applications keep database connections and cursors
by thread.

Runs in: worker
"""

cimport cython
from libc.errno cimport errno
from libc.stdint cimport uint64_t
from libc.stdlib cimport free, malloc

from fastfork._core.base cimport RECEIVE_BYTES
from fastfork._core.conn.batch cimport ff_outs, ff_flusher_start
from fastfork._core.loop.forks cimport fork_state
from fastfork._core.interrupted cimport ff_interrupted
from fastfork._core.port cimport ff_close_both, ff_open_wakeup
from fastfork._core.published cimport ff_publish
from fastfork._core.scoreboard cimport IN_FLIGHT, IN_FLIGHT_SINCE, PLACES_AT, PLACES_MAX
from fastfork._core.scoreboard cimport PLACE_WORDS, SINCE, SLOT_WORDS, THREADS
from fastfork._core.ticks cimport now_ns
from fastfork._core.words cimport words_of

from fastfork import forks

import os
import threading

cdef extern from "<poll.h>" nogil:
    int POLLIN
    struct pollfd:
        int fd
        short events
    int poll(pollfd *fds, unsigned long count, int timeout)

cdef extern from "<unistd.h>" nogil:
    ssize_t read(int fd, void *p, size_t n)
    ssize_t write(int fd, const void *p, size_t n)

cdef extern from "Python.h":
    int PyErr_CheckSignals() except -1

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident()

cdef extern from "loop/leader_watch.h" nogil:
    void ff_watch_init(ff_watch *watch)
    void ff_watch_set_next(ff_watch *watch, int fd)
    void ff_watch_seen(ff_watch *watch)
    void ff_watch_leave(ff_watch *watch)

cdef extern from "loop/leader_watch.h" nogil:
    enum:
        FF_PATIENCE_NS

cdef extern from "loop/flusher.h" nogil:
    void ff_outs_close(ff_outs *outs)
    void ff_watch_enter(ff_watch *watch, ff_outs *outs, int64_t now)


cpdef bint has_taken(dict environ) except -1:
    """Has the application taken the socket of this request?"""
    connection = environ.get("fastfork.socket")
    return connection is not None and connection.fileno() < 0


cdef str line_of(dict environ):
    """The request line."""
    return (f"{environ.get('REQUEST_METHOD')} {environ.get('RAW_URI')} "
            f"{environ.get('SERVER_PROTOCOL')}")


@cython.final
cdef class Seat:
    """What one thread has to itself."""

    def __cinit__(self, bint serves=True):
        self.fd = self.waker = -1
        self.ident = PyThread_get_thread_ident()  # of who makes it, until another one sits down
        self.serves = serves
        self.inbox = []
        self.received = <char *>malloc(RECEIVE_BYTES)
        if self.received == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.received)
        self.close()

    cdef void close(self) noexcept:
        """Nothing wakes this thread any more."""
        ff_close_both(self.fd, self.waker)
        self.fd = self.waker = -1

    def fileno(self):
        """Readable when the thread should look up from a wait."""
        return self.fd


@cython.final
cdef class Crew(Turnstile):
    """slot: the worker's scoreboard slot.  threads: that run the application.
    many: there is a keeper, and the flusher watches over the leader; without it the one thread
    does everything."""

    def __cinit__(self, Batch batch, slot, int threads=1, bint many=False):
        cdef Seat seat
        cdef int i
        self.slot_view = memoryview(slot)
        if self.slot_view.nbytes != 8 * SLOT_WORDS:
            raise ValueError(f"a scoreboard slot has {8 * SLOT_WORDS} bytes")
        if not 1 <= threads <= PLACES_MAX or (threads > 1 and not many):
            raise ValueError(f"{threads} is not between 1 and {PLACES_MAX} threads")
        ff_watch_init(&self.watch)
        self.batch = batch
        self.forks = fork_state()
        self.slot = words_of(self.slot_view, SLOT_WORDS)
        self.slot[THREADS] = self.places = threads
        self.many = self.aside = many
        self.seats = []
        for i in range(threads):
            seat = Seat()
            seat.place = self.slot + PLACES_AT + i * PLACE_WORDS
            self.seats.append(seat)
        self.seat = self.leader = self.first = <Seat>self.seats[0]
        if many:
            self._open()

    def _open(self):
        cdef Seat seat
        cdef int error
        self.keeper = Seat(serves=False)
        self.keeper.place = (<Seat>self.seats[0]).place  # it answers nobody
        for seat in [*self.seats, self.keeper]:
            error = ff_open_wakeup(&seat.fd, &seat.waker)
            if error:
                raise OSError(error, f"a thread cannot be woken: {os.strerror(error)}")
        self.batch.outs.watch = &self.watch
        error = ff_flusher_start(&self.batch.outs)
        if error:
            raise OSError(error, "the flusher's thread cannot be started")

    def close(self):
        """End the flusher, which looks at what is ours.  Whoever calls is inside, and stays there;
        every other thread has ended by now, or is in the application for good."""
        self._end()
        ff_outs_close(&self.batch.outs)
        self.batch.outs.watch = NULL

    cdef void let_go(self) noexcept:
        """In a child that is not ours: no other thread is here, and nobody waits for one."""
        cdef Seat seat
        self.batch.outs.watch = NULL
        self.many = self.aside = False
        self.owner = self.waiters = self.posted = 0
        self.stopping = self.over = True  # what is written now comes too late
        for seat in self.seats if self.keeper is None else [*self.seats, self.keeper]:
            seat.close()

    cdef int stay(self) except -1:
        """The loop goes on here, unless this is a child that has come back into it: out of a
        signal handler of the application's, say."""
        if self.forks.foreign:
            forks.leave()
        return 0

    cdef Seat own_seat(self):
        """The seat of whoever is inside.  Raises NotOurs in a child that waits, with gevent, in
        the middle of what was a turn."""
        if self.forks.foreign:
            raise forks.NotOurs
        return self.seat

    # In and out.

    cdef void enter(self, Seat seat) noexcept:
        """This thread, whose seat that is, comes inside."""
        if not ff_claim(&self.owner, seat.ident):
            self._wait_outside(seat.ident)
        self.seat = seat

    def attend(self, Seat seat=None):
        """The same for Python: what follows may use the hub, until `leave`.  seat: of the thread
        that calls, if it has one."""
        if seat is None:
            self.hold()
        else:
            self.enter(seat)

    def leave(self):
        """Go out again."""
        self.release()

    def begin_aside(self):
        """Come inside for a moment, out of the application.  Raises RuntimeError when this thread
        is inside already, or nobody may come in any more."""
        if self.come_in() != CAME_IN:
            raise RuntimeError("this cannot be done in the middle of the server's own work")

    def end_aside(self):
        """Go out into the application again."""
        self.release()
        self.wake_loop(0)

    cdef void out(self, Seat seat, int64_t now) noexcept:
        """Application code follows; it began at `now`."""
        if self.many and self.leader is seat:
            ff_watch_enter(&self.watch, &self.batch.outs, now)
        self.calls += 1
        self.release()

    cdef void back(self, Seat seat) noexcept:
        """The application has returned.  Where the lead is with somebody who cannot serve now,
        it is ours again."""
        if self.forks.foreign:
            return  # a child that will leave now; whoever was inside is not in this process
        self.enter(seat)
        self.calls -= 1
        if not self.many:
            return
        if self.leader is seat:
            ff_watch_leave(&self.watch)
        elif self.keeping or self.watch.since != 0:
            self._lead(seat)

    cdef int wake_loop(self, Py_ssize_t known) except -1:
        """Out again, after something was left for the loop to look at: `known` connections were
        waiting for that before.  Whose thread it is comes back there by itself."""
        if (self.nudge is not None and len(self.batch.done) > known
                and (self.many or PyThread_get_thread_ident() != self.first.ident)):
            self.nudge()
        return 0

    # The thread's own account.

    cdef int begin(self, dict environ, int64_t now) except -1:
        """The thread that is inside takes up a request."""
        cdef Seat seat = self.seat
        seat.environ = environ
        ff_publish(&seat.place[SINCE], now)
        self.busy += 1
        self.slot[IN_FLIGHT] = self.busy
        if self.busy >= self.places:
            self.slot[IN_FLIGHT_SINCE] = now
        return 0

    cdef int end(self) except -1:
        """It has done with it, or failed."""
        cdef Seat seat = self.seat
        if not seat.serves or seat.place[SINCE] == 0:
            return 0  # see `answers`
        seat.environ = None
        ff_publish(&seat.place[SINCE], 0)
        self.busy -= 1
        self.slot[IN_FLIGHT] = self.busy
        self.slot[IN_FLIGHT_SINCE] = 0
        return 0

    cdef bint at_work(self) noexcept:
        """Is the application at work, or about to be?  It may be for nobody: close() of an
        iterable whose client has left counts."""
        cdef Seat seat
        if self.busy or self.calls:
            return True
        for seat in self.seats:
            if seat.inbox:
                return True
        return False

    cdef bint answers(self) noexcept:
        """Is the thread that is inside answering a request?"""
        return self.seat.serves and self.seat.place[SINCE] != 0

    def running(self, bint to_answer=False):
        """[(thread, seconds' start in nanoseconds, request line), ...] of all that are in the
        application; the longest first.  to_answer: without those that have taken their socket,
        which may last."""
        found = []
        cdef Seat seat
        for seat in self.seats:
            environ = seat.environ
            if environ is not None and not (to_answer and has_taken(environ)):
                found.append((seat.place[SINCE], seat.ident, line_of(environ)))
        return [(ident, since, line) for since, ident, line in sorted(found)]

    # Who leads.

    cdef bint displaced(self) noexcept:
        """Does another thread lead than the one that is inside?"""
        return self.many and self.leader is not self.seat

    cdef void _lead(self, Seat seat) noexcept:
        """Under the interpreter lock, inside or not."""
        if self.keeping:
            self._wake(self.keeper)  # out of its wait for events
        self.leader = seat
        self.keeping = not seat.serves
        self.terms += 1
        ff_watch_leave(&self.watch)

    cdef bint _take_lead(self, Seat seat) noexcept:
        """Take the lead if the leader has been in the application for too long."""
        cdef int64_t since = self.watch.since
        if since == 0 or now_ns() - since < FF_PATIENCE_NS:
            return False
        self._lead(seat)
        return True

    cdef void _choose(self) noexcept:
        """Tell the flusher whom to wake next: who has the fewest responses to go on with, and
        the keeper when nobody else waits."""
        cdef Seat seat, best = None
        for seat in self.seats:
            if seat.waits and (best is None or seat.streams < best.streams):
                best = seat
        if best is None and self.keeper.waits:
            best = self.keeper
        ff_watch_set_next(&self.watch, -1 if best is None else best.waker)

    cdef void _wake(self, Seat seat) noexcept:
        cdef uint64_t one = 1
        while write(seat.waker, &one, sizeof(one)) < 0 and ff_interrupted(errno):
            pass

    cdef int hand(self, Seat seat, item) except -1:
        """Give a thread something to go on with."""
        seat.inbox.append(item)
        if seat.waits:
            self._wake(seat)
        return 0

    def sit(self, Seat seat):
        """The thread that calls is this seat's from now on."""
        seat.ident = threading.get_ident()

    def park(self, Seat seat):
        """Wait until this thread is needed.  False: it is to end."""
        cdef pollfd waited
        cdef int n
        while True:
            self.stay()
            ff_watch_seen(&self.watch)
            if self.stopping:
                return False
            if self.leader is seat or seat.inbox or self._take_lead(seat):
                return True
            seat.waits = True
            self._choose()
            waited.fd = seat.fd
            waited.events = POLLIN
            with nogil:
                # Unlike read(2) it always ends with EINTR when a signal comes (signal(7)), and
                # the main thread may be the one that waits.
                n = poll(&waited, 1, -1)
            seat.waits = False
            self._choose()
            if n > 0:
                self.clear(seat)
            elif not ff_interrupted(errno):
                raise OSError(errno, "a thread cannot wait")
            else:
                PyErr_CheckSignals()

    def clear(self, Seat seat):
        """Forget what has woken this thread."""
        cdef uint64_t counts[8]
        while read(seat.fd, counts, sizeof(counts)) < 0 and ff_interrupted(errno):
            pass

    def stop(self):
        """Every thread ends as soon as the application lets it go."""
        cdef Seat seat
        self.stopping = True
        if self.many:
            for seat in [*self.seats, self.keeper]:
                self._wake(seat)
