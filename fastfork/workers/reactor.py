"""The standard worker: one event loop that waits, and a compiled hub that serves.

Runs in: worker
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from fastfork import clock, port
from fastfork._core.apps.filewrapper import FileWrapper
from fastfork._core.apps.wsgi import WsgiGateway
from fastfork._core.conn.batch import Batch
from fastfork._core.http.body import EmptyInput
from fastfork._core.loop.crew import Crew
from fastfork._core.loop.hub import Hub
from fastfork.ipc import Order
from fastfork.logs import ACCESS, LOGGER, OUR_ACCESS
from fastfork.logs.accesslog import AccessLog
from fastfork.logs.error.errorstream import ErrorStream
from fastfork.metrics.queue import timing_queue
from fastfork.workers import assembly
from fastfork.workers.base import Worker
from fastfork.workers.bequest import Bequest
from fastfork.workers.pace import Pace
from fastfork.workers.poller import Poller, make_poller
from fastfork.workers.sharing import join_pool
from fastfork.workers.threads import RequestWatch, Threads
from fastfork.wsgi import variables
from fastfork.wsgi.gunicorn_socket import GunicornSocket
from fastfork.wsgi.request_hooks import EndOfResponse
from fastfork.wsgi.template import environ_template, read_in_blocks

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from fastfork._core.apps.gateway import Gateway
    from fastfork._core.http.environ import EnvironBuilder
    from fastfork._core.http.site import Site


# Slots of the scoreboard that may be in use: numbers are given from the lowest, a reload has
# both generations, and SIGTTIN adds some.
SLOTS_A_WORKER = 2
MORE_SLOTS = 8
# While the whole server stops: how often the accept queue is looked at, and how long after the
# stop a handshake that was under way may still bring a connection.
QUEUE_TICK = 0.02
QUEUE_SECONDS = 1.0
WAKE, NUDGE = b"!", b"."  # what is written to the pipe that ends a wait


class ReactorWorker(Worker):
    """Runs the application inline, in the thread that waits for events: thousands of connections
    on one thread, or on a few."""

    hub: Hub | None = None
    poller: Poller
    threads: Threads | None = None
    requests: RequestWatch
    bequest: Bequest | None = None
    pace: Pace
    wake_r = wake_w = -1
    _let_go_at = 0.0  # of the listeners; set when the worker leaves

    def open(self, app: WSGIApplication) -> None:
        """See Worker.  Whoever connects from here on waits for `serve`."""
        self.poller = make_poller()
        self.poller.poll(0.0)
        self.access = AccessLog(self.cfg)
        self.begin(app)
        hub = self.hub = self.make_hub(app)
        hub.answering.static = assembly.static(self.cfg, self.script)
        hub.connections.tells = LOGGER.isEnabledFor(logging.DEBUG)
        for logger in (ACCESS, OUR_ACCESS):
            logger.changed = self.wake
        self.requests = self.make_watch(hub)
        self.pace = Pace(self.cfg, shares=self.shares_connections())
        self.wake_r, self.wake_w = port.wakeup_pipe()
        hub.connections.add_reader(self.wake_r, self.woken)
        for listener in self.listeners:
            if not listener.sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                listener.sock.listen(self.cfg.backlog)  # a socket of our own, see net/endpoints.py
            hub.listeners.add_listener(listener.sock.fileno(), self.template(listener.sock))
        if self.tls is not None:
            self.tls.secure(hub)
        hub.neighbours.share_with(self.slot.board, SLOTS_A_WORKER * self.cfg.workers + MORE_SLOTS)
        if self.pool is not None and self.poller.is_waitable:
            self.bequest = join_pool(
                hub, self.pool, self.listeners, self.template, hands_over=self.shares_connections()
            )
        hub.crew.nudge = self.nudge
        if hub.crew.many:
            self.threads = Threads(hub, hub.crew, self.poller, lambda: self.look_up(hub))
            self.threads.start()
        hub.listeners.listen(True)

    def begin(self, app: WSGIApplication) -> None:
        """Make the loop that the poller is waited for in, where that is another's."""

    def serve(self) -> int:
        """Serve until drained.  Returns the exit code."""
        hub = cast("Hub", self.hub)
        try:
            if self.threads is not None:
                self.threads.run()
            else:
                self.loop(hub)
        finally:
            if self.was_aborted:
                hub.pool.bequeath()
            hub.crew.attend()  # for good
            hub.flush_access_log()
            hub.connections.close_all()
            hub.crew.close()
        return 0

    def make_watch(self, hub: Hub) -> RequestWatch:
        """What looks after `request_timeout`."""
        # One thread that is held is silent, and the arbiter's to end.
        limit = (self.cfg.request_timeout or 0.0) if self.cfg.threads > 1 else 0.0
        return RequestWatch(partial(hub.crew.running, to_answer=True), limit)

    def shares_connections(self) -> bool:
        """Whether connections go to another worker when this one has no thread for them."""
        return (
            self.cfg.share_connections
            and self.cfg.workers > 1
            and self.pool is not None
            and self.poller.is_waitable
        )

    def loop(self, hub: Hub) -> None:
        """Wait and serve, until there is nobody left to serve.

        What is not about requests happens in `look_up`, at most a few times a second: a
        line of Python here is a line for every turn.
        """
        hub.crew.sit(hub.crew.seats[0])
        poll, turn = self.poller.poll, hub.turn
        timeout = 0.0
        while True:
            timeout = turn(poll(timeout))
            if timeout < 0.0:
                hub.crew.attend()
                try:
                    if not self.alive or self.look_up(hub):
                        return
                finally:
                    hub.crew.leave()
                timeout = 0.0

    def look_up(self, hub: Hub) -> bool:
        """Do what is due besides serving.  True when it is time to leave.

        Looks for stranded connections: one that was announced to a worker that died is
        announced to nobody else (EPOLLEXCLUSIVE).
        """
        if self.max_requests and hub.connections.requests >= self.max_requests:
            hub.most_requests = 0
            self.ask_for_replacement()
        if self.requests.look():
            self.ask_for_replacement()
        hub.connections.tells = LOGGER.isEnabledFor(logging.DEBUG)
        if self.access.has_changed():
            self._choose_access_line(hub)
        if not self.draining and self.orphaned():
            LOGGER.warning("The arbiter is gone; worker %d finishes and leaves", os.getpid())
            self.begin_drain()
        at_work = self.draining or bool(hub.crew.running())
        wait = self.pace.wait(hub.connections.requests, at_work=at_work, limit=self.requests.limit)
        if self.draining:
            if self.leave(hub):
                return True
            if self.listeners or self.slot.order == Order.LAST:
                wait = QUEUE_TICK
            if self.drain_deadline is not None:
                wait = min(wait, self.drain_deadline - clock.now())
        self.tick()
        if self.tls is not None:
            self.tls.look(hub)
        hub.listeners.accept_stranded()
        hub.rest()
        hub.look_up_in(wait)
        return False

    def woken(self) -> None:
        """A signal handler wants the loop's attention, or a thread has left it work."""
        said = os.read(self.wake_r, 4096)
        if self.hub is not None and WAKE in said:
            self.hub.attention = True

    def nudge(self) -> None:
        """End the wait of the loop, for another turn and no more."""
        self._end_wait(NUDGE)

    def leave(self, hub: Hub) -> bool:
        """Let go of the listeners; True when the last connection and the last call are gone.

        While others serve on, at once: what comes now is theirs.  When the whole server stops,
        nobody else will serve those who wait in the accept queue.
        """
        is_last = self.slot.order == Order.LAST
        if self.listeners and not self._let_go_at:
            self._let_go_at = clock.now() + (QUEUE_SECONDS if is_last else 0.0)
            hub.listeners.begin_drain(keep_listeners=is_last)
        hub.pool.take_all()
        if is_last:
            hub.listeners.let_idle_go()
        if self.listeners:
            is_empty = hub.listeners.take_queue()
            if is_empty and (hub.connections.count == 0 or clock.now() >= self._let_go_at):
                self._close_listeners(hub)
        late = self.drain_deadline is not None and clock.now() >= self.drain_deadline
        return late or (hub.has_done and not self.listeners)

    def _close_listeners(self, hub: Hub) -> None:
        hub.listeners.let_go()
        for listener in self.listeners:
            listener.sock.close()
        self.listeners = ()

    def make_crew(self, batch: Batch) -> Crew:
        """The threads, as the compiled part knows them."""
        cfg = self.cfg
        needs_keeper = cfg.threads > 1 or self.shares_connections() or cfg.queue_timeout > 0
        return Crew(
            batch,
            self.slot.view,
            threads=cfg.threads,
            many=needs_keeper and self.poller.is_waitable,
        )

    def make_hub(self, app: WSGIApplication) -> Hub:
        """The compiled part, wired to the settings."""
        batch = Batch()
        crew = self.make_crew(batch)
        site = assembly.site(
            self.cfg,
            batch,
            crew,
            access_line=self.access_line(),
            line_waits=self.cfg.post_request is not None or self.access.line_waits,
            leaving=lambda: not self.alive,
            server=self.slot.server,
        )
        return assembly.hub(
            self.cfg,
            self.make_gateway(app, site),
            site,
            batch,
            poller=self.poller,
            environs=self.environs,
            write_access=self.access.write,
            most_connections=self.most_connections,
            most_requests=self.max_requests,
        )

    def make_gateway(self, app: WSGIApplication, site: Site) -> Gateway:
        """What calls the application."""
        return WsgiGateway(self.timed(app), site)

    def timed(self, app: WSGIApplication) -> WSGIApplication:
        """The application, with what an agent wants to hear of the time before it."""
        return timing_queue(app, lambda: self.hub.answering.asked_ns if self.hub is not None else 0)

    def environs(self, **special: Any) -> EnvironBuilder:
        """What makes environs of the requests; special: for those of trusted peers."""
        return assembly.environs(self.cfg, self.on_dropped_field, **special)

    def _choose_access_line(self, hub: Hub) -> None:
        """Somebody has put something on the loggers of the access log, or taken it away."""
        hub.flush_access_log()
        self.access.look_again()
        hub.site.access_line = self.access_line()
        hub.site.line_waits = self.cfg.post_request is not None or self.access.line_waits

    def access_line(self) -> Callable[..., str] | None:
        """What is called at the end of each response, None for nothing."""
        line = self.access.line if self.access.enabled else None
        if self.cfg.post_request is None:
            return line
        return EndOfResponse(self.cfg, self.view, line, lambda: not self.alive)

    def template(self, sock: object) -> dict[str, object]:
        """The environ that the requests of one listener begin with."""
        assert self.hub is not None
        return environ_template(
            sock,  # type: ignore[arg-type]
            empty_input=EmptyInput(),
            file_wrapper=FileWrapper if self.cfg.sendfile else read_in_blocks,
            errors=ErrorStream(self.log),
            multithread=self.slot.threads > 1,
            multiprocess=self.cfg.workers > 1,
            gunicorn_socket=GunicornSocket(self.hub.answering.connection_of_call),
            software=variables.software(self.cfg),
            script=self.script,
            is_tls=self.tls is not None,
        )

    def on_dropped_field(self, name: str) -> None:
        """Say once a name that a field was left out."""
        LOGGER.warning(
            "The request field %r is dropped because of its underscore: in the environ it "
            "would pass for the field with a dash (said once a name)",
            name,
        )

    def cut_short(self) -> None:
        """The other threads too: an application may swallow the SystemExit."""
        super().cut_short()
        if self.hub is not None:
            self.hub.attention = True
            self.hub.crew.stop()

    def begin_drain(self) -> None:
        """The answer that is being made says already that the connection will close."""
        super().begin_drain()
        if self.draining and self.hub is not None:
            self.hub.site.draining = True

    def wake(self) -> None:
        """End the wait of the loop."""
        self._end_wait(WAKE)

    def _end_wait(self, word: bytes) -> None:
        if self.wake_w >= 0:
            try:
                os.write(self.wake_w, word)
            except BlockingIOError:
                pass  # full: it is awake already

    def close(self) -> None:
        """The poller and the pipe; connections and listeners are closed already."""
        if self.bequest is not None:
            self.bequest.revoke()
        self.poller.close()
        for descriptor in (self.wake_r, self.wake_w):
            os.close(descriptor)
        self.wake_r = self.wake_w = -1
        self.hub = None

    def current_request(self) -> str:
        """The request lines that the application is working on, the oldest first."""
        if self.hub is None:
            return ""
        return ", ".join(line for _thread, _since, line in self.hub.crew.running())

    def reopen_logs(self) -> None:
        """USR1: the access log too, also where no logger has its handler."""
        super().reopen_logs()
        if self.hub is not None:
            self.access.reopen()
