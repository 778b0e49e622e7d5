"""Asking a server at its `admin_bind`.

Runs in: cli
"""

from __future__ import annotations

import json
import re
from typing import Any

from tests.kit import processes
from tests.kit.client import Endpoint, RawClient
from tests.kit.programs import library
from tests.kit.response import Response
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

ADMIN = ("--admin-bind", "127.0.0.1:0")


def endpoint(server: RunningServer) -> Endpoint:
    """The TCP address, as the log has it, in the process that answers now."""
    line = server.log.wait_for("Admin pages at:")
    found = re.search(r"http://([\d.]+):(\d+)", line)
    assert found, line
    return found[1], int(found[2])


def ask(where: Endpoint, target: str, method: str = "GET") -> Response:
    """One request on a connection of its own."""
    with RawClient(where) as client:
        return client.request(method, target, [("Connection", "close")])


def facts(where: Endpoint) -> dict[str, Any]:
    """/status.json."""
    found: dict[str, Any] = json.loads(ask(where, "/status.json").text)
    return found


def samples(where: Endpoint) -> dict[str, float]:
    """/metrics: name with labels -> number."""
    library("prometheus_client")
    lines = ask(where, "/metrics").text.splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {name: float(number) for name, number in pairs}


def admin_pid(server: RunningServer) -> int:
    """The process that answers: the child of the arbiter that is no worker."""

    def found() -> int | None:
        workers = {worker["pid"] for worker in facts(endpoint(server))["workers"]}
        others = set(processes.children(server.pid)) - workers
        return others.pop() if len(others) == 1 else None

    return wait_until(found, "one process beside the workers") or 0
