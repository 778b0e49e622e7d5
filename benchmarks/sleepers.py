"""Requests that all wait at the same time: python -m benchmarks.sleepers [--help].

So many connections are opened, then each sends a request whose application sleeps for a second
as gevent understands it.  What counts is the time from the first request sent to the last answer
read.  Above --target seconds the command ends with 1.

Noise: one run says enough; a machine that does other work meanwhile makes it longer.

Runs in: cli
"""

from __future__ import annotations

import argparse
import select
import socket
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.floor.idle import (
    allow_descriptors,
    opened,
)
from benchmarks.kit import processes
from benchmarks.kit.heads import PLAIN
from benchmarks.kit.launch import CannotStart, Running, cores, on_core, running
from benchmarks.kit.servers import SERVERS, Server
from benchmarks.kit.workloads import Workload

SLEEP_SECONDS = 1.0
PATIENCE_SECONDS = 30.0
WORKLOAD = Workload(
    name="sleepers",
    title="sleeping a second",
    tool="idle",
    app="benchmarks.apps.sleep_app:app",
)


def main() -> int:
    """Measure each server.  Returns the exit code."""
    options = _options()
    allow_descriptors(options.connections + 200)
    server_core, load_core = cores()
    on_core(load_core)
    worst = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        for name in options.servers.split(","):
            server = _for_many(SERVERS[name], options.connections)
            try:
                with running(server, WORKLOAD, server_core, Path(scratch)) as it:
                    took = _measure(name, options.connections, it)
            except CannotStart as error:
                print(f"{name}: {error}", file=sys.stderr)
                return 2
            if name.startswith("fastfork"):
                worst = max(worst, took)
    return 1 if worst > options.target else 0


def _measure(name: str, count: int, it: Running) -> float:
    """Seconds until the last of `count` answers."""
    pids = processes.tree(it.root)
    request = PLAIN.wire(it.host)
    with opened(it, count) as clients:
        before = processes.cpu_ns(pids)
        began = time.monotonic()
        for client in clients:
            client.sendall(request)
        answered = _read_all(clients)
        took = time.monotonic() - began
        used = processes.cpu_ns(pids) - before
    print(
        f"{name:20} {answered} of {count} answered after {took:.2f} s "
        f"(each sleeps {SLEEP_SECONDS:g} s); {used / count / 1e3:.0f} us of CPU a request"
    )
    return took if answered == count else PATIENCE_SECONDS


def _read_all(clients: list[socket.socket]) -> int:
    """Answers of 200 that have come in time."""
    poller = select.epoll()
    by_descriptor = {client.fileno(): client for client in clients}
    for descriptor in by_descriptor:
        poller.register(descriptor, select.EPOLLIN)
    count = 0
    deadline = time.monotonic() + PATIENCE_SECONDS
    while by_descriptor and time.monotonic() < deadline:
        for descriptor, _events in poller.poll(1.0):
            answer = by_descriptor.pop(descriptor).recv(4096)
            poller.unregister(descriptor)
            count += answer.startswith(b"HTTP/1.1 200")
    poller.close()
    return count


def _for_many(server: Server, connections: int) -> Server:
    """The server with room for so many connections."""
    more = ("--worker-connections", str(connections + 100), "--keep-alive", "600")
    return replace(server, many=more)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--servers", default="fastfork-gevent,gunicorn-gevent")
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--target", type=float, default=2.0, help="seconds, of fastfork")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
