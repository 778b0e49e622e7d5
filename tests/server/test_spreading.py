"""Connections spread over the workers, however they come."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack

import pytest

from tests.kit.client import RawClient
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

WORKERS = 4
CONNECTIONS = 64
SHARE = CONNECTIONS // WORKERS
START = Callable[..., RunningServer]


def served_by(clients: list[RawClient]) -> list[int]:
    """Connections of each worker, by asking on every one; all of them stay open."""
    pids = Counter(client.request("GET", "/pid").text for client in clients)
    return sorted(pids.values())


@pytest.fixture
def server(start_server: START) -> RunningServer:
    """A server whose workers have all served somebody: "ready" is said a moment before that."""
    server = start_server("supervised:app", "--keep-alive", "60", workers=WORKERS)
    seen: set[str] = set()

    def all_serve() -> bool:
        with ExitStack() as stack:
            clients = [stack.enter_context(RawClient(server.endpoint)) for _ in range(WORKERS)]
            seen.update(client.request("GET", "/pid").text for client in clients)
        return len(seen) == WORKERS

    wait_until(all_serve, lambda: f"workers that serve: {seen}")
    return server


def assert_spread(counts: list[int]) -> None:
    margin = max(2, SHARE // 10)
    assert len(counts) == WORKERS
    assert counts[0] >= SHARE - margin
    assert counts[-1] <= SHARE + margin


def test_burst_of_connections_spreads_over_the_workers(server: RunningServer) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(RawClient(server.endpoint)) for _ in range(CONNECTIONS)]
        assert_spread(served_by(clients))


def test_connections_that_come_one_by_one_spread_over_the_workers(server: RunningServer) -> None:
    with ExitStack() as stack:
        clients = []
        for _ in range(CONNECTIONS):
            clients.append(stack.enter_context(RawClient(server.endpoint)))
            assert clients[-1].request("GET", "/pid").status == 200
        assert_spread(served_by(clients))


def seconds_of_a_crowd(server: RunningServer) -> float:
    """Eight clients at once, each with one request on a connection of its own."""
    began = time.perf_counter()
    with ExitStack() as stack:
        clients = [stack.enter_context(RawClient(server.endpoint)) for _ in range(8)]
        for client in clients:
            client.send_request("GET", "/pid", [("Connection", "close")])
        for client in clients:
            assert client.read_response().status == 200
    return time.perf_counter() - began


def test_two_workers_are_not_slower_than_one_where_no_connection_stays(start_server: START) -> None:
    """They take turns, so that a busy moment meets both; nobody pauses for want of a share."""
    one, two = start_server("supervised:app"), start_server("supervised:app", workers=2)
    rounds = [(seconds_of_a_crowd(one), seconds_of_a_crowd(two)) for _ in range(150)]
    alone, together = (statistics.median(times) for times in zip(*rounds, strict=True))
    assert together < 3 * alone
