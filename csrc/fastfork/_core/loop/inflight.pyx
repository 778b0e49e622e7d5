"""Requests that are in the application and not on the thread of the loop: their lines.

The scoreboard has a place for each thread of a worker.  A worker that has one thread and many
requests at a time, in greenlets or tasks, gives them the places behind the first, which is the
loop's own, for as long as there are any.

Runs in: worker
"""

from libc.stdint cimport int64_t
from libc.string cimport memcpy

from fastfork._core.published cimport ff_publish
from fastfork._core.scoreboard cimport LINE_SIZE, PLACES_AT, PLACES_MAX, PLACE_WORDS, SINCE
from fastfork._core.loop.crew cimport Crew, Seat

cdef enum:
    NONE_LEFT = -1


cdef class InFlight:
    """The places of one worker.  crew: its threads, of which there is one."""

    def __cinit__(self, Crew crew):
        cdef int i
        self.slot = crew.slot
        self.free_count = PLACES_MAX - 1
        for i in range(self.free_count):
            self.free[i] = self.free_count - i

    cdef int take(self, Seat seat, int64_t since) noexcept:
        """Give the request on the place of `seat` one of its own.  Returns its number, -1 when all
        are taken: then that request has no line.  since: when it was called, monotonic
        nanoseconds."""
        cdef int64_t *place
        if self.free_count == 0:
            return NONE_LEFT
        self.free_count -= 1
        place = self.slot + PLACES_AT + self.free[self.free_count] * PLACE_WORDS
        memcpy(place + LINE_SIZE, seat.place + LINE_SIZE, 8 + seat.place[LINE_SIZE])
        ff_publish(&place[SINCE], since)
        return self.free[self.free_count]

    cdef void give_back(self, int place) noexcept:
        """The request of that place has come back.  -1 is taken and does nothing."""
        if place == NONE_LEFT:
            return
        ff_publish(&self.slot[PLACES_AT + place * PLACE_WORDS + SINCE], 0)
        self.free[self.free_count] = place
        self.free_count += 1
