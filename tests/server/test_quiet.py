"""A server that is hardly used sleeps: its threads wait for events, and wake up for nothing else.

Counted is how often threads begin to wait (voluntary context switches), which a loaded machine does
not change.
"""

from __future__ import annotations

import select
import time
from collections.abc import Callable, Sequence

import pytest

from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.server import RunningServer

START = Callable[..., RunningServer]

REQUESTS = 100
PAUSE = 0.01  # seconds between two requests
# A request wakes the thread that serves it, which then waits again.  What else may be: a look up a
# second of the worker, a timer that was set before, a wait for the interpreter lock.
SLACK_A_SECOND = 20
SETTLED = 2.5  # seconds
IDLE_SECONDS = 6.0

KINDS = [
    pytest.param((), id="one thread"),
    pytest.param(("--threads", "4"), id="threads"),
    pytest.param(("--queue-timeout", "5"), id="keeper"),
]
PAGES = [
    pytest.param("pages:app", id="known length"),
    pytest.param("pages:unmeasured", id="unknown length"),
]


def ask_now_and_then(client: RawClient, path: str = "/") -> None:
    for _ in range(REQUESTS):
        assert client.request("GET", path).body == b"a page"
        assert select.select([client.sock], [], [], PAUSE)[0] == []


def waits_of(pids: Sequence[int]) -> int:
    return sum(processes.waits(pid) for pid in pids)


@pytest.mark.parametrize("options", KINDS)
@pytest.mark.parametrize("app", PAGES)
def test_requests_now_and_then_wake_no_thread_besides_their_own(
    start_server: START, options: tuple[str, ...], app: str
) -> None:
    server = start_server(app, *options)
    client = server.connect()
    ask_now_and_then(client)
    (worker,) = server.worker_pids()
    before, began = processes.waits(worker), time.monotonic()
    ask_now_and_then(client)
    waited, seconds = processes.waits(worker) - before, time.monotonic() - began
    assert waited <= REQUESTS + SLACK_A_SECOND * seconds


@pytest.mark.parametrize("options", KINDS)
def test_slow_call_is_followed_by_no_tick(start_server: START, options: tuple[str, ...]) -> None:
    """What was slow once says nothing of a second later."""
    server = start_server("pages:app", *options)
    client = server.connect()
    assert client.request("GET", "/slow").body == b"a page"
    (worker,) = server.worker_pids()
    before, began = processes.waits(worker), time.monotonic()
    ask_now_and_then(client)
    waited, seconds = processes.waits(worker) - before, time.monotonic() - began
    assert waited <= REQUESTS + SLACK_A_SECOND * seconds


def test_pages_now_and_then_need_one_thread(start_server: START) -> None:
    server = start_server("pages:app")
    ask_now_and_then(server.connect())
    (worker,) = server.worker_pids()
    assert len(processes.threads(worker)) == 1


@pytest.mark.parametrize(
    "options",
    [
        ("pages:app",),
        ("pages:app", "--threads", "4"),
        ("pages:app", "--preload"),
        ("pages:app", "--no-share-connections"),
        ("pages:app", "-k", "gevent"),
        ("asgi_hello:app", "-k", "asgi"),
        ("asgi_hello:app", "-k", "asgi", "--asgi-loop", "uvloop"),
    ],
    ids=" ".join,
)
def test_idle_server_wakes_up_twice_a_second_at_most(
    start_server: START, options: tuple[str, ...]
) -> None:
    server = start_server(*options, workers=4)
    client = server.connect()
    assert client.request("GET", "/", [("Connection", "close")]).status == 200
    client.expect_end()
    # Two looks up after its last request a worker knows that it is idle.
    select.select([], [], [], SETTLED)
    pids = processes.in_session(server.pid)
    before, began = waits_of(pids), time.monotonic()
    select.select([], [], [], IDLE_SECONDS)
    waited, seconds = waits_of(pids) - before, time.monotonic() - began
    assert waited <= 2 * seconds + 1
