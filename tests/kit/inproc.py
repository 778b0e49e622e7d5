"""A compiled hub in the process of the test: the application is a function of the test.

One thread plays both sides.  A client that waits for bytes turns the hub; nothing happens
behind its back, and what the hub raises is raised in the test.

Runs in: worker
"""

from __future__ import annotations

import functools
import itertools
import logging
import os
import select
import socket
import time
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from fastfork._core.apps.filewrapper import FileWrapper
from fastfork._core.apps.wsgi import WsgiGateway
from fastfork._core.conn.batch import Batch
from fastfork._core.conn.deadlines import Deadlines
from fastfork._core.http.body import EmptyInput
from fastfork._core.http.environ import EnvironBuilder
from fastfork._core.http.site import Site
from fastfork._core.loop.crew import Crew
from fastfork._core.loop.hub import Hub
from fastfork.http import STRICT, Leniency, Limits, error_page, make_head_parser
from fastfork.ipc import SLOT_BYTES
from fastfork.logs.access.line import compile_line
from fastfork.logs.error.errorstream import ErrorStream
from fastfork.net.taken import taken
from fastfork.workers.poller import Poller, make_poller
from fastfork.wsgi.gunicorn_socket import GunicornSocket
from fastfork.wsgi.template import environ_template
from tests.kit.client import RawClient
from tests.kit.response import ResponseReader, ServerReset
from tests.kit.waiting import DEADLINE

AnyClient = TypeVar("AnyClient", bound="HubClient")
App = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

NO_LOOK_UP = 3600.0  # seconds
TURNS_MAX = 100_000  # of the hub in one settle(); a hub that never rests fails the test
SMALL_BUFFER = 4096  # bytes; the kernel makes it a little more
PAUSE = 0.002  # seconds the client waits before the hub gets another turn

_names = itertools.count()
_line = functools.cache(compile_line)  # it costs more than the rest of a hub


class _Noted(logging.Handler):
    """Keeps log records as text, with the traceback."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.lines = lines
        self.setFormatter(logging.Formatter("%(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def _noting(lines: list[str]) -> logging.Logger:
    logger = logging.Logger("test of the hub")
    logger.addHandler(_Noted(lines))
    return logger


def _template(
    listener: socket.socket, logger: logging.Logger, hub: Hub, *, is_tls: bool
) -> dict[str, Any]:
    return environ_template(
        listener,
        empty_input=EmptyInput(),
        file_wrapper=FileWrapper,
        errors=ErrorStream(logger),
        multithread=False,
        multiprocess=False,
        gunicorn_socket=GunicornSocket(hub.answering.connection_of_call),
        is_tls=is_tls,
    )


class Served:
    """A hub that serves `app` on a loopback port, or on a unix socket.

    Settings are seconds, bytes and counts as in the configuration; first_byte: how long a
    new connection may say nothing; small_buffers: the kernel holds next to nothing for a
    client that does not read; access: format of the access log; kind: socket.SOCK_SEQPACKET
    on a unix socket shows each send(2) as a packet; tls: secures the hub, with
    `shake` seconds for a handshake; hub_options: body_min_rate, body_grace.
    """

    def __init__(
        self,
        app: App,
        *,
        parser: str = "native",
        poller: Poller | None = None,
        family: int = socket.AF_INET,
        kind: int = socket.SOCK_STREAM,
        keepalive: float = 2.0,
        header_timeout: float = 10.0,
        body_timeout: float = 10.0,
        write_timeout: float = 10.0,
        first_byte: float = 10.0,
        linger: float = 2.0,
        limits: Limits | None = None,
        leniency: Leniency = STRICT,
        max_body: int = 1 << 30,
        connections: int = 1000,
        spool_after: int = 1 << 20,
        spool_dir: str | None = None,
        response_buffer: int = 1 << 30,
        small_buffers: bool = False,
        access: str | None = None,
        tls: Callable[[Hub], None] | None = None,
        shake: float = 10.0,
        **hub_options: Any,
    ) -> None:
        self._begin(small_buffers, leniency)
        self.listener = self._listen(family, kind)
        logger = _noting(self.log)
        self.poller = make_poller() if poller is None else poller
        batch = Batch()
        self.slot = bytearray(SLOT_BYTES)
        crew = Crew(batch, self.slot)
        site = Site(
            batch,
            crew=crew,
            access_line=None if access is None else _line(access),
            **self._site_options(logger, spool_dir, response_buffer),
        )
        waits = Deadlines(
            first_byte=first_byte, next_request=keepalive, whole_head=header_timeout,
            more_body=body_timeout, reader=write_timeout, linger=linger, shake=shake,
        )  # fmt: skip
        self.made_of: dict[str, Any] = {
            "site": site,
            "batch": batch,
            "parser": make_head_parser(parser, limits or Limits(), max_body, leniency),
            "environs": self.environs,
            "deadlines": waits,
            "poller": self.poller,
            "write_access": self.access_lines.extend,
            "most_connections": connections,
            "accepts": 64,
            "spool_after": spool_after,
            "spool_dir": spool_dir,
            **hub_options,
        }
        self.hub = Hub(WsgiGateway(app, site), **self.made_of)
        self._open(logger, tls)

    def _begin(self, small_buffers: bool, leniency: Leniency) -> None:
        self.before = descriptors()
        self.log, self.access_lines, self.dropped = list[str](), list[str](), list[str]()
        self.environs = _environs(self.dropped, leniency)
        self.small_buffers = small_buffers
        self.leaving = False
        self._timeout = 0.0
        self._clients: list[HubClient] = []

    def _site_options(
        self, logger: logging.Logger, spool_dir: str | None, response_buffer: int
    ) -> dict[str, Any]:
        return {
            "log": logger,
            "pages": error_page,
            "leaving": lambda: self.leaving,
            "socket_of": GunicornSocket.of,
            "take_over": taken,
            "spool_dir": spool_dir,
            "response_buffer": response_buffer,
        }

    def _open(self, logger: logging.Logger, tls: Callable[[Hub], None] | None) -> None:
        if tls is not None:
            tls(self.hub)
        self.hub.crew.sit(self.hub.crew.seats[0])
        self.template = _template(self.listener, logger, self.hub, is_tls=tls is not None)
        self.hub.listeners.add_listener(self.listener.fileno(), self.template)
        self.hub.look_up_in(NO_LOOK_UP)
        self.hub.listeners.listen(True)

    def _listen(self, family: int, kind: int) -> socket.socket:
        listener = socket.socket(family, kind)
        if self.small_buffers:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL_BUFFER)
        # A name in the abstract namespace leaves no file behind (unix(7)).
        name = f"\0fastfork-test-{os.getpid()}-{next(_names)}"
        listener.bind(name if family == socket.AF_UNIX else ("127.0.0.1", 0))
        listener.listen(1024)
        listener.setblocking(False)
        return listener

    # -- driving

    def turn(self, longest: float = 0.0) -> bool:
        """Wait, at most `longest` seconds, and serve.  Whether there was anything to do."""
        events = self.poller.poll(min(self._timeout, longest))
        self._timeout = self.hub.turn(events)
        if self._timeout < 0.0:  # a worker would look up from its loop; here is nobody to
            self.hub.look_up_in(NO_LOOK_UP)
            self._timeout = NO_LOOK_UP
        return bool(events) or self._timeout == 0.0

    def settle(self) -> None:
        """Serve until there is nothing more to do without somebody else's help."""
        for _ in range(TURNS_MAX):
            if not self.turn():
                return
        raise AssertionError("the hub does not come to rest")

    def turn_until(self, fact: Callable[[], object], what: str) -> None:
        """Serve until `fact()` is true; `what` is said when that takes too long."""
        deadline = time.monotonic() + DEADLINE
        while not fact():
            assert time.monotonic() < deadline, f"waited in vain: {what}"
            self.turn(PAUSE)

    # -- asking

    def connect(self, *, small_buffers: bool | None = None) -> HubClient:
        """A connection, closed when the test ends.  It is accepted with the first turn."""
        client = HubClient(self, self.small_buffers if small_buffers is None else small_buffers)
        return self.own(client)

    def own(self, client: AnyClient) -> AnyClient:
        """Close it when the test ends."""
        self._clients.append(client)
        return client

    def logged(self, text: str) -> str:
        """The one log line with `text`, which is then forgotten; else AssertionError."""
        found = [line for line in self.log if text in line]
        assert len(found) == 1, f"{len(found)} lines with {text!r} in the log: {self.log}"
        self.log.remove(found[0])
        return found[0]

    # -- ending

    def finish(self) -> None:
        """Close everything, and assert that nothing unexpected was logged and nothing is left."""
        try:
            for client in self._clients:
                client.close()
            self.turn_until(lambda: self.hub.connections.count == 0, "all connections are closed")
            self.hub.flush_access_log()
        finally:
            self.hub.connections.close_all()
            self.hub.crew.close()
            self.listener.close()
            self.poller.close()
        assert not self.log, f"nobody expected in the log: {self.log}"
        left = descriptors()
        assert len(left) <= len(self.before), f"open before: {self.before}; now: {left}"


class HubClient(RawClient):
    """A strict client that turns the hub while it waits."""

    def __init__(self, served: Served, small_buffers: bool) -> None:
        self._served = served
        listener = served.listener
        self.sock = socket.socket(listener.family, listener.type)
        if small_buffers:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        self.sock.connect(listener.getsockname())
        if listener.family == socket.AF_INET:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.timeout = DEADLINE
        self.received = bytearray()
        self._reader = ResponseReader(self._more)

    def send(self, *pieces: bytes) -> None:
        """Send the pieces; the hub serves each before the next is sent."""
        for piece in pieces:
            view = memoryview(piece)
            while view:
                try:
                    view = view[self.sock.send(view, socket.MSG_DONTWAIT) :]
                except BlockingIOError:
                    self._served.turn()
            self._served.settle()

    def take(self) -> bytes:
        """What comes without a turn of the hub: for applications that look at their client."""
        select.select([self.sock], [], [], self.timeout / 2)
        return self.sock.recv(1 << 20, socket.MSG_DONTWAIT)

    def expect_end(self, timeout: float | None = None) -> None:
        """Assert that the server closes now and sends nothing before that."""
        assert not self._reader.buffer, f"bytes after the answer: {self._reader.buffer[:200]!r}"
        extra = self._more()
        assert not extra, f"bytes instead of the end: {extra[:200]!r}"

    def packets(self) -> list[bytes]:
        """What has come until now, a piece for each recv(2).  b"" stands for the end."""
        self._served.settle()
        found: list[bytes] = []
        while found[-1:] != [b""]:
            try:
                found.append(self.sock.recv(1 << 20, socket.MSG_DONTWAIT))
            except BlockingIOError:
                break
        return found

    def peek(self) -> bytes:
        """What has come until now, with no turn of the hub."""
        try:
            return self.sock.recv(1 << 20, socket.MSG_DONTWAIT | socket.MSG_PEEK)
        except BlockingIOError:
            return b""

    def expect_nothing(self) -> None:
        """Assert that nothing has come, not even the end, when the hub has done its work."""
        assert not self._reader.buffer, f"bytes after the answer: {self._reader.buffer[:200]!r}"
        assert self.packets() == []

    def _more(self) -> bytes:
        deadline = time.monotonic() + self.timeout
        while time.monotonic() < deadline:
            try:
                piece = self.sock.recv(1 << 18, socket.MSG_DONTWAIT)
            except BlockingIOError:
                if not self._served.turn():
                    select.select([self.sock], [], [], PAUSE)
            except ConnectionResetError as error:
                raise ServerReset("the server reset the connection") from error
            else:
                self.received += piece
                return piece
        raise TimeoutError(f"no byte in {self.timeout:g} s")


def _environs(dropped: list[str], leniency: Leniency) -> EnvironBuilder:
    return EnvironBuilder(
        on_dropped=dropped.append,
        maps_underscores=leniency.header_map == "dangerous",
        casefolds=leniency.casefold_http_method,
    )


def descriptors() -> list[str]:
    """The open descriptors of this process and what they refer to."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(f"{name} -> {os.readlink(f'/proc/self/fd/{name}')}")
        except FileNotFoundError:
            continue  # the directory that was just listed
    return sorted(found)


def refused(served: Served, error: str) -> None:
    """The answer is a 500 that closes, and the log has the error."""
    client = served.connect()
    answer = client.request()
    assert (answer.status, answer.closes) == (500, True)
    assert answer.get("content-type") == "text/html; charset=utf-8"
    assert b"Traceback" not in answer.body
    assert error not in answer.text
    client.expect_end()
    assert error in served.logged("Error handling request GET /")
