"""How late an asyncio loop comes to what is due, on the worker's slot of the scoreboard.

While the callbacks of one round of the loop run, nobody looks for events: what becomes due
meanwhile waits until the round is over.  So the loop's lag is the time from one look for events to
the next, and it is measured where the loop looks anyway: nothing wakes it for that.

Runs in: worker, on the thread of the loop
"""

from libc.stdint cimport int64_t

from fastfork._core.scoreboard cimport LAG_LONGEST, SLOT_WORDS
from fastfork._core.tally cimport tally_lag
from fastfork._core.ticks cimport now_ns
from fastfork._core.words cimport words_of

cdef enum:
    SAMPLE_NS = 10_000_000  # from one sample to the next, where each costs a round of the loop


cdef class LoopLag:
    """The lag of one loop.  view: the worker's slot of the scoreboard."""

    def __cinit__(self, view):
        self.view = view
        self.slot = words_of(view, SLOT_WORDS)

    cdef int begin(self) except -1:
        """The loop has taken what had come, and a round begins."""
        self.since = now_ns()
        return 0

    cdef int end(self) except -1:
        """The loop is about to look for events: the round is over."""
        cdef int64_t ns
        if self.since == 0:
            return 0
        ns = now_ns() - self.since
        self.since = 0
        self.longest = max(self.longest, ns)
        tally_lag(self.slot, ns)
        return 0

    def took(self):
        """See `begin`."""
        self.begin()

    def looks(self):
        """See `end`."""
        self.end()

    def wants_sample(self):
        """Whether it is time for a sample, where `looks` has to be called for each: in the next
        round, since the time is taken now.  False while there is one on its way."""
        cdef int64_t now
        if self.since:
            return False
        now = now_ns()
        if now - self.sampled < SAMPLE_NS:
            return False
        self.since = self.sampled = now
        return True

    def publish(self):
        """Put the longest lag since the last call on the scoreboard.  Returns nanoseconds."""
        cdef int64_t longest = self.longest
        self.longest = 0
        self.slot[LAG_LONGEST] = longest
        return longest
