"""The requests of one worker that are in tasks of asyncio.

Runs in: worker
"""

from fastfork._core.loop.hub cimport Hub
from fastfork._core.http.response_head cimport ResponseHead
from fastfork._core.scoreboard cimport TASKS


cdef class TaskBoard:
    """The requests of one worker that are in tasks.

    hub: the loop's.  make_future() -> a future of the worker's event loop.  call_turn, on_lost: see
    asgi.pyx.
    """

    def __cinit__(self, Hub hub, make_future, call_turn=None, on_lost=None):
        self.connections = hub.connections
        self.uploads = hub.uploads
        self.make_future = make_future
        self.call_turn = call_turn
        self.on_lost = on_lost
        self.calls = set()
        self.switched = ResponseHead.__new__(ResponseHead, None)
        self.switched.set("101 Switching Protocols", [])
        self.returned = []

    cdef int soon(self) except -1:
        """There is something for a turn to do."""
        if not self.turning and not self.asked:
            self.asked = True
            if self.call_turn is not None:
                self.call_turn()
        return 0

    cdef int begins(self, call) except -1:
        """A request has got a task."""
        self.calls.add(call)
        self.connections.slot[TASKS] = len(self.calls)
        return 0

    cdef int ends(self, call) except -1:
        """The task of a request has ended; nothing is done where that was said already."""
        self.calls.discard(call)
        self.connections.slot[TASKS] = len(self.calls)
        return 0
