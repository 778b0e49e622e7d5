"""asyncio's event loop, which waits where the worker waits.

One `epoll_wait` serves both: what it reports of connections goes to the hub's turn, what it reports
of asyncio's own descriptors goes to asyncio.  A loop that is held by a task turns no more, so the
worker's heartbeat stops and `timeout` keeps its meaning.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import selectors
from collections import deque
from collections.abc import Callable, Mapping
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Final

from fastfork import forks
from fastfork._core.loop.looptick import LoopTick
from fastfork.workers.poller import READABLE, WRITABLE

if TYPE_CHECKING:
    from fastfork._core.loop.looplag import LoopLag
    from fastfork.workers.poller import Poller

# A timer that is late by less is not set anew, seconds.
SLACK: Final = 0.0005

# See SharedSelector.
Turn = Callable[[list[tuple[int, int]]], float]


class SharedSelector(selectors.BaseSelector):
    """The selector of an asyncio loop: the worker's own poller, and a turn of the hub each time.

    turn(events) -> seconds to wait for more, below 0 to stop; asked() -> whether a turn is to
    follow at once; lag is told when events are looked for, and taken.  All are set by `serve`;
    before that, and after `rest`, only asyncio's descriptors are looked at.
    """

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._watch = poller.register
        poller.register = self._register_connection  # type: ignore[method-assign]
        self._keys: dict[int, selectors.SelectorKey] = {}
        self._tick = LoopTick(poller.poll, self._keys, _ready)
        # The loop calls it each round: a method of C, not one of ours.
        self.select = self._tick.select  # type: ignore[method-assign]
        self.rest = self._tick.rest

    def serve(self, turn: Turn, asked: Callable[[], bool], lag: LoopLag) -> None:
        """From now on each wait is followed by a turn."""
        self._tick.serve(turn, asked, lag)

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """See selectors.BaseSelector, which wants a method of the class."""
        return self._tick.select(timeout)

    def _register_connection(self, fd: Any, mask: int) -> None:
        """The hub watches a connection.

        Libraries close descriptors that the loop watches still: the number is a connection's by
        now, and neither what happens to it nor what is forgotten late is asyncio's business.
        """
        self._keys.pop(fd, None)
        self._watch(fd, mask)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """See selectors.BaseSelector."""
        key = selectors.SelectorKey(fileobj, _descriptor(fileobj), events, data)
        if key.fd in self._keys:
            raise KeyError(f"{fileobj!r} (descriptor {key.fd}) is registered already")
        self._watch(key.fd, _to_mask(events))
        self._keys[key.fd] = key
        return key

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        """See selectors.BaseSelector.  One that was closed and opened again is a new one."""
        key = self._found(fileobj)._replace(events=events, data=data)
        try:
            self._poller.modify(key.fd, _to_mask(events))
        except FileNotFoundError:
            self._watch(key.fd, _to_mask(events))
        self._keys[key.fd] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        """See selectors.BaseSelector.  One that is closed already is no longer in the set."""
        key = self._keys.pop(self._found(fileobj).fd)
        try:
            self._poller.unregister(key.fd)
        except OSError:
            pass
        return key

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        """See selectors.BaseSelector."""
        return self._keys

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        """See selectors.BaseSelector."""
        return self._found(fileobj)

    def close(self) -> None:
        """Forget all; the poller is the worker's to close."""
        self._keys.clear()
        self.rest()
        self._poller.register = self._watch  # type: ignore[method-assign]

    def _found(self, fileobj: Any) -> selectors.SelectorKey:
        try:
            descriptor = _descriptor(fileobj)
        except ValueError:  # closed: look for the object itself
            for key in self._keys.values():
                if key.fileobj is fileobj:
                    return key
            raise
        try:
            return self._keys[descriptor]
        except KeyError:
            raise KeyError(f"{fileobj!r} is not registered") from None


def _descriptor(fileobj: Any) -> int:
    descriptor = fileobj if isinstance(fileobj, int) else int(fileobj.fileno())
    if descriptor < 0:
        raise ValueError(f"{fileobj!r} has no descriptor")
    return descriptor


def _to_mask(events: int) -> int:
    return (READABLE if events & selectors.EVENT_READ else 0) | (
        WRITABLE if events & selectors.EVENT_WRITE else 0
    )


def _ready(key: selectors.SelectorKey, mask: int) -> tuple[selectors.SelectorKey, int]:
    """What select() returns of one descriptor."""
    return key, _to_events(mask) & key.events


def _to_events(mask: int) -> int:
    """What a readiness means to asyncio: an error or an end is seen by reading, or by writing."""
    return (selectors.EVENT_READ if mask & ~WRITABLE else 0) | (
        selectors.EVENT_WRITE if mask & ~READABLE else 0
    )


class WokenOnce(asyncio.SelectorEventLoop):
    """asyncio's loop, which threads wake once for all that they have to say until it looks.

    Handlers that run in threads end in `call_soon_threadsafe`; a byte for each would be a system
    call for each.  What is called is in the loop's list before the byte is written, so one that is
    not yet read is enough.
    """

    _is_woken = False

    def _write_to_self(self) -> None:
        if not self._is_woken:
            self._is_woken = True
            super()._write_to_self()  # type: ignore[misc]

    def _read_from_self(self) -> None:
        # In this order: what is written in between is read too, and says nothing of what follows.
        super()._read_from_self()  # type: ignore[misc]
        self._is_woken = False


class WatchedPoller:
    """Turns in a loop that waits by itself: it watches the worker's poller as one more descriptor.

    The same for uvloop as SharedSelector for asyncio.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, poller: Poller) -> None:
        self._loop = loop
        self._poller = poller
        self._turn: Turn | None = None
        self._asked: Callable[[], bool] = bool
        self._lag: LoopLag | None = None
        # What a request has set must not be there for those that a turn begins.
        self._context = copy_context()
        self._timer: asyncio.TimerHandle | None = None
        self._when = 0.0  # when it runs out
        self._is_called = False

    def serve(self, turn: Turn, asked: Callable[[], bool], lag: LoopLag) -> None:
        """See SharedSelector.

        When this loop looks for events is not told: now and then a turn has it call back.
        """
        self._turn, self._asked, self._lag = turn, asked, lag
        self._loop.add_reader(self._poller.fileno(), self._run)
        self.soon()

    def rest(self) -> None:
        """See SharedSelector."""
        if self._turn is not None:
            self._turn = None
            self._loop.remove_reader(self._poller.fileno())
            self._set_timer(None)

    def soon(self) -> None:
        """Have a turn without waiting."""
        if not self._is_called:
            self._is_called = True
            self._loop.call_soon(self._run, context=self._context)

    def _run(self) -> None:
        self._is_called = False
        turn, lag = self._turn, self._lag
        if turn is None or lag is None:
            return
        is_sample = lag.wants_sample()
        try:
            wait = turn(self._poller.poll(0))
        except forks.NotOurs:
            return  # to the loop, which is the child's now
        if is_sample:  # behind the tasks that the turn has begun
            self._loop.call_soon(lag.looks, context=self._context)
        if self._turn is not turn:
            return  # that was the last one
        if wait <= 0.0 or self._asked():
            self.soon()
        elif self._timer is None or self._loop.time() + wait < self._when - SLACK:
            self._set_timer(wait)

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if seconds is not None:
            self._when = self._loop.time() + seconds  # below a millisecond uvloop's has no when()
            self._timer = self._loop.call_later(seconds, self._time_is_up, context=self._context)

    def _time_is_up(self) -> None:
        self._timer = None
        self._run()


Driver = SharedSelector | WatchedPoller


def make_loop(poller: Poller, kind: str) -> tuple[asyncio.AbstractEventLoop, Driver]:
    """An event loop that waits with `poller`, and what has the turns happen in it.

    kind: "auto", "asyncio" or "uvloop".  Raises ImportError when there is no uvloop.
    """
    if kind == "uvloop":
        import uvloop

        loop: asyncio.AbstractEventLoop = uvloop.new_event_loop()
        return loop, WatchedPoller(loop, poller)
    selector = SharedSelector(poller)
    return WokenOnce(selector), selector


def callbacks_of(loop: asyncio.AbstractEventLoop) -> deque[Any] | None:
    """The queue of what the loop calls next; None where it keeps another one, as uvloop does."""
    callbacks = getattr(loop, "_ready", None)
    return callbacks if isinstance(callbacks, deque) else None
