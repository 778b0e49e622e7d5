"""Two servers behind HAProxy and nginx, configured as the guide says, stopped and started again
in turn: no client notices, and none has to ask again.

Half of the requests are POSTs, which no proxy repeats once it has sent them.

Runs in: cli
"""

from __future__ import annotations

import csv
import os
import re
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit import admin
from tests.kit.proxies import Proxy, blocks, replaced
from tests.kit.server import RunningServer
from tests.kit.traffic import POSTS, Report, Traffic
from tests.kit.waiting import wait_until

PAGE = "several-machines.md"
MACHINES = ("10.0.0.11", "10.0.0.12")  # on the page
STATS = "/run/haproxy/admin.sock"  # there too
# Restarts, in turn; make chaos asks for more.
TIMES = int(os.environ.get("FASTFORK_RESTARTS", "4"))
PATIENCE = 60.0  # seconds, on a machine that is busy with the traffic

pytestmark = [pytest.mark.timeout(120 + 6 * TIMES), pytest.mark.slow]


@contextmanager
def held_port() -> Iterator[int]:
    """A port that the kernel gives to nobody else while no server has it.

    A socket that does not listen is in nobody's way (socket(7), SO_REUSEADDR).
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


class Machine:
    """A server of the guide's configuration, which comes back at the same addresses.

    changes: text of the guide -> the same here.
    """

    def __init__(self, start_server: Starter, page_address: str, held: ExitStack) -> None:
        self._start = start_server
        self._page_address = page_address
        self.changes = {
            f"{page_address}:{port}": f"127.0.0.1:{held.enter_context(held_port())}"
            for port in (8000, 9000)
        }
        self.server = self._serve()

    def _serve(self) -> RunningServer:
        text = blocks(PAGE, "python")[0].replace(MACHINES[0], self._page_address)
        config = replaced(text, self.changes)
        return self._start("serial:app", config=config, workers=2, listens=False, bare=True)

    def restart(self) -> None:
        """Stop the server, start another one, and wait until the balancer has found it."""
        self.server.signal("stop")
        assert self.server.wait_exit(PATIENCE) == 0
        self.server = self._serve()
        where = admin.endpoint(self.server)
        wait_until(
            lambda: sum(worker["requests"] for worker in admin.facts(where)["workers"]),
            "requests come to the new server",
            PATIENCE,
        )


@pytest.fixture
def machines(start_server: Starter) -> Iterator[tuple[Machine, Machine]]:
    with ExitStack() as held:
        one, two = (Machine(start_server, address, held) for address in MACHINES)
        yield one, two


def haproxy(machines: tuple[Machine, Machine], files: Path) -> tuple[Proxy, Path]:
    """In front of both; and the socket of its statistics."""
    changes = {STATS: str(files / "stats")}
    for machine in machines:
        here, there = (place.rsplit(":", 1)[1] for place in machine.changes.values())
        said = next(iter(machine.changes))
        changes[f"{said} check port 9000"] = f"127.0.0.1:{here} check port {there}"
    return Proxy("haproxy", files, replaced(blocks(PAGE, "haproxy")[0], changes)), files / "stats"


def nginx(machines: tuple[Machine, Machine], files: Path) -> Proxy:
    """In front of both."""
    changes = {said: here for one in machines for said, here in list(one.changes.items())[:1]}
    return Proxy("nginx", files, replaced(blocks(PAGE, "nginx")[0], changes))


def restart_in_turn(proxy: Proxy, machines: tuple[Machine, Machine]) -> Report:
    """TIMES restarts, with requests before and after each."""
    with Traffic(lambda: proxy.front, kinds=POSTS) as traffic:
        for number in range(TIMES):
            machines[number % 2].restart()
            goal = traffic.answered() + 24
            wait_until(lambda: traffic.answered() >= goal, "more answers", PATIENCE)  # noqa: B023
    return traffic.report


def assert_nobody_noticed(report: Report) -> None:
    print(f"{report.answered} requests answered, {len(report.lost)} lost")
    assert report.answered > 24 * TIMES
    assert not report.lost, report.lost[:20]
    assert not report.resets, report.resets[:20]
    assert not report.refused, report.refused[:20]


def statistics(place: Path) -> Iterator[dict[str, str]]:
    """HAProxy's counts, a dict for each server, backend and frontend."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(PATIENCE)
        client.connect(str(place))
        client.sendall(b"show stat\n")
        with client.makefile() as answer:
            yield from csv.DictReader(answer.read().strip().removeprefix("# ").splitlines())


def test_servers_behind_haproxy_restart_and_nobody_notices(
    machines: tuple[Machine, Machine], server_files: Path
) -> None:
    proxy, stats = haproxy(machines, server_files)
    try:
        assert_nobody_noticed(restart_in_turn(proxy, machines))
        rows = {row["svname"]: row for row in statistics(stats)}
        assert int(rows["one"]["chkdown"]) >= TIMES // 2
        for count in ("wretr", "wredis", "econ", "eresp"):
            found = {name: int(row[count] or 0) for name, row in rows.items()}
            assert not any(found.values()), (count, found)
        assert rows["BACKEND"]["hrsp_5xx"] == "0"
    finally:
        complaints = proxy.stop()
    assert not complaints


def test_servers_behind_nginx_restart_and_nobody_notices(
    machines: tuple[Machine, Machine], server_files: Path
) -> None:
    proxy = nginx(machines, server_files)
    try:
        assert_nobody_noticed(restart_in_turn(proxy, machines))
    finally:
        complaints = proxy.stop()
    errors = re.findall(r"^.*\[(?:error|crit|alert|emerg)\].*$", complaints, re.M)
    sent = [line for line in errors if "while connecting to upstream" not in line]
    print(f"{len(errors)} connections refused")
    assert errors
    assert not sent, sent[:20]
