"""TLS where threads and workers share connections: handshakes wait, move and are turned away.

Runs in: cli
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.server import RunningServer
from tests.kit.tls import NAME, Authority, TlsClient
from tests.kit.waiting import wait_until

HELD = 30.0  # seconds; longer than any wait here


@pytest.fixture
def start(start_server: Starter, authority: Authority, tmp_path: Path) -> Starter:
    """Start tests/apps/threaded.py with TLS; /hold/NAME waits for the file NAME.go."""
    pair = authority.issue("server")
    files = ("--certfile", str(pair.certificate), "--keyfile", str(pair.key))

    def start(*options: str, **more: object) -> RunningServer:
        env = {"THREADED_DIR": str(tmp_path)}
        return start_server("threaded:app", *files, *options, env=env, **more)

    return start


def hold(server: RunningServer, authority: Authority, folder: Path, name: str) -> TlsClient:
    """A client whose request is in the application now."""
    client = TlsClient(server.endpoint, authority.client_context(), timeout=HELD)
    client.send_request("GET", f"/hold/{name}")
    wait_until((folder / name).exists, "it is in the application")
    return client


def test_handshake_waits_for_the_first_thread_that_returns(
    start: Starter, authority: Authority, tmp_path: Path
) -> None:
    server = start("--threads", "2")
    holding = [hold(server, authority, tmp_path, name) for name in "ab"]
    waiting = server.connect()
    (tmp_path / "a.go").touch()
    context = authority.client_context()
    waiting.sock = context.wrap_socket(waiting.sock, server_hostname=NAME)
    assert waiting.request("GET", "/where").status == 200
    (tmp_path / "b.go").touch()
    for client in holding:
        assert client.read_response().status == 200
        client.close()


def test_who_waits_too_long_for_a_thread_gets_a_handshake_and_503(
    start: Starter, authority: Authority, tmp_path: Path
) -> None:
    server = start("--threads", "2", "--queue-timeout", "0.3")
    context = authority.client_context()
    kept = TlsClient(server.endpoint, context)
    assert kept.request("GET", "/where").status == 200
    early = server.connect()  # accepted, and has said nothing
    holding = [hold(server, authority, tmp_path, name) for name in "ab"]
    early.sock = context.wrap_socket(early.sock, server_hostname=NAME)
    for client in (early, kept):
        assert client.request("GET", "/where").status == 503
        client.expect_end()
    kept.close()
    for name in "ab":
        (tmp_path / f"{name}.go").touch()
    for client in holding:
        assert client.read_response().status == 200
        client.close()


def test_connection_that_has_said_nothing_moves_to_a_worker_that_waits(
    start: Starter, authority: Authority, tmp_path: Path
) -> None:
    server = start(workers=2)
    early = [server.connect() for _ in range(8)]
    holding = hold(server, authority, tmp_path, "a")
    held = set(server.worker_pids()) - _answering(server, authority)
    assert len(held) == 1, "one worker is in the application"
    context = authority.client_context()
    for client in early:
        client.sock = context.wrap_socket(client.sock, server_hostname=NAME)
        told = json.loads(client.request("GET", "/where").body)
        assert told["pid"] not in held
    (tmp_path / "a.go").touch()
    assert holding.read_response().status == 200
    holding.close()


def _answering(server: RunningServer, authority: Authority) -> set[int]:
    pids = set()
    for _ in range(6):
        with TlsClient(server.endpoint, authority.client_context()) as client:
            pids.add(json.loads(client.request("GET", "/where").body)["pid"])
    return pids


def test_large_answers_of_threads_come_whole(start: Starter, authority: Authority) -> None:
    server = start("--threads", "3")
    clients = [TlsClient(server.endpoint, authority.client_context()) for _ in range(4)]
    for client, target in zip(clients, ("/large", "/threads", "/large", "/threads"), strict=True):
        client.send_request("GET", target)
    for client in clients:
        assert len(client.read_response().body) == 64 << 20
        client.close()
