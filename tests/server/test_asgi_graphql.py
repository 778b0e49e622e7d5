"""Subscriptions of Strawberry over WebSockets, through reload, upgrade, max_requests and TERM.

The protocol is graphql-transport-ws, spoken here by hand over the `websockets` client.

Runs in: cli
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Starter
from tests.kit.processes import alive
from tests.kit.programs import library
from tests.kit.server import RunningServer
from tests.kit.waiting import DEADLINE, wait_until

for name in ("strawberry", "fastapi", "httpx"):
    library(name)

import httpx  # noqa: E402
from websockets.exceptions import ConnectionClosed  # noqa: E402
from websockets.sync.client import ClientConnection, connect  # noqa: E402
from websockets.typing import Subprotocol  # noqa: E402

PROTOCOL = Subprotocol("graphql-transport-ws")
GRACE = 2  # seconds
SUBSCRIBERS = 4
NUMBERS = 50
PATIENCE = 60.0


@pytest.fixture
def facts(server_files: Path) -> Path:
    return server_files / "facts"


@pytest.fixture
def start(start_server: Starter, facts: Path) -> Callable[..., RunningServer]:
    def started(*options: str, **how: Any) -> RunningServer:
        always = ("-k", "asgi", "--graceful-timeout", str(GRACE), *options)
        return start_server("asgi_graphql:app", *always, env={"FACTS": str(facts)}, **how)

    return started


Start = Callable[..., RunningServer]


class Subscriber:
    """One client, that has been let in."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._say(type="connection_init")
        assert self.hears()["type"] == "connection_ack"

    def subscribe(self, query: str) -> None:
        self._say(type="subscribe", id="1", payload={"query": query})

    def complete(self) -> None:
        """It has enough."""
        self._say(type="complete", id="1")

    def hears(self) -> dict[str, Any]:
        """The next message of the server's."""
        heard: dict[str, Any] = json.loads(self._socket.recv(timeout=DEADLINE))
        return heard

    def next(self, field: str) -> int:
        """The next value of the subscription."""
        heard = self.hears()
        assert heard["type"] == "next", heard
        return int(heard["payload"]["data"][field])

    def until_closed(self, field: str) -> tuple[list[int], int | None]:
        """Values until the server ends it, and the code that it gave."""
        found: list[int] = []
        try:
            while True:
                found.append(self.next(field))
        except ConnectionClosed as end:
            return found, None if end.rcvd is None else end.rcvd.code

    def _say(self, **message: Any) -> None:
        self._socket.send(json.dumps(message))


@contextmanager
def subscriber(server: RunningServer) -> Iterator[Subscriber]:
    url = server.url.replace("http", "ws", 1) + "/graphql"
    with connect(url, subprotocols=[PROTOCOL]) as socket:
        assert socket.subprotocol == PROTOCOL
        yield Subscriber(socket)


@contextmanager
def ticking(server: RunningServer) -> Iterator[list[Subscriber]]:
    """Some who get a number again and again, and have got the first ones."""
    clients = [subscriber(server) for _ in range(SUBSCRIBERS)]
    entered = [client.__enter__() for client in clients]
    try:
        for one in entered:
            one.subscribe("subscription { ticks }")
            assert [one.next("ticks") for _ in range(3)] == [0, 1, 2]
        yield entered
    finally:
        for client in clients:
            client.__exit__(None, None, None)


def told_to_come_back(clients: list[Subscriber]) -> None:
    """Each has got every number until it was closed with 1012."""
    for one in clients:
        numbers, code = one.until_closed("ticks")
        assert code == 1012
        assert numbers == list(range(3, 3 + len(numbers)))


def counts(server: RunningServer) -> None:
    """A whole subscription on a new connection."""
    with subscriber(server) as one:
        one.subscribe(f"subscription {{ count(to: {NUMBERS}) }}")
        assert [one.next("count") for _ in range(NUMBERS)] == list(range(NUMBERS))
        assert one.hears()["type"] == "complete"


def test_query_and_subscription_are_answered(start: Start) -> None:
    server = start()
    answer = httpx.post(server.url + "/graphql", json={"query": "{ pid }"}, trust_env=False)
    assert answer.json()["data"]["pid"] in server.worker_pids()
    counts(server)


def test_subscription_that_its_client_completes_ends(start: Start, facts: Path) -> None:
    server = start()
    with ticking(server) as clients:
        for one in clients:
            one.complete()
        wait_until(
            lambda: facts.read_text().count("ticks end") == SUBSCRIBERS, "all generators are closed"
        )


def test_subscription_of_a_client_that_leaves_ends(start: Start, facts: Path) -> None:
    server = start()
    with ticking(server):
        pass
    wait_until(
        lambda: facts.read_text().count("ticks end") == SUBSCRIBERS, "all generators are closed"
    )


@pytest.mark.slow
def test_reload_lets_subscriptions_live_for_a_while(start: Start, facts: Path) -> None:
    server = start()
    (pid,) = server.worker_pids()
    with ticking(server) as clients:
        server.signal("reload")
        server.log.wait_for("Worker ready", count=2)
        counts(server)
        told_to_come_back(clients)
    server.wait_for_workers(1, without=[pid])
    assert facts.read_text().count(f"{pid} ticks end") == SUBSCRIBERS


@pytest.mark.slow
def test_upgrade_lets_subscriptions_live_for_a_while(start: Start) -> None:
    server = start("--pid", "server.pid")
    with ticking(server) as clients:
        old = server.upgrade()
        counts(server)
        os.kill(old, signal.SIGTERM)
        told_to_come_back(clients)
    wait_until(lambda: server.process.poll() is not None, "the old arbiter is gone", PATIENCE)
    counts(server)
    pid = server.pid
    server.signal("stop")
    wait_until(lambda: not alive(pid), "the new arbiter is gone")


@pytest.mark.slow
def test_subscriptions_count_for_max_requests(start: Start) -> None:
    server = start("--max-requests", str(SUBSCRIBERS))
    (pid,) = server.worker_pids()
    with ticking(server) as clients:
        server.log.wait_for("Worker ready", count=2)
        counts(server)
        told_to_come_back(clients)
    server.wait_for_workers(1, without=[pid])


@pytest.mark.slow
def test_stop_tells_subscribers_and_ends(start: Start, facts: Path) -> None:
    server = start()
    with ticking(server) as clients:
        server.signal("stop")
        told_to_come_back(clients)
    assert server.wait_exit() == 0
    assert facts.read_text().count("ticks end") == SUBSCRIBERS
