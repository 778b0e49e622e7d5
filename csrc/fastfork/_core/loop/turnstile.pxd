from fastfork._core.port cimport ff_semaphore

cdef extern from "loop/claim.h" nogil:
    bint ff_claim(unsigned long *owner, unsigned long me)
    bint ff_give_up(unsigned long *owner, const int *waiting)
    unsigned long ff_owner(const unsigned long *owner)
    int ff_add(int *number, int n)

cdef enum:  # what becomes of a call that wants to come inside
    CAME_IN
    IN_THE_MIDDLE  # the thread that calls is inside already: see `postpone`
    TOO_LATE       # nobody comes in any more


cdef class Turnstile:
    cdef unsigned long owner   # the thread that has the hub; 0: there is none
    cdef bint over             # who is inside stays there
    cdef int waiters, posted   # threads that wait for it, and how many were told
    cdef ff_semaphore turn
    cdef ff_semaphore never
    cdef list postponed        # [(callable, its argument), ...], or None
    cdef bint catching_up      # ... which are being called
    cdef public object nudge   # called when the loop, which waits for events, should look up

    cdef void hold(self) noexcept
    cdef void release(self) noexcept
    cdef int come_in(self) noexcept
    cdef int postpone(self, call, argument) except -1
    cdef void check_owner(self) noexcept
    cdef bint is_foreign(self, unsigned long loop) noexcept
    cdef void _wait(self) noexcept
    cdef void _wait_outside(self, unsigned long me) noexcept
    cdef void _after_release(self) noexcept
    cdef void _tell_one(self) noexcept
    cdef void _do_postponed(self) noexcept
    cdef void _end(self) noexcept
