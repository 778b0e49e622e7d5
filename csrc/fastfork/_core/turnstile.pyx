"""Who may touch what the hub owns: one thread at a time, the one that is *inside*.

A thread goes out when it enters the application or waits for events, and comes in when it
returns.  A thread of the application's own comes in when it calls `write()` or its like.  All of
that happens under the interpreter lock, so it costs a store; only who finds somebody inside
waits.  What is looked at inside has to be looked at inside: the wait gives the lock away.

The thread that is inside may run code of the application's in the middle of our work: a finalizer
that the garbage collector calls, a signal handler, the handler of a log line.  Such code
cannot wait until its own thread goes out, so what it wants to write is put off until then.

Runs in: worker
"""

cdef extern from "<semaphore.h>" nogil:
    int sem_init(sem_t *sem, int shared, unsigned int value)
    int sem_destroy(sem_t *sem)
    int sem_post(sem_t *sem)
    int sem_wait(sem_t *sem)

cdef extern from "pythread.h":
    unsigned long PyThread_get_thread_ident()

cdef enum:
    POSTPONED_MAX = 64        # calls out of the middle of our work, until we go out


cdef class Turnstile:
    """At most one thread is inside."""

    def __cinit__(self, *args, **kwargs):
        sem_init(&self.turn, 0, 0)
        sem_init(&self.never, 0, 0)

    def __dealloc__(self):
        sem_destroy(&self.turn)
        sem_destroy(&self.never)

    cdef void hold(self) noexcept:
        """Come inside, as nobody in particular; wait for whoever is."""
        if self.inside:
            self._wait_outside()
        self.inside = True
        self.owner = PyThread_get_thread_ident()

    cdef void release(self) noexcept:
        """Go out."""
        self.inside = False
        if self.waiters > self.posted:
            self.posted += 1
            sem_post(&self.turn)
        if self.postponed is not None:
            self._do_postponed()

    cdef int come_in(self) noexcept:
        """Come inside out of code of the application's, on whatever thread: CAME_IN, or why not."""
        cdef unsigned long me = PyThread_get_thread_ident()
        while self.inside:
            if self.owner == me:
                return IN_THE_MIDDLE
            if self.over:
                return TOO_LATE
            self._wait()
        self.inside = True
        self.owner = me
        return CAME_IN

    cdef bint is_foreign(self, unsigned long loop) noexcept:
        """Is it another thread than this one that is inside?"""
        return self.owner != loop

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
        self.waiters += 1
        with nogil:
            while sem_wait(&self.turn) != 0:
                pass  # a signal ended it, and nobody has posted
        self.waiters -= 1
        self.posted -= 1

    cdef void _wait_outside(self) noexcept:
        cdef unsigned long me = PyThread_get_thread_ident()
        while self.inside and self.owner != me:
            if self.over:
                with nogil:
                    while True:
                        sem_wait(&self.never)
            self._wait()

    cdef void _end(self) noexcept:
        """Whoever is inside stays there.  Threads of the application hear that it is too late; ours
        have nothing left to do, and the process does not wait for them."""
        cdef int _i
        self.over = True
        for _i in range(self.waiters - self.posted):
            self.posted += 1
            sem_post(&self.turn)
