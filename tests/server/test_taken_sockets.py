"""Connections that the application has taken, while workers come and go."""

from __future__ import annotations

import ssl
from collections.abc import Callable

import pytest

from tests.kit.client import RawClient
from tests.kit.server import RunningServer
from tests.kit.tls import Authority, TlsClient
from tests.kit.waiting import wait_until

START = Callable[..., RunningServer]
APP = "taking:app"
KINDS = {"threads": ("--threads", "4"), "gevent": ("-k", "gevent")}
UPGRADE = [("Connection", "Upgrade"), ("Upgrade", "capitals")]


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Options of a worker that has several requests at a time; the test runs once with each."""
    return KINDS[request.param]


@pytest.fixture(params=["detach", "gunicorn"])
def how(request: pytest.FixtureRequest) -> str:
    """The way that the application takes it; the test runs once with each."""
    return str(request.param)


def take(
    server: RunningServer, how: str = "detach", context: ssl.SSLContext | None = None
) -> RawClient:
    client = server.connect() if context is None else TlsClient(server.endpoint, context)
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
    start_server: START, kind: tuple[str, ...], how: str
) -> None:
    server = start_server(APP, *kind)
    (old,) = server.worker_pids()
    client = take(server, how)
    server.signal("reload")
    wait_until(lambda: server.get().body != str(old).encode(), "the new worker answers")
    server.log.wait_for("Reload complete")
    assert say(client, b"still here") == b"STILL HERE"
    assert old in server.worker_pids()
    say_bye(client)
    server.wait_for_workers(1, without=[old])


def test_stop_waits_for_the_call_that_has_taken_its_connection(
    start_server: START, kind: tuple[str, ...], how: str
) -> None:
    server = start_server(APP, *kind)
    client = take(server, how)
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
    assert "while serving: GET /detach" in server.log.text()


def test_conversation_goes_through_tls_while_the_server_stops(
    start_server: START, kind: tuple[str, ...], how: str, authority: Authority
) -> None:
    pair = authority.issue("taken")
    files = ("--certfile", str(pair.certificate), "--keyfile", str(pair.key))
    server = start_server(APP, *kind, *files)
    with take(server, how, authority.client_context()) as client:
        assert say(client, b"hello") == b"HELLO"
        server.signal("stop")
        server.log.wait_for("Stopping; running requests")
        assert say(client, b"still here") == b"STILL HERE"
        say_bye(client)
    assert server.wait_exit() == 0


def test_one_thread_holds_one_conversation(start_server: START, how: str) -> None:
    server = start_server(APP)
    client = take(server, how)
    assert say(client, b"hello") == b"HELLO"
    server.signal("stop")
    server.log.wait_for("Stopping; running requests")
    say_bye(client)
    assert server.wait_exit() == 0


def test_request_timeout_does_not_count_conversations(
    start_server: START, kind: tuple[str, ...]
) -> None:
    server = start_server(APP, *kind, "--request-timeout", "0.3")
    client = take(server)
    assert server.get("/slow").status == 200
    server.log.wait_for("REQUEST TIMEOUT")
    late = [line for line in server.log.text().splitlines() if "REQUEST TIMEOUT" in line]
    assert ["GET /slow" in line for line in late] == [True] * len(late)
    say_bye(client)
