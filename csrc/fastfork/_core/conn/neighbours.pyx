"""What the other workers are doing, as the scoreboard says.

Runs in: worker
"""

cimport cython
from libc.stdint cimport int64_t

from fastfork._core.loop.crew cimport Crew
from fastfork._core.scoreboard cimport CONNECTIONS, HEARTBEAT, IN_FLIGHT_SINCE, SLOT_WORDS, STATE
from fastfork._core.words cimport words_of

cdef enum:
    READY = 2                # a worker's state (fastfork.ipc.scoreboard)
    STUCK_NS = 5000000       # in the application for so long, a worker takes nobody
    LOST_NS = 10000000000    # nor does one that has been silent for so long: see workers/pace.py


@cython.final
cdef class Neighbours:
    """crew: the threads of this worker, which know its slot."""

    def __cinit__(self, Crew crew):
        self.own = crew.slot

    def share_with(self, board, Py_ssize_t workers):
        """board: the memory of the scoreboard.  workers: so many slots are looked at, from the
        first."""
        self.board_view = memoryview(board)
        self.board = words_of(self.board_view, SLOT_WORDS)
        self.workers = min(workers, self.board_view.nbytes // (8 * SLOT_WORDS))

    cdef int64_t fair_share(self, int64_t now) noexcept:
        """The connections of a worker, on average over those that could take one now; -1 when
        there are no others."""
        cdef int64_t *slot
        cdef int64_t total = 0, count = 0
        cdef Py_ssize_t i
        for i in range(self.workers):
            slot = self.board + i * SLOT_WORDS
            if slot[STATE] != READY:
                continue
            if slot != self.own and (
                    now - slot[HEARTBEAT] > LOST_NS
                    or (slot[IN_FLIGHT_SINCE] and now - slot[IN_FLIGHT_SINCE] > STUCK_NS)):
                continue
            total += slot[CONNECTIONS]
            count += 1
        # Rounded up: of an odd number somebody has one more than the others.
        return (total + count - 1) // count if count > 1 else -1

    cdef bint wait_for_work(self, int64_t now) noexcept:
        """Is there another worker with a thread to spare?"""
        cdef int64_t *slot
        cdef Py_ssize_t i
        for i in range(self.workers):
            slot = self.board + i * SLOT_WORDS
            if (slot != self.own and slot[STATE] == READY and not slot[IN_FLIGHT_SINCE]
                    and now - slot[HEARTBEAT] < LOST_NS):
                return True
        return False
