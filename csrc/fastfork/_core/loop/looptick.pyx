"""What an asyncio loop does each round when it waits where the worker waits.

One wait serves both: what it reports of connections goes to the hub's turn, what it reports of
asyncio's own descriptors goes to asyncio.  The rest of that selector is in workers/asgiloop.py.

Runs in: worker, on the thread of the loop
"""

from fastfork._core.loop.looplag cimport LoopLag

cdef enum:
    NEVER = 86_400  # seconds that asyncio waits at most where it has nothing to do


cdef class LoopTick:
    """poll(seconds) -> [(descriptor, mask), ...].  keys: descriptor -> SelectorKey of those that are
    asyncio's.  to_ready(key, mask) -> what asyncio is told of one."""

    def __cinit__(self, poll, dict keys, to_ready):
        self.poll = poll
        self.keys = keys
        self.to_ready = to_ready

    def serve(self, turn, asked, LoopLag lag not None):
        """From now on each wait is followed by a turn; see SharedSelector."""
        self.turn, self.asked, self.lag, self.wait = turn, asked, lag, 0.0

    def rest(self):
        """There are no more turns."""
        self.turn = None

    def select(self, timeout=None):
        """See selectors.BaseSelector."""
        cdef double wait = NEVER if timeout is None else max(<double>timeout, 0.0)
        cdef list events, ours
        turn = self.turn
        if turn is not None:
            wait = 0.0 if self.asked() else min(wait, self.wait)
            self.lag.end()
        events = self.poll(wait)
        ours = [event for event in events if (<tuple>event)[0] in self.keys]
        if turn is not None:
            self.lag.begin()
            if ours:
                events = [event for event in events if (<tuple>event)[0] not in self.keys]
            self.wait = turn(events)
        # A turn may have closed some of them.
        return [self.to_ready(self.keys[fd], mask) for fd, mask in ours if fd in self.keys]
