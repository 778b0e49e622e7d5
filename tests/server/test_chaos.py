"""Mixed traffic while workers and arbiters are replaced: nobody notices.

`make chaos` does each thing 100 times, and in every way of listening; `make test` a few times.

Runs in: cli
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial

import pytest

from fastfork.arbiter.children.backoff import HEALTHY_AFTER
from tests.conftest import Starter
from tests.kit.processes import alive
from tests.kit.server import RunningServer
from tests.kit.traffic import Report, Traffic
from tests.kit.uptime import age
from tests.kit.waiting import wait_until

APP = "serial:app"
# make chaos sets it.
TIMES = int(os.environ.get("FASTFORK_CHAOS", "2"))
PATIENCE = 60.0  # seconds for one step, on a machine that is busy with the traffic
WORKERS = 3

WAYS = {
    "shared": [],
    "reuse-port": ["--reuse-port"],
    "unix": ["--bind", "unix:server.sock"],
    "preload": ["--preload"],
}
every_way = pytest.mark.parametrize("way", WAYS)
tcp = pytest.mark.parametrize("way", ["shared", "reuse-port"])

pytestmark = [pytest.mark.timeout(90 + 20 * TIMES), pytest.mark.slow]


def start(start_server: Starter, way: str, *options: str) -> RunningServer:
    always = ["--keep-alive", "30", "--graceful-timeout", "60"]
    return start_server(APP, *always, *WAYS[way], *options, workers=WORKERS)


def traffic_to(server: RunningServer) -> Traffic:
    place = server.endpoint
    absolute = str(server.files / place) if isinstance(place, str) else place
    return Traffic(lambda: absolute)


def goes_on(traffic: Traffic, requests: int = 24) -> None:
    """Wait until so many more requests were answered."""
    goal = traffic.answered() + requests
    wait_until(lambda: traffic.answered() >= goal, f"{requests} more answers", PATIENCE)


def assert_clean(report: Report) -> None:
    print(f"{report.answered} requests answered, {len(report.lost)} lost")
    assert not report.lost, report.lost[:20]
    assert not report.resets, report.resets[:20]
    assert not report.refused, report.refused[:20]


def under_traffic(server: RunningServer, step: Callable[[int], None]) -> None:
    """Do something TIMES times, with answers in between, and lose nothing."""
    with traffic_to(server) as traffic:
        goes_on(traffic)
        for number in range(TIMES):
            step(number)
            goes_on(traffic, 8)
    assert_clean(traffic.report)


@every_way
def test_reload_loses_no_request(start_server: Starter, way: str) -> None:
    server = start(start_server, way, "--reload-parallel", "2")

    def step(number: int) -> None:
        server.signal("reload")
        server.log.wait_for("Reload complete", count=number + 1, timeout=PATIENCE)

    under_traffic(server, step)


@tcp
def test_more_and_fewer_workers_lose_no_request(start_server: Starter, way: str) -> None:
    server = start(start_server, way)

    def step(number: int) -> None:
        server.signal("more")
        server.log.wait_for("Worker ready", count=WORKERS + number + 1, timeout=PATIENCE)
        server.signal("fewer")
        server.log.wait_for("Worker exited", count=number + 1, timeout=PATIENCE)

    under_traffic(server, step)


@tcp
def test_worker_told_to_go_loses_no_request(start_server: Starter, way: str) -> None:
    server = start(start_server, way)

    def step(number: int) -> None:
        os.kill(server.worker_pids()[0], signal.SIGTERM)
        server.log.wait_for("Worker exited", count=number + 1, timeout=PATIENCE)
        server.log.wait_for("Worker ready", count=WORKERS + number + 1, timeout=PATIENCE)

    under_traffic(server, step)


@every_way
def test_upgrade_loses_no_request(start_server: Starter, way: str) -> None:
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


def test_worker_that_serves_enough_is_replaced_and_loses_no_request(start_server: Starter) -> None:
    server = start(start_server, "shared", "--max-requests", "100")
    with traffic_to(server) as traffic:
        count = WORKERS + 2 * TIMES
        server.log.wait_for("Worker ready", count=count, timeout=10 * PATIENCE)
    assert_clean(traffic.report)


def is_grown_up(pid: int) -> bool:
    """Whether its death is a single mishap to the arbiter."""
    return age(pid) > HEALTHY_AFTER + 1.5


def test_killed_worker_loses_only_what_it_was_answering(start_server: Starter) -> None:
    """Connections stay where they are: who has one that moved, the client cannot know."""
    server = start(start_server, "shared", "--no-share-connections")
    killed = []
    with traffic_to(server) as traffic:
        goes_on(traffic)
        for number in range(TIMES):
            victim = server.worker_pids()[0]
            # One that dies younger than 5 s is a crash loop, and slowed down on purpose.
            wait_until(partial(is_grown_up, victim), "it is no crash loop", PATIENCE)
            os.kill(victim, signal.SIGKILL)
            killed.append(victim)
            server.log.wait_for("Worker ready", count=WORKERS + number + 1, timeout=PATIENCE)
            goes_on(traffic)
    report = traffic.report
    print(f"{report.answered} requests answered, {len(report.lost)} lost, {len(killed)} killed")
    assert not report.refused, report.refused[:20]
    others = [loss for loss in report.lost if loss.owner not in {None, *killed}]
    assert not others
    # Never more than there were connections: nobody was refused a second one.
    assert len(report.lost) <= len(killed) * 24


def test_stop_under_traffic_loses_no_request(start_server: Starter) -> None:
    """New clients wait, then are refused; whoever was let in gets an answer."""
    server = start(start_server, "shared")
    with traffic_to(server) as traffic:
        goes_on(traffic)
        server.signal("stop")
        assert server.wait_exit(PATIENCE) == 0
    report = traffic.report
    print(f"{report.answered} requests answered, {len(report.lost)} lost")
    assert not report.lost, report.lost[:20]
    assert not report.resets, report.resets[:20]
    assert all("ConnectionRefused" in told for told in report.refused), report.refused
