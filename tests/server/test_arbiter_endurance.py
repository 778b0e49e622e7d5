"""Hard days: storms of signals, hundreds of reloads, processes that are stopped, killed, orphaned.

Runs in: cli
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import ROOT, Starter
from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.programs import compiler
from tests.kit.server import RunningServer
from tests.kit.uptime import age
from tests.kit.waiting import wait_until

APP = "supervised:app"
# A day of reloads with make chaos; each is two forks and two imports.
RELOADS = 200 if "FASTFORK_CHAOS" in os.environ else 10
DAY = 86400


def zombies(server: RunningServer) -> list[int]:
    """Children of the arbiter that have ended and were not reaped."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[0] == "Z" and int(fields[1]) == server.pid:
            found.append(int(status.parent.name))
    return found


@pytest.mark.slow
@pytest.mark.timeout(60 + 3 * RELOADS)
@pytest.mark.parametrize("options", [[], ["--preload"], ["--reuse-port"]], ids=str)
def test_reloads_leave_neither_descriptors_nor_processes(
    start_server: Starter, options: list[str]
) -> None:
    server = start_server(APP, *options, workers=2)
    session, opened = processes.in_session(server.pid), processes.descriptors(server.pid)
    for count in range(1, RELOADS + 1):
        server.signal("reload")
        server.log.wait_for("Reload complete", count=count, timeout=30)
    wait_until(lambda: len(processes.in_session(server.pid)) == len(session), "as many processes")
    wait_until(lambda: len(processes.descriptors(server.pid)) == len(opened), "as many descriptors")
    assert server.get("/pid").status == 200
    wait_until(lambda: not zombies(server), "all are reaped")


def test_storm_of_reloads_ends_in_one_complete_reload(start_server: Starter) -> None:
    server = start_server(APP, workers=2)
    before = server.worker_pids()
    for _ in range(50):
        server.signal("reload")
        server.get("/pid")
    server.log.wait_for("Reload complete")
    server.wait_for_workers(2, without=before)
    assert server.get("/pid").status == 200
    wait_until(lambda: not zombies(server), "all are reaped")


def test_stop_in_a_storm_of_reloads_is_a_stop(start_server: Starter) -> None:
    server = start_server(APP, workers=2)
    for _ in range(20):
        server.signal("reload")
    server.log.wait_for("Reloading; ")
    server.signal("stop")
    for name in ("reload", "more", "fewer", "WINCH", "reopen"):
        server.signal(name)
    assert server.wait_exit() == 0


def test_workers_that_die_by_the_dozen_leave_no_zombie(start_server: Starter) -> None:
    server = start_server(APP, workers=4)
    for _ in range(3):
        for pid in server.worker_pids():
            os.kill(pid, signal.SIGKILL)
        server.wait_for_workers(4)
        wait_until(lambda: not zombies(server), "all are reaped")


def test_stopped_worker_gets_no_new_connection(start_server: Starter) -> None:
    """SIGSTOP for 5 s: who was let in by it waits, everybody else is served by the others."""
    server = start_server(APP, "--timeout", "60", workers=2)
    stopped, other = server.worker_pids()
    os.kill(stopped, signal.SIGSTOP)
    began = time.monotonic()
    try:
        while time.monotonic() - began < 5:
            asked = time.monotonic()
            assert server.get("/pid").text == str(other)
            assert time.monotonic() - asked < 2  # a tick, on a busy machine
    finally:
        os.kill(stopped, signal.SIGCONT)
    # Which of two idle workers is woken is the kernel's choice, and may be the same each time.
    os.kill(other, signal.SIGSTOP)
    try:
        assert server.get("/pid").text == str(stopped)
    finally:
        os.kill(other, signal.SIGCONT)
    assert server.worker_pids() == [stopped, other]


def test_worker_that_dies_after_its_wake_up_delays_nobody_for_more_than_a_tick(
    start_server: Starter,
) -> None:
    """The kernel has told one worker of a connection, and tells no other (EPOLLEXCLUSIVE).

    Which one it tells cannot be seen: each is stopped in turn, so that it cannot accept, and
    then killed.
    """
    server = start_server(APP, "--timeout", "60", workers=3)
    for _ in range(6):
        victim = server.worker_pids()[0]
        os.kill(victim, signal.SIGSTOP)
        clients = [server.connect() for _ in range(3)]
        for client in clients:
            client.send_request(target="/pid")
        os.kill(victim, signal.SIGKILL)
        asked = time.monotonic()
        for client in clients:
            assert client.read_response().text != str(victim)
            client.close()
        assert time.monotonic() - asked < 1 + 1.5  # a tick, and what a busy machine takes
        server.wait_for_workers(3, without=[victim])


def test_killed_arbiter_leaves_an_address_that_can_be_bound_at_once(start_server: Starter) -> None:
    first = start_server(APP, workers=2)
    assert isinstance(first.endpoint, tuple)
    bind = f"{first.endpoint[0]}:{first.endpoint[1]}"
    client = first.connect()
    assert client.request("GET", "/pid").status == 200
    client.close()
    first.signal("KILL")
    first.wait_exit()
    wait_until(lambda: not processes.in_session(first.pid), "idle workers exit", 1.0)
    second = start_server(APP, "--bind", bind)
    assert not second.log.lines("trying again")
    assert second.get("/pid").status == 200
    first.endpoint = ("127.0.0.1", 0)  # it is the other's now


def test_busy_worker_of_a_killed_arbiter_exits_after_its_request(
    start_server: Starter, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    go.write_text("wait")
    server = start_server(APP, workers=2, env={"SUPERVISED_FILE": str(go)})
    client = server.connect()
    client.send_request(target="/wait")
    server.log.wait_for("The application gets /wait")
    server.signal("KILL")
    server.wait_exit()
    wait_until(lambda: len(processes.in_session(server.pid)) == 1, "the idle one exits", 1.5)
    go.write_text("go")
    answer = client.read_response()
    assert (answer.text, answer.closes) == ("ok", True)
    client.close()
    wait_until(lambda: not processes.in_session(server.pid), "the busy one exits", 3)


@pytest.fixture
def wall_clock(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """The file that steps the wall clock, and the environment in which it does."""
    library, step = tmp_path / "wall_clock.so", tmp_path / "step"
    source = ROOT / "tests" / "c" / "wall_clock.c"
    subprocess.run(
        [*compiler(), "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"], check=True
    )
    step.write_text("0")
    return step, {"LD_PRELOAD": str(library), "WALL_CLOCK_STEP": str(step)}


@pytest.mark.parametrize("seconds", [DAY, -DAY])
def test_step_of_the_clock_by_a_day_ends_no_worker(
    start_server: Starter, wall_clock: tuple[Path, dict[str, str]], seconds: int
) -> None:
    step, env = wall_clock
    server = start_server(APP, "--timeout", "2", "--keep-alive", "30", workers=2, env=env)
    before = server.worker_pids()
    with RawClient(server.endpoint) as client:
        today = client.request("GET", "/pid").get("Date")
        step.write_text(str(seconds))
        wait_until(
            partial(_another_day, client, today), "the server sees the clock that has stepped"
        )
        stepped = age(server.pid)
        wait_until(lambda: age(server.pid) > stepped + 4, "twice the timeout has passed")
        assert client.request("GET", "/pid").status == 200
    assert server.worker_pids() == before
    assert "TIMEOUT" not in server.log.text()


def _another_day(client: RawClient, today: str | None) -> bool:
    date = client.request("GET", "/pid").get("Date")
    assert date
    assert today
    return date.split()[1] != today.split()[1]
