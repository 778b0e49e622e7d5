"""The ASGI worker: an asyncio task for each request, beside the loop of the other workers.

What is served in a turn is the compiled part's (csrc/fastfork/_core/apps/asgi.pyx); when there is
a turn is the business of asgiloop.py.  Here are the lifespan, the life of the loop, and its end.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Iterable
from contextvars import copy_context
from functools import partial
from math import ceil
from types import FrameType
from typing import TYPE_CHECKING, Any, Final, cast

from fastfork import clock, metrics
from fastfork._core.apps.asgi import AsgiGateway
from fastfork._core.loop.crew import Crew
from fastfork._core.loop.looplag import LoopLag
from fastfork.asgi.lifespan import Lifespan
from fastfork.asgi.standin import app_that_tells
from fastfork.logs import LOGGER
from fastfork.logs.base.requestid import FIELD as REQUEST_ID_FIELD
from fastfork.logs.base.requestid import KEY as REQUEST_ID
from fastfork.logs.base.requestid import giving_ids
from fastfork.workers.asgiloop import WatchedPoller, callbacks_of, make_loop
from fastfork.workers.asgitls import TlsExtension
from fastfork.workers.beside import BesideWorker
from fastfork.wsgi.request_hooks import calling_pre_request

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from fastfork._core.apps.gateway import Gateway
    from fastfork._core.conn.batch import Batch
    from fastfork._core.http.environ import EnvironBuilder
    from fastfork._core.http.site import Site
    from fastfork._core.loop.hub import Hub
    from fastfork.asgi.lifespan import Mode
    from fastfork.workers.asgiloop import Driver

# A task that was cancelled has so long to end, seconds; where the worker's own time is over, this.
# The arbiter kills half a second after that time (KILL_MARGIN), and the lifespan has to end, too.
LAST_SECONDS: Final = 1.0
OVERTIME_OF_TASKS: Final = 0.15
OVERTIME: Final = 0.25
# Streams hear that the server ends so long before their time is over, seconds.
WORD_BEFORE_END: Final = 1.0
# While they do: from one turn to the next, seconds.
LAST_TICK: Final = 0.02
# For the shutdown of the lifespan, where nobody has said how long the worker has, seconds.
SHUTDOWN_SECONDS: Final = 10.0


class AsgiWorker(BesideWorker):
    """Calls the application in tasks, as many at a time as there are connections."""

    stand_in = staticmethod(app_that_tells)  # type: ignore[assignment]
    gateway: AsgiGateway
    aio: asyncio.AbstractEventLoop
    driver: Driver
    lifespan: Lifespan
    lag: LoopLag
    _told_of_end = False
    _is_ending = False
    _websockets = 0  # that were open when half of the grace was over

    def shares_connections(self) -> bool:
        """Never: there is always a task for a request."""
        return False

    def make_crew(self, batch: Batch) -> Crew:
        """One thread, which holds as many requests as there are connections."""
        crew = Crew(batch, self.slot.view)
        self.slot.threads = self.most_connections
        return crew

    def environs(self, **special: Any) -> EnvironBuilder:
        """What makes environs of the requests, from which their scopes are made."""
        return super().environs(keeps_fields=True, **special)

    def wrapped(self, app: Any) -> Any:
        """The application as it is: what is around that of WSGI is in `make_task` here."""
        return app

    def begin(self, app: Any) -> None:
        """Start the loop, and the application's lifespan in it.  Raises BootError."""
        self.lag = LoopLag(self.slot.view)
        self.aio, self.driver = make_loop(self.poller, self.cfg.asgi_loop)
        asyncio.set_event_loop(self.aio)
        self.state: dict[str, Any] = {}
        self.lifespan = Lifespan(app, cast("Mode", self.cfg.asgi_lifespan), self.state)
        self.aio.run_until_complete(self.lifespan.startup())

    def make_gateway(self, app: Any, site: Site) -> Gateway:
        """What calls the application."""
        self.gateway = AsgiGateway(
            app, site, root_path=self.cfg.root_path or self.script, state=self.state
        )
        return self.gateway

    def open(self, app: Any) -> None:
        """See Worker."""
        super().open(app)
        assert self.hub is not None
        make_task, starts = self.make_task()
        self.gateway.attach(
            self.hub,
            max_message=self.cfg.websocket_max_message_size,
            max_queue=self.cfg.ws_max_queue,
            deflates=self.cfg.ws_per_message_deflate,
            tls_of=None if self.tls is None else TlsExtension(self.tls),
            make_future=self.aio.create_future,
            call_turn=self.driver.soon if isinstance(self.driver, WatchedPoller) else None,
            make_task=make_task,
            callbacks=None if starts else callbacks_of(self.aio),
            servers=[_server(listener.sock) for listener in self.listeners],
            on_lost=self.cancel_later() if self.cfg.asgi_disconnect_grace_period else None,
        )

    def cancel_later(self) -> Callable[[asyncio.Task[None]], object]:
        """What has the task of a request cancelled, some time after its client has left."""
        seconds = self.cfg.asgi_disconnect_grace_period or 0.0
        return lambda task: self.aio.call_later(seconds, task.cancel)

    def make_task(self) -> tuple[Callable[[Any], asyncio.Task[None]], bool]:
        """What makes a task of a request, and whether it also starts it, or is not to.

        Where Python can, it is started at once: an application that does not wait has answered
        before the turn goes on.
        """
        make: Callable[..., asyncio.Task[None]] = partial(asyncio.Task, loop=self.aio)
        starts = True
        if self.aio.get_task_factory() is not None:  # the lifespan, or an agent, has set one
            make = self.aio.create_task
        elif sys.version_info >= (3, 12):
            make = partial(asyncio.Task, loop=self.aio, eager_start=True)
        else:
            starts = False
        before = self.before_request()
        if before is None:
            return make, starts

        def in_context(call: Any) -> asyncio.Task[None]:
            context = copy_context()
            context.run(before, call)
            return make(call, context=context)

        return in_context, starts

    def before_request(self) -> Callable[[Any], None] | None:
        """What is called in the context of a request before its application is; None for nothing.

        It is what stands around a WSGI application: the request's id, and pre_request."""
        around = giving_ids(calling_pre_request(_nothing, self.cfg, self.view), self.cfg)
        if around is _nothing:
            return None
        is_told = self.cfg.request_id and self.cfg.request_id_response

        def before(call: Any) -> None:
            around(call.environ, _start_nothing)
            if is_told:
                call.more_fields = [
                    (REQUEST_ID_FIELD.encode(), call.environ[REQUEST_ID].encode("latin-1"))
                ]

        return before

    def loop(self, hub: Hub) -> None:
        """Serve until there is nobody left to serve."""
        hub.crew.sit(hub.crew.seats[0])
        served = self.aio.create_future()

        def turn(events: list[tuple[int, int]]) -> float:
            wait = hub.turn(events)
            if self._is_ending:
                return LAST_TICK
            if wait < 0.0:
                hub.crew.attend()
                try:
                    if not self.alive or self.look_up(hub):
                        self._is_ending = True
                        served.set_result(None)
                finally:
                    hub.crew.leave()
                wait = 0.0
            return wait

        self.driver.serve(turn, self.gateway.asked, self.lag)
        try:
            # A task and not run_forever(): anyio keeps its threads for as long as the task that
            # was first lasts, and would take a request's for that.
            self.aio.run_until_complete(_end_of(served))
        finally:
            self.end_loop()

    def tick(self) -> None:
        """See Worker."""
        longest = self.lag.publish()
        statsd = metrics.current()
        if statsd is not None and longest:
            statsd.value("fastfork.loop_lag", longest / 1e6, "ms")
        super().tick()

    def look_up(self, hub: Hub) -> bool:
        """See ReactorWorker.  Streams hear of the end in time to say so to their clients."""
        if self.drain_deadline is not None and not self._told_of_end:
            left = self.drain_deadline - clock.now()
            self.thin_out(left)
            if left <= WORD_BEFORE_END:
                self._told_of_end = True
                self.gateway.tell_of_end()
        return super().look_up(hub)

    def thin_out(self, left: float) -> None:
        """Close WebSockets one after the other: all clients at once would come back at once.

        left: seconds of the grace.  They live on for half of it.
        """
        half = self.cfg.graceful_timeout / 2
        if left > half or half <= WORD_BEFORE_END:
            return
        now = self.gateway.websockets()
        self._websockets = max(self._websockets, now)
        stay = self._websockets * (left - WORD_BEFORE_END) / (half - WORD_BEFORE_END)
        self.gateway.stop_websockets(now - ceil(max(0.0, stay)))

    def end_loop(self) -> None:
        """Cancel what is left, tell the application of the end, and close the loop."""
        was_cut = not self.alive and not self.draining
        self._is_ending = True
        self.alive = False  # what now comes out of the application is our doing
        if self.was_aborted:
            return  # the process ends in a second, whatever it does
        tasks = self.gateway.tasks()
        for task in tasks:
            task.cancel()
        if tasks:
            # Turns go on: what they still say is sent.
            seconds = LAST_SECONDS if self.drain_deadline is None else OVERTIME_OF_TASKS
            _done, left = self.aio.run_until_complete(asyncio.wait(tasks, timeout=seconds))
            if left:
                LOGGER.warning(
                    "%d request(s) do not end, and are left (pid: %d)", len(left), os.getpid()
                )
        self.driver.rest()
        seconds = SHUTDOWN_SECONDS
        if self.drain_deadline is not None:
            over = self.drain_deadline + OVERTIME - clock.now()
            seconds = max(OVERTIME - OVERTIME_OF_TASKS, over)
        self.aio.run_until_complete(self.lifespan.shutdown(0.0 if was_cut else seconds))
        self.aio.run_until_complete(self.aio.shutdown_asyncgens())

    # What is known of requests.

    def stack_of(self, runs_in: Any) -> str:
        """See BesideWorker."""
        return "Task, most recent call last:\n" + stack_of_call(runs_in)


async def _end_of(served: asyncio.Future[None]) -> None:
    """The task that lasts as long as the worker serves."""
    await served


def _nothing(_environ: WSGIEnvironment, _start_response: StartResponse) -> Iterable[bytes]:
    """What stands where a WSGI application would be called."""
    return ()


def _start_nothing(*_args: Any) -> Any:
    """Its start_response, which it does not call."""


def _server(sock: socket.socket) -> tuple[str, int | None]:
    """scope["server"] of the requests of a listener."""
    if sock.family in (socket.AF_INET, socket.AF_INET6):
        host, port = sock.getsockname()[:2]
        return host, port
    path = sock.getsockname()
    return os.fsdecode(path) if isinstance(path, bytes) else path, None


def stack_of_call(call: Any) -> str:
    """Where the coroutine of a request waits, as a traceback shows it."""
    lines = []
    inner = call.coroutine
    while inner is not None:
        frame: FrameType | None = getattr(inner, "cr_frame", None) or getattr(
            inner, "gi_frame", None
        )
        if frame is not None:
            code = frame.f_code
            lines.append(f'  File "{code.co_filename}", line {frame.f_lineno}, in {code.co_name}')
        inner = getattr(inner, "cr_await", None) or getattr(inner, "gi_yieldfrom", None)
    return "\n".join(lines)
