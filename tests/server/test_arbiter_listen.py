"""Listening sockets across reloads: kept, opened before, closed after; reuse_port's too.

Runs in: cli
"""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.response import Response
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "supervised:app"
LISTENS = "0A"  # state of a socket in /proc/net/tcp (proc(5))


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def ask(port: int, target: str = "/pid") -> Response:
    with RawClient(("127.0.0.1", port)) as client:
        return client.request("GET", target)


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def listening(port: int) -> int:
    """How many sockets listen on a port of 127.0.0.1."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return sum(line.split()[1].endswith(f":{port:04X}") and line.split()[3] == LISTENS
               for line in lines)  # fmt: skip


@pytest.fixture
def ports() -> tuple[int, int, int]:
    return free_port(), free_port(), free_port()


def configured(*ports: int) -> str:
    return f"bind = {[f'127.0.0.1:{port}' for port in ports]}\n"


def start(start_server: Starter, ports: tuple[int, ...], *options: str) -> RunningServer:
    """A server with its addresses in the config file."""
    server: RunningServer = start_server(
        APP, *options, config=configured(*ports), workers=2, listens=False
    )
    return server


def reload(server: RunningServer, *ports: int) -> None:
    count = len(server.log.lines("Reload complete"))
    server.write_config(configured(*ports))
    server.signal("reload")
    server.log.wait_for("Reload complete", count=count + 1)


def test_reload_opens_new_addresses_and_closes_dropped_ones(
    start_server: Starter, ports: tuple[int, int, int]
) -> None:
    kept, dropped, new = ports
    server = start(start_server, (kept, dropped))
    assert ask(dropped).status == 200
    before = server.worker_pids()
    reload(server, kept, new)
    assert ask(new).status == 200
    assert ask(kept).status == 200
    server.wait_for_workers(2, without=before)
    wait_until(lambda: listening(dropped) == 0, "the dropped address is closed everywhere")
    reload(server, kept, dropped)
    assert ask(dropped).status == 200
    wait_until(lambda: listening(new) == 0, "the dropped address is closed everywhere")


def test_client_in_the_queue_of_a_dropped_address_is_served(
    start_server: Starter, ports: tuple[int, int, int], tmp_path: Path
) -> None:
    go = tmp_path / "go"
    go.write_text("wait")
    kept, dropped, _ = ports
    server = start_server(
        APP,
        config=configured(kept, dropped),
        workers=1,
        listens=False,
        env={"SUPERVISED_FILE": str(go)},
    )
    with RawClient(("127.0.0.1", kept)) as busy, RawClient(("127.0.0.1", dropped)) as queued:
        busy.send_request(target="/wait")
        server.log.wait_for("The application gets /wait")
        queued.send_request(target="/pid")
        server.write_config(configured(kept))
        server.signal("reload")
        server.log.wait_for("Worker ready", count=2)
        go.write_text("go")
        assert busy.read_response().text == "ok"
        assert queued.read_response().status == 200
    wait_until(lambda: listening(dropped) == 0, "the dropped address is closed everywhere")


def test_address_that_is_taken_refuses_the_reload(
    start_server: Starter, ports: tuple[int, int, int]
) -> None:
    kept, _, taken = ports
    server = start(start_server, (kept,))
    before = server.worker_pids()
    with socket.create_server(("127.0.0.1", taken)):
        server.write_config(configured(kept, taken))
        server.signal("reload")
        server.log.wait_for("reload refused: bind: ")
        assert not server.log.lines("trying again")  # nobody is supervised meanwhile
    assert server.worker_pids() == before
    assert ask(kept).status == 200
    reload(server, kept, taken)
    assert ask(taken).status == 200
    reload(server, kept)  # as many descriptors as before


def test_reload_that_fails_closes_what_it_had_opened(
    start_server: Starter, ports: tuple[int, int, int], tmp_path: Path
) -> None:
    module = tmp_path / "module"
    module.write_text("first")
    kept, new, _ = ports
    server = start_server(
        APP,
        config=configured(kept),
        workers=2,
        listens=False,
        env={"SUPERVISED_FILE": str(module)},
    )
    server.expect_alarm("refused on purpose")
    module.write_text("raise")
    server.write_config(configured(kept, new))
    server.signal("reload")
    server.log.wait_for("Reload ended: the replacement did not start")
    wait_until(lambda: listening(new) == 0, "the new address is closed again")
    assert ask(kept).text in map(str, server.worker_pids())


@pytest.mark.effect("backlog")
def test_backlog_follows_the_settings(start_server: Starter) -> None:
    server = start_server(APP, config="backlog = 100\n")
    assert isinstance(server.endpoint, tuple)
    server.write_config("backlog = 7\n")
    server.signal("reload")
    server.log.wait_for("Reload complete")
    assert server.get("/pid").status == 200
    inode = Path("/proc/net/tcp").read_text()
    assert f":{server.endpoint[1]:04X}" in inode


# -- both kinds of IP


def ask_both_kinds(port: int) -> set[str]:
    """Who answers over IPv4 and over IPv6."""
    with RawClient(("127.0.0.1", port)) as old, RawClient(("::1", port)) as new:
        return {client.request("GET", "/pid").text for client in (old, new)}


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 on this machine")
@pytest.mark.parametrize("order", [("0.0.0.0", "[::]"), ("[::]", "0.0.0.0"), ("[::]", "127.0.0.1")])
@pytest.mark.parametrize("options", [(), ("--reuse-port",)], ids=["shared", "reuse_port"])
def test_every_interface_of_ipv4_and_of_ipv6_go_together(
    start_server: Starter, options: tuple[str, ...], order: tuple[str, ...]
) -> None:
    port = free_port()
    binds = [f"{host}:{port}" for host in order]
    server = start_server(APP, *options, config=f"bind = {binds}\n", listens=False)
    (before,) = server.worker_pids()
    assert ask_both_kinds(port) == {str(before)}
    server.signal("reload")
    server.log.wait_for("Reload complete")
    wait_until(lambda: before not in server.worker_pids(), "the old worker has left")
    (after,) = server.worker_pids()
    assert ask_both_kinds(port) == {str(after)}


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="no IPv6 on this machine")
def test_every_interface_of_ipv6_alone_is_for_ipv4_too(start_server: Starter) -> None:
    port = free_port()
    server = start_server(APP, config=f"bind = '[::]:{port}'\n", listens=False)
    (pid,) = server.worker_pids()
    assert ask_both_kinds(port) == {str(pid)}


# -- reuse_port


@pytest.fixture
def shared(start_server: Starter) -> RunningServer:
    server: RunningServer = start_server(APP, "--reuse-port", workers=2)
    return server


def port_of(server: RunningServer) -> int:
    assert isinstance(server.endpoint, tuple)
    return server.endpoint[1]


def test_each_worker_has_a_socket_of_its_own(shared: RunningServer) -> None:
    assert listening(port_of(shared)) == 2
    assert {int(shared.get("/pid").text) for _ in range(60)} == set(shared.worker_pids())


def test_sockets_stay_while_workers_are_replaced(shared: RunningServer) -> None:
    before = shared.worker_pids()
    os.kill(before[0], signal.SIGKILL)
    shared.wait_for_workers(2, without=before[:1])
    shared.log.wait_for("Worker ready", count=3)
    shared.signal("reload")
    shared.log.wait_for("Reload complete")
    shared.wait_for_workers(2, without=before)
    assert listening(port_of(shared)) == 2
    assert {int(shared.get("/pid").text) for _ in range(60)} == set(shared.worker_pids())


def test_number_of_sockets_follows_the_number_of_workers(shared: RunningServer) -> None:
    shared.signal("more")
    shared.wait_for_workers(3)
    shared.log.wait_for("Worker ready", count=3)
    wait_until(lambda: listening(port_of(shared)) == 3, "three sockets")
    assert {int(shared.get("/pid").text) for _ in range(90)} == set(shared.worker_pids())
    for count in (2, 1):
        shared.signal("fewer")
        shared.wait_for_workers(count)
        wait_until(lambda wanted=count: listening(port_of(shared)) == wanted, "as many sockets")
        assert {int(shared.get("/pid").text) for _ in range(60)} == set(shared.worker_pids())


@pytest.mark.effect("reuse_port")
def test_reload_with_another_number_of_workers_fits_the_sockets(start_server: Starter) -> None:
    server = start_server(APP, "--reuse-port", workers=4, config="")
    assert listening(port_of(server)) == 4
    for count in (3, 2):
        server.signal("fewer")
        server.wait_for_workers(count)
    server.signal("reload")
    server.log.wait_for("Reload complete")
    server.wait_for_workers(2)
    wait_until(lambda: listening(port_of(server)) == 2, "two sockets")
    assert {int(server.get("/pid").text) for _ in range(60)} == set(server.worker_pids())


def test_workers_keep_no_copies_of_sockets_that_are_not_theirs(shared: RunningServer) -> None:
    """A copy would keep a socket listening that nobody accepts from."""
    for pid in shared.worker_pids():
        sockets = [link for link in processes.descriptors(pid) if "socket:[" in link]
        listens = [link for link in sockets if _inode(link) in _listening_inodes(port_of(shared))]
        assert len(listens) == 1


def _inode(link: str) -> str:
    return link.partition("socket:[")[2].rstrip("]")


def _listening_inodes(port: int) -> set[str]:
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return {
        fields[9]
        for fields in map(str.split, lines)
        if fields[1].endswith(f":{port:04X}") and fields[3] == LISTENS
    }
