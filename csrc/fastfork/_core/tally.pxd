# What a worker counts of its requests, in words of its scoreboard slot.  Plain stores by the
# thread that is inside (see crew.pyx): no lock, no system call, and no clock, since the hub has
# just looked at it.
from libc.stdint cimport int64_t

from fastfork._core.scoreboard cimport ANSWERS, DURATION_SUM, DURATIONS, LAG_SUM, LAGS
from fastfork._core.scoreboard cimport WAIT_SUM, WAITED

cdef extern from *:
    int __builtin_clzll(unsigned long long value) noexcept nogil

cdef enum:
    FIRST_BUCKET = 14    # holds what is below 2**14 ns, each further one twice that, ...
    LAST_BUCKET = 24     # ... and the last one, from 137 s on, all the rest


cdef inline int bucket(int64_t ns) noexcept nogil:
    cdef int at = 63 - __builtin_clzll(<unsigned long long>(ns >> (FIRST_BUCKET - 1)) | 1)
    return LAST_BUCKET if at > LAST_BUCKET else at


cdef inline void tally_wait(int64_t *slot, int64_t ns) noexcept nogil:
    """A request is taken up after it has waited here for so long."""
    if ns <= 0:  # the first of a turn, or another thread has looked at the clock since
        slot[WAITED] += 1
        return
    slot[WAIT_SUM] += ns
    slot[WAITED + bucket(ns)] += 1


cdef inline void tally_answer(int64_t *slot, int status, int64_t ns) noexcept nogil:
    """A response has been handed over, `ns` after its request was taken up.  status: 0 = none."""
    slot[ANSWERS + status // 100] += 1
    slot[DURATION_SUM] += ns
    slot[DURATIONS + bucket(ns)] += 1


cdef inline void tally_lag(int64_t *slot, int64_t ns) noexcept nogil:
    """A round of the worker's asyncio loop has taken so long."""
    slot[LAG_SUM] += ns
    slot[LAGS + bucket(ns)] += 1
