"""ASGI applications that do not want to end: the worker does, in its time.

Runs in: cli
"""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.server import RunningServer
from tests.kit.waiting import DEADLINE, wait_until

APP = ("asgi_stubborn:app", "-k", "asgi", "--graceful-timeout", "1")
MARGIN = 4.0  # seconds after graceful_timeout: a closing handshake, a cancellation, and the rest
SOCKETS = ("only_sends", "only_waits", "ignores")
REQUESTS = ("only_waits", "ignores", "streams", "after")


def ends_in_time(server: RunningServer) -> None:
    began = time.monotonic()
    server.signal("stop")
    assert server.wait_exit() == 0
    assert time.monotonic() - began < 1.0 + MARGIN


def see_end(socket: ClientConnection) -> int:
    """Read until the server ends the WebSocket.  Its code."""
    with suppress(ConnectionClosed):
        while True:
            socket.recv(timeout=DEADLINE)
    assert socket.close_code is not None
    return socket.close_code


@pytest.mark.parametrize("kind", REQUESTS)
def test_request_is_cut_at_the_end_of_the_grace(start_server: Starter, kind: str) -> None:
    server = start_server(*APP)
    client = server.connect()
    client.send(f"GET /{kind} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    server.log.wait_for(f"begins {kind}")
    ends_in_time(server)
    if kind == "ignores":
        server.log.wait_for("ignores a cancellation")
    else:
        server.log.wait_for(f"ends {kind}: CancelledError")
    server.log.wait_for("shutdown")


@pytest.mark.parametrize("kind", SOCKETS)
def test_web_socket_is_closed_with_1012(start_server: Starter, kind: str) -> None:
    server = start_server(*APP)
    with connect(server.url.replace("http", "ws", 1) + f"/{kind}") as socket:
        server.log.wait_for(f"begins {kind}")
        server.signal("stop")
        assert see_end(socket) == 1012
        ends_in_time(server)
    server.log.wait_for("shutdown")


def test_shutdown_that_hangs_is_cut(start_server: Starter) -> None:
    server = start_server(*APP, env={"HANGS": "1"})
    ends_in_time(server)
    server.log.wait_for("shutdown")
    assert "killing it" not in server.log.text()


def test_crowd_that_will_not_go_is_gone_in_time_at_a_reload(start_server: Starter) -> None:
    server = start_server(*APP)
    (pid,) = server.worker_pids()
    with ExitStack() as stack:
        for kind in ("only_sends", "only_waits", "ignores") * 5:
            url = server.url.replace("http", "ws", 1) + f"/{kind}"
            stack.enter_context(connect(url, max_queue=None))
        server.signal("reload")
        server.wait_for_workers(1, without=[pid])
        server.log.wait_for(f"Worker exited (pid: {pid})")
    assert server.log.text().count("shutdown") == 1


def test_worker_whose_arbiter_is_gone_ends_as_well(start_server: Starter) -> None:
    server = start_server(*APP)
    (pid,) = server.worker_pids()
    with connect(server.url.replace("http", "ws", 1) + "/only_waits") as socket:
        server.log.wait_for("begins only_waits")
        server.signal("KILL")
        assert see_end(socket) == 1012
    server.wait_exit()
    server.log.wait_for("shutdown")
    wait_until(lambda: not processes.alive(pid), "the worker is gone")


def test_quick_stop_does_not_wait(start_server: Starter) -> None:
    server = start_server("asgi_stubborn:app", "-k", "asgi")
    server.connect().send(b"GET /only_waits HTTP/1.1\r\nHost: a\r\n\r\n")
    server.log.wait_for("begins only_waits")
    began = time.monotonic()
    server.signal("quit")
    assert server.wait_exit() == 0
    assert time.monotonic() - began < MARGIN
