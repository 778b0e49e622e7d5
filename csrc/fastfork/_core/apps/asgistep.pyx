"""What an ASGI application awaits: a call of receive() or send().

Runs in: worker
"""

from fastfork._core.apps.asgicall cimport AsgiCall
from fastfork._core.apps.asgisend cimport WAIT
from fastfork._core.conn.outbox cimport FOLLOW_BYTES

from collections.abc import Coroutine

from fastfork.errors import ClientDisconnected

cdef dict DISCONNECT = {"type": "http.disconnect"}


cdef class Step:
    """What receive() and send() return: a coroutine of one step, where nothing has to wait.

    What it is for happens when it is awaited, and a message that was not handed out is still
    there for the next receive()."""

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        if self._goes_on():
            return self.result
        if self.result is None:
            raise StopIteration
        raise StopIteration(self.result)

    def send(self, value):
        """Go on; see collections.abc.Coroutine."""
        if self._goes_on():
            return self.result
        raise StopIteration(self.result)

    def throw(self, kind, value=None, traceback=None):
        """Raise an exception where it waits."""
        if value is None:
            value = kind() if isinstance(kind, type) else kind
        self.close()
        raise value

    def close(self):
        """It is not wanted any more."""
        if self.call is not None:
            if self.number == self.call.number:
                self._forget()
            self.call = self.future = self.waiting = None

    cdef bint _goes_on(self) except -1:
        """False when it is done, and `result` what it was awaited for; else that is a future."""
        cdef AsgiCall call = self.call
        cdef bint has_waited = self.waiting is not None
        if call is None:
            raise RuntimeError("cannot await what receive() or send() returned twice")
        if self.number != call.number:
            return self._end_late()
        if has_waited:
            try:
                self.result = next(self.waiting)
                return True
            except StopIteration:
                self._forget()
            except BaseException:
                self._forget()
                self.call = None
                raise
        if not self.sends:
            self.result = call.heard()
            if self.result is None:
                call.ask_for_more()
                return self._wait()
        elif not has_waited:
            message, self.message = self.message, None
            if call.take(message) == WAIT:
                return self._wait()
        elif call.complete or call.client.broken:
            self.call = self.result = None
            if call.is_lost or not call.complete:
                raise ClientDisconnected("the client has left")
        elif (call.client.outbox is not None
                and call.client.outbox.in_memory() > FOLLOW_BYTES):
            return self._wait()
        else:
            self.result = None
        self.call = None
        return False

    cdef bint _end_late(self):
        """Its request is over, and the call serves another one."""
        self.call = self.future = self.waiting = None
        self.result = None if self.sends else dict(DISCONNECT)
        return False

    cdef bint _wait(self) except -1:
        cdef AsgiCall call = self.call
        self.future = call.board.make_future()
        self.waiting = iter(self.future)
        if self.sends:
            if call.senders is None:
                call.senders = []
            call.senders.append(self.future)
        else:
            if call.receivers is None:
                call.receivers = []
            call.receivers.append(self.future)
        self.result = next(self.waiting)
        return True

    cdef int _forget(self) except -1:
        """It waits no longer."""
        future, self.future = self.future, None
        self.waiting = None
        futures = self.call.senders if self.sends else self.call.receivers
        if future is not None and futures is not None and future in futures:
            futures.remove(future)
        return 0


Coroutine.register(Step)
