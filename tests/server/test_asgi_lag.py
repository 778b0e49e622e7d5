"""How late the loop of an ASGI worker comes to what is due, and how many tasks there are in it.

Runs in: cli
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from fastfork.ipc.counters import BOUNDS
from tests.conftest import Starter
from tests.kit.admin import ADMIN, endpoint, facts, samples
from tests.kit.receivers import Receiver
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until
from tests.server.test_status import status, where

APP = ("asgi_told:app", "-k", "asgi")
HELD = 0.2  # seconds
UNDER_HELD = BOUNDS[13]  # of a bucket, below that
LAG = "fastfork_loop_lag_seconds"
LOOPS = [
    pytest.param((), id="asyncio"),
    pytest.param(("--asgi-loop", "uvloop"), id="uvloop"),
]


@pytest.fixture
def datagrams() -> Iterator[Receiver]:
    receiver = Receiver(socket.SOCK_DGRAM)
    yield receiver
    receiver.close()


def holds(server: RunningServer) -> bool:
    """Hold the loop up.  Once may not be enough: with uvloop the lag is a sample."""
    return server.get(f"/hold/{HELD}").text == "done"


def longer(server: RunningServer) -> float:
    """How many times the loop was held for longer than UNDER_HELD."""
    found = samples(endpoint(server))
    return found[LAG + "_count"] - found[f'{LAG}_bucket{{le="{UNDER_HELD!r}"}}']


@pytest.mark.parametrize("options", LOOPS)
def test_loop_that_was_held_is_in_the_metrics(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    server = start_server(*APP, *options, *ADMIN)
    assert server.get("/hello").text == "done"
    times, before = longer(server), samples(endpoint(server))[LAG + "_sum"]
    wait_until(lambda: holds(server) and longer(server) > times, "it is counted")
    assert samples(endpoint(server))[LAG + "_sum"] - before >= HELD


@pytest.mark.parametrize("options", LOOPS)
def test_status_has_the_longest_lag_of_the_last_second(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    server = start_server(*APP, *options, *ADMIN)

    def lag() -> float:
        (worker,) = facts(endpoint(server))["workers"]
        assert isinstance(worker["loop_lag_seconds"], float)
        return worker["loop_lag_seconds"]

    wait_until(lambda: holds(server) and lag() >= HELD, "it is on the scoreboard")
    code, out, _said = status("--admin-bind", where(server), folder=server.files)
    assert code == 0
    assert "loop lag" in out
    assert server.get("/hello").text == "done"
    wait_until(lambda: lag() < HELD, "that is over")


def test_worker_without_such_a_loop_has_no_lag(start_server: Starter) -> None:
    server = start_server("pages:app", *ADMIN)
    assert server.get("/").text == "a page"
    (worker,) = facts(endpoint(server))["workers"]
    assert worker["loop_lag_seconds"] is None
    assert samples(endpoint(server))[LAG + "_count"] == 0
    _code, out, _said = status("--admin-bind", where(server), folder=server.files)
    assert "loop lag" not in out


def test_longest_lag_is_told_to_statsd(start_server: Starter, datagrams: Receiver) -> None:
    server = start_server(*APP, "--statsd-host", datagrams.place)
    assert server.get(f"/hold/{HELD}").text == "done"
    datagrams.wait_for(f"fastfork.loop_lag:{int(HELD * 10)}")


def test_task_that_goes_on_after_its_response_is_counted(start_server: Starter) -> None:
    server = start_server(*APP, *ADMIN)

    def tasks() -> tuple[float, float]:
        (worker,) = facts(endpoint(server))["workers"]
        found = samples(endpoint(server))["fastfork_tasks_in_flight"]
        assert worker["tasks"] == found
        return worker["tasks"], worker["in_flight"]

    assert tasks() == (0, 0)
    assert server.get("/after/it").text == "done"
    assert tasks() == (1, 0)
    assert server.get("/go/it").text == "done"
    wait_until(lambda: tasks() == (0, 0), "it has ended")
