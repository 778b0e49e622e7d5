"""Threads, finalizers and signal handlers of the application call what it was given, at any time:
no worker crashes, no byte gets to somebody else, and who stands by loses no request.

For longer: FASTFORK_MEDDLE=600 seconds for all of them, see `make meddle`.

Runs in: cli
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.conftest import Starter
from tests.kit.client import RawClient
from tests.kit.meddling import KINDS, Meddling
from tests.kit.programs import library
from tests.kit.server import RunningServer
from tests.kit.tls import Authority, TlsClient

WORKERS = {
    "one thread": (),
    "threads": ("--threads", "4"),
    "gevent": ("-k", "gevent"),
    "preload": ("--preload", "--threads", "3"),
}
SECONDS = float(os.environ.get("FASTFORK_MEDDLE", "0")) / (2 * len(WORKERS)) or 2.0


def meddle(server: RunningServer, connect: Callable[[], RawClient]) -> None:
    """The load, then a look at whether the workers still are who they were."""
    pids = server.worker_pids()
    load = Meddling(connect, SECONDS)
    load.run()
    assert server.worker_pids() == pids, f"a worker has died: {server.log.text()}"
    asked = {name.partition(",")[0] for name in load.found}
    print(f"{sum(load.found.values())} answers: {dict(sorted(load.found.items()))}")
    assert load.found["quick"] > 0
    if SECONDS >= 10:
        assert asked == {*KINDS, "quick"}


def options_of(kind: str) -> tuple[str, ...]:
    if kind == "gevent":
        library("gevent")
        if "libclang_rt.asan" in os.environ.get("LD_PRELOAD", ""):
            pytest.skip("ASan takes the stacks that greenlets change under it for errors")
    return WORKERS[kind]


def start(start_server: Starter, kind: str, *options: str) -> RunningServer:
    server = start_server(
        "meddling:app", "--timeout", "120", "--graceful-timeout", "20", *options_of(kind), *options
    )
    server.expected_alarms.append("")  # tracebacks of the application, and of nobody else
    return server


@pytest.mark.parametrize("kind", WORKERS)
def test_whatever_threads_of_the_application_call_harms_nobody(
    start_server: Starter, kind: str
) -> None:
    server = start(start_server, kind)
    meddle(server, lambda: RawClient(server.endpoint, timeout=60.0))
    assert "Error in the server" not in server.log.text()


@pytest.mark.parametrize("kind", WORKERS)
def test_whatever_threads_of_the_application_call_harms_nobody_with_tls(
    start_server: Starter, kind: str, authority: Authority
) -> None:
    pair = authority.issue("server")
    files = ("--certfile", str(pair.certificate), "--keyfile", str(pair.key))
    server = start(start_server, kind, *files)
    context = authority.client_context()
    meddle(server, lambda: TlsClient(server.endpoint, context, timeout=60.0))
    assert "Error in the server" not in server.log.text()
