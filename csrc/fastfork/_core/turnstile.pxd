cdef extern from "<semaphore.h>" nogil:
    ctypedef struct sem_t:
        pass

cdef enum:  # what becomes of a call that wants to come inside
    CAME_IN
    IN_THE_MIDDLE  # the thread that calls is inside already: see `postpone`
    TOO_LATE       # nobody comes in any more


cdef class Turnstile:
    cdef bint inside           # a thread has the hub
    cdef unsigned long owner   # which one
    cdef bint over             # who is inside stays there
    cdef int waiters, posted   # threads that wait for it, and how many were told
    cdef sem_t turn
    cdef sem_t never
    cdef list postponed        # [(callable, its argument), ...], or None
    cdef bint catching_up      # ... which are being called
    cdef public object nudge   # called when the loop, which waits for events, should look up

    cdef void hold(self) noexcept
    cdef void release(self) noexcept
    cdef int come_in(self) noexcept
    cdef int postpone(self, call, argument) except -1
    cdef bint is_foreign(self, unsigned long loop) noexcept
    cdef void _wait(self) noexcept
    cdef void _wait_outside(self) noexcept
    cdef void _do_postponed(self) noexcept
    cdef void _end(self) noexcept
