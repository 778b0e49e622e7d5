"""Connections that the application has taken, while workers come and go."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.kit.client import RawClient
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

START = Callable[..., RunningServer]
APP = "taking:app"
KINDS = {"threads": ("--threads", "4"), "gevent": ("-k", "gevent")}
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "capitals")]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Options of a worker that has several requests at a time; the test runs once with each."""
    return KINDS[request.param]


def take(server: RunningServer, how: str = "detach") -> RawClient:
    client = server.connect()
    client.send_request("GET", f"/{how}", UPGRADE)
    assert read(client).startswith(b"HTTP/1.1 101 ")
    return client


def read(client: RawClient) -> bytes:
    return client.sock.recv(4096)


def say(client: RawClient, words: bytes) -> bytes:
    client.send(words)
    return read(client)


def say_bye(client: RawClient) -> None:
    assert say(client, b"bye") == b"goodbye"
    client.expect_end()


def test_reload_waits_for_the_call_that_has_taken_its_connection(
    start_server: START, kind: tuple[str, ...]
) -> None:
    server = start_server(APP, *kind)
    (old,) = server.worker_pids()
    client = take(server)
    server.signal("reload")
    wait_until(lambda: server.get().body != str(old).encode(), "the new worker answers")
    server.log.wait_for("Reload complete")
    assert say(client, b"still here") == b"STILL HERE"
    assert old in server.worker_pids()
    say_bye(client)
    server.wait_for_workers(1, without=[old])


def test_stop_waits_for_the_call_that_has_taken_its_connection(
    start_server: START, kind: tuple[str, ...]
) -> None:
    server = start_server(APP, *kind)
    client = take(server)
    server.signal("stop")
    server.log.wait_for("Stopping; running requests")
    assert say(client, b"still here") == b"STILL HERE"
    say_bye(client)
    assert server.wait_exit() == 0


def test_worker_that_has_served_enough_waits_for_the_call_that_has_taken_its_connection(
    start_server: START, kind: tuple[str, ...]
) -> None:
    server = start_server(APP, *kind, "--max-requests", "2")
    (old,) = server.worker_pids()
    client = take(server)
    wait_until(lambda: server.get().body != str(old).encode(), "the worker is replaced")
    assert say(client, b"still here") == b"STILL HERE"
    say_bye(client)
    wait_until(lambda: old not in server.worker_pids(), "the old worker has gone")


def test_call_that_does_not_end_is_given_up_after_the_graceful_time(
    start_server: START, kind: tuple[str, ...]
) -> None:
    server = start_server(APP, *kind, "--graceful-timeout", "1")
    client = take(server)
    server.signal("stop")
    assert server.wait_exit() == 0
    client.expect_end()
