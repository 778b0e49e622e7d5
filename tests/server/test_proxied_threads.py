"""What the PROXY protocol has said, where several threads and workers serve: it stays with its
connection, and the connection with the worker that has heard it.

Runs in: cli
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.client import RawClient
from tests.kit.holding import Holder, facts_of, where

FIRST_PORT = 5001


class Proxied(Holder):
    """A server that is told of each connection where it comes from: a port of its own."""

    def __init__(self, start: Starter, folder: Path, *options: str, workers: int = 1) -> None:
        super().__init__(start, folder, "--proxy-protocol", "v1", *options, workers=workers)
        self._ports: dict[RawClient, str] = {}

    def connect(self) -> RawClient:
        client = self.server.connect()
        self._ports[client] = str(FIRST_PORT + len(self._ports))
        client.send(f"PROXY TCP4 192.0.2.1 192.0.2.2 {self._ports[client]} 80\r\n".encode())
        return client

    def peer(self, client: RawClient) -> list[str]:
        return ["192.0.2.1", self._ports[client]]


@pytest.mark.parametrize(("workers", "threads"), [(1, 3), (2, 2), (2, 1)])
def test_facts_hold_for_every_request_whoever_serves_it(
    start_server: Starter, tmp_path: Path, workers: int, threads: int
) -> None:
    holder = Proxied(start_server, tmp_path, "--threads", str(threads), workers=workers)
    clients = [holder.connect() for _ in range(12)]
    for _ in range(3):
        held = [holder.send(client) for client in clients]  # more than there are threads
        for one in held:
            one.let_go()
        for client in clients:
            assert facts_of(client)["peer"] == holder.peer(client)
            assert where(client)["peer"] == holder.peer(client)


@pytest.mark.parametrize("threads", [1, 2])
def test_connection_stays_with_the_worker_that_knows_its_client(
    start_server: Starter, tmp_path: Path, threads: int
) -> None:
    holder = Proxied(start_server, tmp_path, "--threads", str(threads), workers=2)
    client = holder.connect()
    pid = where(client)["pid"]
    others = [holder.connect() for _ in range(12)]
    known = {other: where(other)["pid"] for other in others}
    same = [other for other in others if known[other] == pid][:threads]
    [idle, *_] = [other for other in others if known[other] != pid]
    held = [holder.hold(other) for other in same]
    assert len(held) == threads
    client.send_request("GET", "/where")
    for _ in range(5):
        assert where(idle)["pid"] != pid  # has time, and does not get it
    client.expect_silence(0.1)
    for one in held:
        one.release()
    facts = facts_of(client)
    assert (facts["pid"], facts["peer"]) == (pid, holder.peer(client))


@pytest.mark.parametrize("cut", [1, 20])
@pytest.mark.parametrize("is_whole", [True, False])
def test_half_a_preface_in_line_keeps_its_deadline(
    start_server: Starter, tmp_path: Path, cut: int, is_whole: bool
) -> None:
    line = b"PROXY TCP4 192.0.2.1 192.0.2.2 7 80\r\n"
    holder = Proxied(start_server, tmp_path, "--threads", "2", "--header-timeout", "1")
    client, other = holder.server.connect(), holder.connect()
    client.send(line[:cut])
    where(other)  # what came before it has been read
    held = [holder.hold(other), holder.hold(holder.connect())]
    client.send(line[cut:] if is_whole else line[cut : cut + 1])
    client.expect_silence(0.1)  # nobody is there to read it
    for one in held:
        one.release()
    if is_whole:
        assert where(client)["peer"] == ["192.0.2.1", "7"]
    else:
        client.expect_end()  # not only after keepalive, a minute
