"""A worker that is full, and uploads that are slower than anybody has to wait for.

Runs in: cli
"""

from __future__ import annotations

import select
import time

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "worker_plain:app"
POST = b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n"
ROOM = 20  # connections of the worker
GRACE = 10.0  # seconds before the minimum rate counts
FAST_ENOUGH = 40  # bytes every 0.1 s, where 240 a second are asked for


def full(start_server: Starter) -> tuple[RunningServer, int, int]:
    """A server with room for 20 connections, its worker, and the sockets that it began with."""
    server = start_server(
        APP, "--worker-connections", str(ROOM), "--keep-alive", "60", "--body-timeout", "60"
    )
    (pid,) = server.worker_pids()
    return server, pid, processes.sockets(pid)


def has_ended(client: RawClient) -> bool:
    """Whether the server has closed this connection, on which nothing is owed."""
    return bool(select.select([client.sock], [], [], 0)[0]) and client.sock.recv(1) == b""


def test_idle_connections_give_way_to_new_ones_the_oldest_first(start_server: Starter) -> None:
    server, pid, before = full(start_server)
    idle = [server.connect() for _ in range(ROOM)]
    for client in idle:
        assert client.request("GET", "/hello?x").text == "x"
    late = [server.connect() for _ in range(5)]
    for client in late:
        assert client.request("GET", "/hello?late").text == "late"
        assert processes.sockets(pid) <= before + ROOM
    for client in idle[:5]:
        client.expect_end()
    for client in [*idle[5:], *late]:
        assert client.request("GET", "/hello?y").text == "y"


def test_silent_connections_give_way_too(start_server: Starter) -> None:
    server, pid, before = full(start_server)
    silent = [server.connect() for _ in range(ROOM)]
    wait_until(lambda: processes.sockets(pid) == before + ROOM, "the worker is full")
    assert server.get("/hello?x").text == "x"
    silent[0].expect_end()
    assert not any(has_ended(client) for client in silent[1:])


def test_connections_above_the_limit_are_all_served_in_turn(start_server: Starter) -> None:
    server, pid, before = full(start_server)
    clients = [server.connect() for _ in range(5 * ROOM)]
    for client in clients:
        client.send_request("GET", "/hello?x", [("Connection", "close")])
    for client in clients:
        assert client.read_response().text == "x"
        client.close()
    wait_until(lambda: processes.sockets(pid) == before, "all are gone")
    assert server.worker_pids() == [pid]


@pytest.mark.effect("body_min_rate")
def test_upload_below_the_minimum_rate_ends_with_408_and_a_slow_one_above_it_does_not(
    start_server: Starter, http_parser: str
) -> None:
    """240 bytes a second after ten seconds, although no pause is as long as body_timeout."""
    server = start_server(APP, "--http-parser", http_parser, "--body-min-rate", "240")
    slow, fast = server.connect(), server.connect()
    head = b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n"
    slow.send(head)
    fast.send(head)
    began = time.monotonic()
    sent = 0
    while not select.select([slow.sock], [], [], 0.1)[0]:
        assert time.monotonic() - began < GRACE + 10
        slow.send(b"x")
        fast.send(b"x" * FAST_ENOUGH)
        sent += FAST_ENOUGH
    assert time.monotonic() - began > GRACE - 1
    answer = slow.read_response()
    assert (answer.status, answer.closes) == (408, True)
    slow.expect_end()
    fast.send(b"x" * (100_000 - sent))
    assert fast.read_response().status == 200
