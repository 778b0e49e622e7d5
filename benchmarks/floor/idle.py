"""Memory of connections that are open and say nothing.

Runs in: cli
"""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.floor.samples import IdleSample
from benchmarks.kit import processes
from benchmarks.kit.heads import PLAIN
from benchmarks.kit.launch import CannotStart, Running, running
from benchmarks.kit.servers import Server
from benchmarks.kit.workloads import WORKLOADS

WARM_UP_CONNECTIONS = 64
TIMEOUT_SECONDS = 30.0
# Buffers that a server gives back at its next tick should be gone before memory is read.
SETTLE_SECONDS = 1.5


class NotHeld(Exception):
    """The server did not keep the connections; the text says how many it had."""


def take_idle(
    server: Server, connections: int, cores: tuple[int, int], scratch: Path
) -> IdleSample:
    """One sample; a failure of any kind is a void one.

    Needs `connections` descriptors and some more, in this process and in the server.
    """
    try:
        allow_descriptors(connections + 200)
        with running(server, WORKLOADS["idle"], cores[0], scratch) as it:
            return _measure(server.name, connections, it)
    except (CannotStart, NotHeld, OSError) as error:
        return IdleSample(server=server.name, connections=connections, void=str(error))


def _measure(name: str, connections: int, it: Running) -> IdleSample:
    pids = processes.tree(it.root)
    with opened(it, WARM_UP_CONNECTIONS) as warm:
        for _ in range(20):
            _request_each(warm, it.host)
    time.sleep(SETTLE_SECONDS)
    baseline = processes.memory(pids).rss
    before = processes.descriptors(pids)
    with opened(it, connections) as clients:
        _wait_until_accepted(pids, before + connections)
        time.sleep(SETTLE_SECONDS)
        silent = processes.memory(pids).rss
        _request_each(clients, it.host)
        time.sleep(SETTLE_SECONDS)
        answered = processes.memory(pids).rss
        _wait_until_accepted(pids, before + connections)
    return IdleSample(
        server=name,
        connections=connections,
        baseline=baseline,
        silent=silent,
        answered=answered,
    )


@contextmanager
def opened(it: Running, count: int) -> Iterator[list[socket.socket]]:
    """`count` connections."""
    clients: list[socket.socket] = []
    try:
        for _ in range(count):
            clients.append(socket.create_connection(("127.0.0.1", it.port), TIMEOUT_SECONDS))
        yield clients
    finally:
        for client in clients:
            client.close()


def _request_each(clients: list[socket.socket], host: str) -> None:
    request = PLAIN.wire(host)
    for number, client in enumerate(clients):
        client.sendall(request)
        # Small answers: the head and the body may come in two pieces, never in three.
        answer = client.recv(4096)
        if answer and b"Hello" not in answer:
            answer += client.recv(4096)
        if not answer.startswith(b"HTTP/1.1 200"):
            raise NotHeld(f"connection {number + 1} of {len(clients)} was answered {answer[:60]!r}")


def _wait_until_accepted(pids: tuple[int, ...], wanted: int) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (has := processes.descriptors(pids)) < wanted:
        if time.monotonic() > deadline:
            raise NotHeld(f"{wanted - has} of the connections are not open in the server")
        time.sleep(0.1)


def allow_descriptors(count: int) -> None:
    """As many descriptors as this user may have.  Raises CannotStart where `count` are more."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard < count:
        raise CannotStart(f"{count} descriptors are needed, ulimit -Hn is {hard}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
