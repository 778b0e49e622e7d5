"""The gevent worker: one greenlet a request, beside the loop of the other workers.

What is served in a turn is the compiled part's (csrc/fastfork/_core/apps/greenlets.pyx).  Here is
when there is a turn: in gevent's hub, which watches the worker's own poller, so that a hub
that is blocked turns no more and its heartbeat stops.

Runs in: worker
"""

from __future__ import annotations

import importlib
import os
import traceback
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, cast

import greenlet
from gevent import Greenlet, Timeout, get_hub, getcurrent, killall, monkey, spawn
from gevent.pool import Group

from fastfork import clock, forks
from fastfork._core.apps.greenlets import GreenletGateway
from fastfork._core.loop.crew import Crew
from fastfork.ipc import State
from fastfork.logs import LOGGER
from fastfork.workers.beside import BesideWorker
from fastfork.workers.poller import READABLE, Poller

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from fastfork._core.apps.gateway import Gateway
    from fastfork._core.conn.batch import Batch
    from fastfork._core.http.site import Site
    from fastfork._core.loop.hub import Hub

# What the rest of the standard library's is made of; a config file may have patched them already.
PATCHED: Final = ("os", "select", "socket", "ssl", "threading", "time")
# What patching imports.  Imported with this module, before the fork, the code is in memory once and
# not in each worker.  Not ssl: gevent warns of what may go wrong when it was there before.
BEFORE_FORK: Final = (
    *("gevent.events", "gevent.select", "gevent.selectors", "gevent.signal", "gevent.socket"),
    *("gevent.subprocess", "gevent.threading", "gevent.time", "gevent.monkey._patch_thread_common"),
    *("importlib.metadata", "importlib.resources", "ipaddress", "urllib.parse"),
)
# For greenlets that are to end, and for log lines on their way.
LAST_SECONDS: Final = 1.0
# A timer that is late by less is not set anew.
SLACK: Final = 0.0005  # seconds


for _name in BEFORE_FORK:
    with suppress(ImportError):  # gevent keeps the right to name its parts otherwise
        importlib.import_module(_name)


class RequestGreenlet(Greenlet):  # type: ignore[misc]
    """Calls the application.  Shows when somebody waits for its end, so that it ends then."""

    def rawlink(self, callback: Callable[[Any], object]) -> None:
        """See gevent.Greenlet."""
        self.is_linked = True
        super().rawlink(callback)


def _live(step: Callable[[], bool]) -> None:
    """What a greenlet runs.

    A function of Python, whose frame stays: CPython would otherwise give back the memory for
    frames after each request, and ask the kernel for it with the next.
    """
    while step():
        pass


def _stays_where_it_is(*_args: object) -> None:
    """In place of a greenlet's `switch`."""


class GeventWorker(BesideWorker):
    """Calls the application in greenlets, as many at a time as there are connections."""

    gateway: GreenletGateway
    turns: Turns | None = None

    @classmethod
    def prepare(cls) -> None:
        """Patch the standard library, before the application takes names from it."""
        from gevent.threading import _DummyThread

        if not all(monkey.is_module_patched(name) for name in PATCHED):
            monkey.patch_all()
        # What stands for a greenlet in threading is a daemon for gevent, and a Thread that a
        # request starts would be one too, and cut with the worker.
        _DummyThread._daemonic = False
        # Its loop ends the process by SIGABRT where it finds no descriptors for what wakes it, be
        # it on the way out; so it gets them before the application may have used them up.
        waker = get_hub().loop.async_()
        waker.start(lambda: None)
        waker.stop()
        waker.close()

    def shares_connections(self) -> bool:
        """Never: there is always a greenlet for a request."""
        return False

    def make_crew(self, batch: Batch) -> Crew:
        """One thread, which holds as many requests as there are connections."""
        crew = Crew(batch, self.slot.view)
        self.slot.threads = self.most_connections
        return crew

    def make_gateway(self, app: WSGIApplication, site: Site) -> Gateway:
        """What calls the application, in greenlets."""
        self.gateway = GreenletGateway(self.timed(app), site)
        return self.gateway

    def access_line(self) -> Callable[..., str] | None:
        """What is called at the end of each response.  Where the application was not called, that
        is in gevent's hub: post_request is not called then, and handlers of others may not wait."""
        line = super().access_line()
        if line is None or not self.access.line_waits:
            return line
        gevent_hub = get_hub()

        def made(*facts: Any) -> str:
            if getcurrent() is not gevent_hub:
                return line(*facts)
            spawn(line, *facts)
            return ""

        return made

    def open(self, app: WSGIApplication) -> None:
        """See Worker.  gevent's loop has descriptors of its own."""
        super().open(app)
        hub = cast("Hub", self.hub)
        self.turns = Turns(hub, self.gateway, self.poller, lambda: self._look_up(hub))

    def loop(self, hub: Hub) -> None:  # noqa: ARG002 - the gateway has it
        """Wait and serve, until there is nobody left to serve."""
        # The server may not wait in the middle of a turn, and a handler of others may: for a
        # socket, or for a lock that an application's line holds.
        lines = Group()
        LOGGER.aside = lines.spawn
        try:
            assert self.turns is not None
            self.turns.run()
        finally:
            self.alive = False  # what now comes out of the application is our doing
            self._end_requests(self.gateway.end())
            LOGGER.aside = None
            lines.join(LAST_SECONDS)

    def _end_requests(self, greenlets: list[Any]) -> None:
        """Raise GreenletExit where requests wait, so that they leave as they should."""
        try:
            killall(greenlets, timeout=LAST_SECONDS)
        except Timeout:
            left = sum(not one.dead for one in greenlets)
            LOGGER.warning("%d greenlet(s) do not end, and are left (pid: %d)", left, os.getpid())

    def let_go(self) -> None:
        """There is a copy of every greenlet here, but only the one that has forked goes on: each
        request of the others would be served twice, one half of it by this process."""
        if self.turns is not None:
            self.turns.let_go()
        LOGGER.aside = None
        if self.hub is not None:
            for one in self.gateway.end():
                if one is not getcurrent():
                    one.switch = one.throw = _stays_where_it_is
        super().let_go()

    def _look_up(self, hub: Hub) -> bool:
        hub.crew.attend()
        try:
            return not self.alive or self.look_up(hub)
        finally:
            hub.crew.leave()

    def stack_of(self, runs_in: Any) -> str:
        """See BesideWorker."""
        if runs_in is None or runs_in.gr_frame is None:
            return ""
        frames = traceback.extract_stack(runs_in.gr_frame)
        return "Greenlet, most recent call last:\n" + "".join(frames.format()).rstrip()

    # Signal handlers run where the main thread is: in a greenlet of the application, or in
    # gevent's hub.  Hooks may wait for something, and nobody can do that there.

    def _interrupted(self) -> None:
        if getcurrent() is get_hub():
            spawn(super()._interrupted)
        else:
            super()._interrupted()

    def _aborted(self, frame: FrameType | None) -> None:
        if getcurrent() is get_hub():
            if self.slot.state < State.READY:
                frame = get_hub().parent.gr_frame  # where the import waits
            spawn(super()._aborted, frame)
        else:
            super()._aborted(frame)


class Turns:
    """Has gevent's hub call the worker's, when there is something to serve and in time.

    look_up() -> bool: see ReactorWorker.look_up.
    """

    def __init__(
        self,
        hub: Hub,
        gateway: GreenletGateway,
        poller: Poller,
        look_up: Callable[[], bool],
    ) -> None:
        self._hub = hub
        self._soon = gateway.soon
        self._poll = poller.poll
        self._look_up = look_up
        self._gevent = get_hub()
        self._main = getcurrent()
        self._loop = self._gevent.loop
        self._events = self._loop.io(poller.fileno(), READABLE)
        self._timer: Any = None
        self._due = float("inf")
        self._is_over = False
        gateway.attach(
            hub,
            make_greenlet=partial(RequestGreenlet, _live),
            to_loop=partial(greenlet.greenlet.switch, self._gevent),
            call_turn=partial(self._loop.run_callback, self._turn),
        )

    def run(self) -> None:
        """Serve until `look_up` says that it is time to leave.

        Raises what a turn raised, and the SystemExit of a signal handler.
        """
        self._events.start(self._turn)
        self._soon()
        try:
            while not self._is_over:
                self._gevent.switch()
        finally:
            self._is_over = True
            self._events.stop()
            self._events.close()
            self._set_timer(None)

    def let_go(self) -> None:
        """In a child that is not ours: there are no more turns."""
        self._is_over = True
        self._events.stop()
        self._events.close()
        self._set_timer(None)

    def _turn(self) -> None:
        """One turn.  Called by gevent's hub, which would go on after an exception."""
        if self._is_over:
            return
        try:
            wait = self._hub.turn(self._poll(0))
            if wait < 0.0:
                self._is_over = self._look_up()
                wait = 0.0
        except forks.NotOurs:
            return  # to gevent's hub, which is the child's now
        except BaseException as error:
            self._main.throw(error)
            return
        if self._is_over:
            self._loop.run_callback(self._main.switch)
        elif wait == 0.0:
            self._soon()
        elif clock.now() + wait < self._due - SLACK:
            self._set_timer(wait)

    def _set_timer(self, seconds: float | None) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None
        self._due = float("inf")
        if seconds is not None:
            self._due = clock.now() + seconds
            self._timer = self._loop.timer(seconds)
            self._timer.start(self._time_is_up, update=True)

    def _time_is_up(self) -> None:
        self._set_timer(None)
        self._turn()
