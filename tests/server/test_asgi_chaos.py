"""Requests, streams, uploads and WebSockets while workers and arbiters of ASGI are replaced.

`make chaos` does each thing 100 times; `make test` a few times.

Runs in: cli
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tests.conftest import Starter
from tests.kit.conversations import Conversations
from tests.kit.processes import alive
from tests.kit.programs import library
from tests.kit.server import RunningServer
from tests.kit.traffic import Traffic
from tests.kit.waiting import wait_until

library("fastapi")

APP = "asgi_serial:app"
KINDS = {"quick": 87, "slow": 5, "upload": 4, "large": 4}  # large: a stream of 8 MiB
# make chaos sets it.
TIMES = int(os.environ.get("FASTFORK_CHAOS", "1"))
PATIENCE = 60.0  # seconds for one step, on a machine that is busy with the traffic
WORKERS = 2
# WebSockets have half of it, and then are closed one after the other.
GRACE = "10"

WAYS = {
    "asyncio": [],
    "uvloop": ["--asgi-loop", "uvloop"],
    "preload": ["--preload"],
}
every_way = pytest.mark.parametrize("way", WAYS)

pytestmark = [pytest.mark.timeout(90 + 20 * TIMES), pytest.mark.slow]


def start(start_server: Starter, way: str, *options: str) -> RunningServer:
    always = ["-k", "asgi", "--keep-alive", "30", "--graceful-timeout", GRACE]
    return start_server(APP, *always, *WAYS[way], *options, workers=WORKERS)


def goes_on(traffic: Traffic, requests: int = 24) -> None:
    """Wait until so many more requests were answered."""
    goal = traffic.answered() + requests
    wait_until(lambda: traffic.answered() >= goal, f"{requests} more answers", PATIENCE)


def under_traffic(server: RunningServer, step: Callable[[int], None], times: int = TIMES) -> None:
    """Do something again and again, with answers in between, and lose nothing."""
    place = server.endpoint
    url = server.url.replace("http", "ws", 1) + "/ws"
    with (
        Traffic(lambda: place, kinds=KINDS) as traffic,
        Conversations(url, clients=4) as conversations,
    ):
        goes_on(traffic)
        for number in range(times):
            step(number)
            goes_on(traffic, 8)
    report = traffic.report
    print(f"{report.answered} requests answered, {len(report.lost)} lost")
    print(f"{sum(talk.messages for talk in conversations.talks)} messages came back")
    assert not report.lost, report.lost[:20]
    assert not report.resets, report.resets[:20]
    assert not report.refused, report.refused[:20]
    conversations.assert_clean()


@every_way
def test_reload_loses_nothing(start_server: Starter, way: str) -> None:
    server = start(start_server, way)

    def step(number: int) -> None:
        server.signal("reload")
        server.log.wait_for("Reload complete", count=number + 1, timeout=PATIENCE)

    under_traffic(server, step)


@every_way
def test_worker_told_to_go_loses_nothing(start_server: Starter, way: str) -> None:
    server = start(start_server, way)

    def step(number: int) -> None:
        os.kill(server.worker_pids()[0], signal.SIGTERM)
        server.log.wait_for("Worker exited", count=number + 1, timeout=PATIENCE)
        server.log.wait_for("Worker ready", count=WORKERS + number + 1, timeout=PATIENCE)

    under_traffic(server, step)


@pytest.mark.parametrize("way", ["asyncio", "preload"])
def test_upgrade_loses_nothing(start_server: Starter, way: str) -> None:
    server = start(start_server, way, "--pid", "server.pid")

    def step(_number: int) -> None:
        old = server.upgrade()
        os.kill(old, signal.SIGTERM)
        wait_until(lambda: has_ended(server, old), f"the old arbiter {old} is gone", PATIENCE)
        wait_until(lambda: server.pidfile_says(server.pid), "it has the pid file", PATIENCE)

    under_traffic(server, step)


def has_ended(server: RunningServer, pid: int) -> bool:
    """Whether an arbiter has ended; ours has to be reaped for that."""
    if pid == server.process.pid:
        return server.process.poll() is not None
    return not alive(pid)


def test_worker_that_serves_enough_is_replaced_and_loses_nothing(start_server: Starter) -> None:
    server = start(start_server, "asyncio", "--max-requests", "200")

    def step(number: int) -> None:
        count = WORKERS * (number + 2)
        server.log.wait_for("Worker ready", count=count, timeout=10 * PATIENCE)

    under_traffic(server, step)
