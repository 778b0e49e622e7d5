"""What others lose when a request ends its worker: what was under way in it, and nothing else."""

from __future__ import annotations

import os
import signal

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.response import Response
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "deadly:app"
KINDS = {"one thread": (), "threads": ("--threads", "2"), "gevent": ("-k", "gevent")}
kinds = pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)
# For the arbiter, by its config file.
A_MOMENT = "import fastfork.arbiter.server_stats as stats; stats.CAREFUL_FOR = 0.5"


def kill_worker(server: RunningServer, way: str) -> None:
    with server.connect() as killer:
        killer.send_request(target=f"/{way}")
        killer.expect_end()
    if way == "crash":
        expect_crash(server)


def expect_crash(server: RunningServer) -> None:
    server.expect_alarm("Fatal Python error: Segmentation fault")
    server.expect_alarm("Worker was killed by SIGSEGV (Segmentation fault)")


def says_close(answer: Response) -> bool:
    return dict(answer.fields).get("Connection") == "close"


def accepted(server: RunningServer, count: int) -> list[RawClient]:
    """Connections of the only worker that have said nothing."""
    (pid,) = server.worker_pids()
    before = processes.sockets(pid)
    clients = [server.connect() for _ in range(count)]
    wait_until(lambda: processes.sockets(pid) == before + count, "all are accepted")
    return clients


@kinds
@pytest.mark.parametrize("way", ["exit", "crash"])
def test_connections_without_a_request_survive_their_worker(
    start_server: Starter, options: tuple[str, ...], way: str
) -> None:
    server = start_server(APP, *options)
    (before,) = server.worker_pids()
    kept, silent = accepted(server, 2)
    assert int(kept.request().body) == before
    kill_worker(server, way)
    for client in (kept, silent):
        assert int(client.request().body) != before


@kinds
def test_connections_survive_a_worker_that_is_aborted(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    server = start_server(APP, *options)
    (before,) = server.worker_pids()
    (kept,) = accepted(server, 1)
    assert int(kept.request().body) == before
    os.kill(before, signal.SIGABRT)
    server.log.wait_for(f"Worker exited with code 1 (aborted) (pid: {before})")
    assert int(kept.request().body) != before


def test_request_that_waits_behind_a_deadly_one_is_served(start_server: Starter) -> None:
    server = start_server(APP)
    (before,) = server.worker_pids()
    killer, behind = accepted(server, 2)
    os.kill(before, signal.SIGSTOP)
    killer.send_request(target="/exit")
    behind.send_request()
    os.kill(before, signal.SIGCONT)
    killer.expect_end()
    assert int(behind.read_response().body) != before


@pytest.mark.parametrize("way", ["exit", "crash"])
def test_answers_made_before_the_deadly_request_arrive(start_server: Starter, way: str) -> None:
    server = start_server(APP)
    (before,) = server.worker_pids()
    first, killer = accepted(server, 2)
    os.kill(before, signal.SIGSTOP)
    first.send_request()
    killer.send_request(target=f"/{way}")
    os.kill(before, signal.SIGCONT)
    if way == "crash":
        expect_crash(server)
    assert int(first.read_response().body) == before
    killer.expect_end()


@kinds
def test_answers_arrive_also_before_sigkill_once_there_was_a_death(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    server = start_server(APP, *options)
    kill_worker(server, "kill")
    server.log.wait_for("Worker ready", count=2)
    (before,) = server.worker_pids()
    first, killer = accepted(server, 2)
    os.kill(before, signal.SIGSTOP)
    first.send_request()
    killer.send_request(target="/kill")
    os.kill(before, signal.SIGCONT)
    answer = first.read_response()
    assert (int(answer.body), says_close(answer)) == (before, True)
    killer.expect_end()


@kinds
def test_connections_are_kept_again_when_requests_have_stopped_killing(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    server = start_server(APP, *options, config=A_MOMENT)
    assert not says_close(server.connect().request())
    kill_worker(server, "kill")
    server.log.wait_for("connections are not kept, until none has for 0.5 s")
    server.log.wait_for("No request has ended its worker for 0.5 s: connections are kept")
    assert not says_close(server.connect().request())


def test_worker_that_dies_between_requests_changes_nothing(start_server: Starter) -> None:
    server = start_server(APP)
    (before,) = server.worker_pids()
    os.kill(before, signal.SIGKILL)
    server.log.wait_for("Worker ready", count=2)
    assert not says_close(server.connect().request())


def test_what_the_application_forks_leaves_nothing_behind(start_server: Starter) -> None:
    server = start_server(APP)
    (before,) = server.worker_pids()
    (kept,) = accepted(server, 1)
    assert kept.request("GET", "/fork").status == 200
    assert int(kept.request().body) == before


def test_connections_without_sharing_survive_too(start_server: Starter) -> None:
    server = start_server(APP, "--no-share-connections", "--threads", "2")
    (before,) = server.worker_pids()
    (kept,) = accepted(server, 1)
    assert int(kept.request().body) == before
    kill_worker(server, "exit")
    assert int(kept.request().body) != before
