"""A server under which system calls fail, are interrupted, or do one byte of what was asked.

More seeds: FASTFORK_FAULT_SEEDS=100 make test ARGS=tests/faults

Runs in: cli
"""

from __future__ import annotations

import os
import ssl
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.faults.weather import Weather, disturbed, load, one_client, why_not
from tests.kit.server import RunningServer
from tests.kit.tls import Authority

SEEDS = range(1, int(os.environ.get("FASTFORK_FAULT_SEEDS", "2")) + 1)
CLIENTS, ACTIONS = 6, 40

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


def serve(start_server: Starter, weather: Weather, directory: Path, *options: str) -> RunningServer:
    """One worker in this weather, which has accepted a connection."""
    server = start_server(
        "worker_plain:app", "--keep-alive", "60", *options, env=weather.environment(directory)
    )
    if not options:
        one_client(server.endpoint, 0, 1)  # the shim begins with the first connection
    return server


def run(server: RunningServer, seed: int, tls: ssl.SSLContext | None = None) -> Counter[str]:
    """The load, then a look at whether the worker still is who it was."""
    pids = server.worker_pids()
    found = load(server.endpoint, seed, clients=CLIENTS, actions=ACTIONS, tls=tls)
    assert server.worker_pids() == pids, "the worker died"
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_interrupted_and_partial_calls_lose_nothing(
    start_server: Starter, tmp_path: Path, seed: int
) -> None:
    server = serve(start_server, Weather(seed, soft=4), tmp_path)
    found = run(server, seed)
    assert found["cut"] == 0, server.log.text()
    assert found["checked"] >= CLIENTS * ACTIONS
    count = disturbed(tmp_path)
    assert all(count[call] for call in count if call != "malloc"), count


@pytest.mark.parametrize("seed", SEEDS)
def test_broken_connections_cost_only_themselves(
    start_server: Starter, tmp_path: Path, seed: int
) -> None:
    server = serve(start_server, Weather(seed, soft=16, fatal=60), tmp_path)
    found = run(server, seed)
    assert found["cut"] > 0
    assert found["checked"] > found["cut"]
    assert disturbed(tmp_path)["recv"]


@pytest.mark.parametrize("seed", SEEDS)
def test_shortage_of_memory_costs_only_the_connections_that_met_it(
    start_server: Starter, tmp_path: Path, seed: int
) -> None:
    server = serve(start_server, Weather(seed, soft=6, memory=3), tmp_path)
    server.expect_alarm("MemoryError")
    found = run(server, seed)
    assert found["cut"] > 0
    assert found["checked"] > found["cut"]
    assert disturbed(tmp_path)["malloc"]


# As in the first two tests above, and whether it may cost connections.  Memory is no matter here:
# TLS takes none of its own but when the worker begins.
WEATHERS = {
    "interrupted": (Weather(0, soft=4), False),
    "broken": (Weather(0, soft=16, fatal=60), True),
}


@pytest.mark.parametrize("weather", WEATHERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_tls_is_no_worse_off(
    start_server: Starter, tmp_path: Path, authority: Authority, weather: str, seed: int
) -> None:
    kind, costs = WEATHERS[weather]
    pair = authority.issue("stormy")
    options = ("--certfile", str(pair.certificate), "--keyfile", str(pair.key))
    server = serve(start_server, replace(kind, seed=seed), tmp_path, *options)
    found = run(server, seed, authority.client_context())
    assert bool(found["cut"]) == costs
    assert found["checked"] > found["cut"]
    assert disturbed(tmp_path)["recv"]
