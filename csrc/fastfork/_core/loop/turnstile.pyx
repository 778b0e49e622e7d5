"""Who may touch what the hub owns: one thread at a time, the one that is *inside*.

A thread goes out when it enters the application or waits for events, and comes in when it
returns.  A thread of the application's own comes in when it calls `write()` or its like.  Who is
inside is one word, which a thread claims by a compare-and-exchange (csrc/loop/claim.h); only who finds
somebody inside waits.  What is looked at inside has to be looked at inside: the wait gives the
interpreter lock away.

The thread that is inside may run code of the application's in the middle of our work: a finalizer
that the garbage collector calls, a signal handler, the handler of a log line.  Such code
cannot wait until its own thread goes out, so what it wants to write is put off until then.

Runs in: worker
"""

from fastfork._core.port cimport (
    ff_semaphore_close,
    ff_semaphore_open,
    ff_semaphore_post,
    ff_semaphore_wait,
)

cdef extern from "Python.h":
    void Py_FatalError(const char *message)

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident()

cdef enum:
    POSTPONED_MAX = 64        # calls out of the middle of our work, until we go out


cdef class Turnstile:
    """At most one thread is inside."""

    def __cinit__(self, *args, **kwargs):
        if ff_semaphore_open(&self.turn) != 0 or ff_semaphore_open(&self.never) != 0:
            raise MemoryError

    def __dealloc__(self):
        ff_semaphore_close(&self.turn)
        ff_semaphore_close(&self.never)

    cdef void hold(self) noexcept:
        """Come inside, as nobody in particular; wait for whoever is."""
        cdef unsigned long me = PyThread_get_thread_ident()
        if not ff_claim(&self.owner, me):
            self._wait_outside(me)

    cdef void release(self) noexcept:
        """Go out."""
        if ff_give_up(&self.owner, &self.waiters) or self.postponed is not None:
            self._after_release()

    cdef void _after_release(self) noexcept:
        """Somebody waits to come inside, or calls were put off until nobody is."""
        self._tell_one()
        if self.postponed is not None:
            self._do_postponed()

    cdef void _tell_one(self) noexcept:
        if ff_add(&self.waiters, 0) >= ff_add(&self.posted, 1):
            ff_semaphore_post(&self.turn)
        else:
            ff_add(&self.posted, -1)

    cdef int come_in(self) noexcept:
        """Come inside out of code of the application's, on whatever thread: CAME_IN, or why not."""
        cdef unsigned long me = PyThread_get_thread_ident()
        while not ff_claim(&self.owner, me):
            if ff_owner(&self.owner) == me:
                return IN_THE_MIDDLE
            if self.over:
                return TOO_LATE
            self._wait()
        return CAME_IN

    cdef void check_owner(self) noexcept:
        """End the process if the thread that calls is not inside."""
        if ff_owner(&self.owner) != PyThread_get_thread_ident():
            Py_FatalError("a thread touches the loop that does not own it")

    cdef bint is_foreign(self, unsigned long loop) noexcept:
        """Is it another thread than this one that is inside?"""
        cdef unsigned long owner = ff_owner(&self.owner)
        return owner != 0 and owner != loop

    cdef int postpone(self, call, argument) except -1:
        """Call it when this thread, which is inside, goes out.  What it raises then is nobody's:
        that the response has ended meanwhile, say."""
        if self.postponed is None:
            self.postponed = []
        if len(self.postponed) >= POSTPONED_MAX:
            raise RuntimeError("too much is written by finalizers or signal handlers in the middle "
                               "of the server's own work")
        self.postponed.append((call, argument))
        return 0

    cdef void _do_postponed(self) noexcept:
        """What is put off while this goes on waits for its turn here: there is no recursion."""
        cdef int left = POSTPONED_MAX
        if self.catching_up:
            return
        self.catching_up = True
        while self.postponed is not None and left > 0:
            calls, self.postponed = self.postponed, None
            for call, argument in calls:
                left -= 1
                try:
                    call(argument)
                except Exception:
                    pass
        self.postponed = None
        self.catching_up = False

    cdef void _wait(self) noexcept:
        ff_add(&self.waiters, 1)
        if ff_owner(&self.owner) != 0:
            with nogil:
                ff_semaphore_wait(&self.turn)
            ff_add(&self.posted, -1)
        ff_add(&self.waiters, -1)

    cdef void _wait_outside(self, unsigned long me) noexcept:
        """Come inside, or be there already."""
        while not ff_claim(&self.owner, me) and ff_owner(&self.owner) != me:
            if self.over:
                with nogil:
                    while True:
                        ff_semaphore_wait(&self.never)
            self._wait()

    cdef void _end(self) noexcept:
        """Whoever is inside stays there.  Threads of the application hear that it is too late; ours
        have nothing left to do, and the process does not wait for them."""
        cdef int _i
        self.over = True
        for _i in range(self.waiters - self.posted):
            ff_add(&self.posted, 1)
            ff_semaphore_post(&self.turn)
