"""WebSocket and Socket.IO by the libraries that speak it over WSGI, with clients of others."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import socketio
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.kit.programs import library
from tests.kit.server import RunningServer
from tests.kit.tls import NAME, Authority
from tests.kit.waiting import DEADLINE, wait_until

library("flask_sock")
library("flask_socketio")

START = Callable[..., RunningServer]
KINDS = {
    "threads": (("--threads", "8"), "threading"),
    "gevent": (("-k", "gevent"), "gevent"),
}
ACCESS = ("--access-logfile", "-")


@pytest.fixture(params=KINDS)
def start(request: pytest.FixtureRequest, start_server: START) -> START:
    """Start the demo with one kind of worker: `start("--option", ...)`; the test runs with each."""
    options, mode = KINDS[request.param]

    def started(*more: str, **how: Any) -> RunningServer:
        return start_server("sock_demo:app", *options, *more, env={"SOCKETS": mode}, **how)

    return started


@pytest.fixture
def start_with_tls(start: START, authority: Authority) -> START:
    pair = authority.issue("sockets")
    files = ("--certfile", str(pair.certificate), "--keyfile", str(pair.key))
    return lambda *more, **how: start(*files, *more, **how)


def open_socket(server: RunningServer, authority: Authority | None = None) -> ClientConnection:
    assert not isinstance(server.endpoint, str)
    if authority is None:
        return connect(f"ws://{server.endpoint[0]}:{server.endpoint[1]}/ws")
    context: ssl.SSLContext = authority.client_context()
    url = f"wss://{server.endpoint[0]}:{server.endpoint[1]}/ws"
    return connect(url, ssl=context, server_hostname=NAME)


def say(client: ClientConnection, words: str) -> str:
    client.send(words)
    return str(client.recv(timeout=DEADLINE))


def see_end(client: ClientConnection) -> int | None:
    """Wait for the end of the conversation.  The code that the server gave, if it gave one."""
    with pytest.raises(ConnectionClosed) as caught:
        client.recv(timeout=DEADLINE)
    return None if caught.value.rcvd is None else caught.value.rcvd.code


@contextmanager
def talking(server: RunningServer, *transports: str) -> Iterator[Callable[[str], list[str]]]:
    """A Socket.IO client.  Called with words, it shouts them and returns what it heard."""
    client = socketio.Client(reconnection=False)
    heard: list[str] = []
    client.on("heard", heard.append)

    def shout(words: str) -> list[str]:
        before = len(heard)
        client.emit("shout", words)
        wait_until(lambda: len(heard) > before, "the answer")
        return heard[-1].split()

    client.connect(server.url, transports=list(transports) or None, wait_timeout=DEADLINE)
    try:
        yield shout
    finally:
        client.disconnect()


# -- Flask-Sock


def test_conversation_ends_with_the_function(start: START) -> None:
    server = start(*ACCESS)
    with open_socket(server) as client:
        assert say(client, "hello") == "HELLO"
        assert say(client, "a" * 70_000) == "A" * 70_000
        client.send("leave")
        assert see_end(client) == 1000
    server.log.wait_for('"GET /ws HTTP/1.1" 101 ')
    assert "Traceback" not in server.log.text()
    assert '" 500 ' not in server.log.text()
    assert "took the socket" not in server.log.text()


def test_client_may_leave_without_a_word(start: START) -> None:
    server = start(*ACCESS)
    with open_socket(server) as client:
        assert say(client, "hello") == "HELLO"
        client.socket.shutdown(socket.SHUT_RDWR)
    server.log.wait_for('"GET /ws HTTP/1.1" 101 ')
    assert "Traceback" not in server.log.text()


def test_conversations_hold_up_nobody(start: START) -> None:
    server = start()
    with ExitStack() as stack:
        clients = [stack.enter_context(open_socket(server)) for _ in range(5)]
        for number, client in enumerate(clients):
            assert say(client, f"number {number}") == f"NUMBER {number}"
        assert server.get("/").status == 200


def test_conversation_goes_through_tls(start_with_tls: START, authority: Authority) -> None:
    server = start_with_tls(*ACCESS)
    with open_socket(server, authority) as client:
        assert say(client, "hello") == "HELLO"
        assert say(client, "b" * 3000) == "B" * 3000
        client.send("leave")
        assert see_end(client) == 1000
    server.log.wait_for('"GET /ws HTTP/1.1" 101 ')


@pytest.mark.parametrize("secured", [False, True], ids=["clear", "tls"])
def test_conversation_outlasts_a_reload(
    start: START, start_with_tls: START, authority: Authority, secured: bool
) -> None:
    server = start_with_tls() if secured else start()
    (old,) = server.worker_pids()
    with open_socket(server, authority if secured else None) as client:
        assert say(client, "before") == "BEFORE"
        server.signal("reload")
        server.log.wait_for("Reload complete")
        assert say(client, "after") == "AFTER"
        client.send("leave")
        assert see_end(client) == 1000
    wait_until(lambda: old not in server.worker_pids(), "the old worker has gone")


def test_conversation_that_goes_on_is_cut_after_the_graceful_time(start: START) -> None:
    server = start("--graceful-timeout", "1")
    with open_socket(server) as client:
        assert say(client, "hello") == "HELLO"
        server.signal("stop")
        assert server.wait_exit() == 0
        assert see_end(client) is None


def test_two_workers_hold_conversations(start: START) -> None:
    server = start(workers=2)
    with ExitStack() as stack:
        for _ in range(8):
            assert say(stack.enter_context(open_socket(server)), "hello") == "HELLO"


# -- Flask-SocketIO


@pytest.mark.parametrize(
    "transports",
    [("polling",), ("websocket",), ("polling", "websocket")],
    ids=["polling", "websocket", "upgrade"],
)
def test_socket_io_talks_by(start: START, transports: tuple[str, ...]) -> None:
    server = start(*ACCESS)
    with talking(server, *transports) as shout:
        assert shout("hello")[0] == "HELLO"
        assert shout("again")[0] == "AGAIN"
    if "websocket" in transports:
        server.log.wait_for('HTTP/1.1" 101 ')
    assert ("transport=polling" in server.log.text()) == ("polling" in transports)
    assert "Traceback" not in server.log.text()
    assert '" 500 ' not in server.log.text()


def test_socket_io_by_websocket_alone_works_with_two_workers(start: START) -> None:
    server = start(workers=2)
    seen = set()
    for _ in range(8):
        with talking(server, "websocket") as shout:
            words, pid = shout("hello")
            assert words == "HELLO"
            seen.add(pid)
    assert seen <= {str(pid) for pid in server.worker_pids()}


def test_socket_io_outlasts_a_reload(start: START) -> None:
    server = start()
    (old,) = server.worker_pids()
    with talking(server, "websocket") as shout:
        assert shout("before") == ["BEFORE", str(old)]
        server.signal("reload")
        server.log.wait_for("Reload complete")
        assert shout("after") == ["AFTER", str(old)]
    wait_until(lambda: old not in server.worker_pids(), "the old worker has gone")
