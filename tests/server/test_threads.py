"""Workers of several threads: who serves what, and what happens when no thread is free."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.holding import Holder, facts_of, where
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

START = Callable[..., RunningServer]


def local_port(client: RawClient) -> str:
    return str(client.sock.getsockname()[1])


def test_one_thread_is_the_main_one_and_several_are_not(
    start_server: START, tmp_path: Path
) -> None:
    alone = Holder(start_server, tmp_path, "--threads", "1")
    many = Holder(start_server, tmp_path, "--threads", "3", "--worker-class", "gthread")
    assert where(alone.server.connect()) | {"pid": 0, "peer": 0, "server": 0} == {
        "thread": "MainThread", "multithread": False, "pid": 0, "peer": 0, "server": 0,
    }  # fmt: skip
    found = where(many.server.connect())
    assert found["multithread"] is True
    assert found["thread"].startswith("app-")


def test_requests_that_take_long_delay_no_quick_one(start_server: START, tmp_path: Path) -> None:
    holder = Holder(start_server, tmp_path, "--threads", "4")
    held = holder.fill(3)
    quick = holder.server.connect()
    threads = {where(quick)["thread"] for _ in range(20)}
    assert {one.release()["thread"] for one in held}.isdisjoint(threads)


def test_as_many_as_there_are_threads_are_in_the_application(
    start_server: START, tmp_path: Path
) -> None:
    holder = Holder(start_server, tmp_path, "--threads", "4")
    held = holder.fill(4)
    fifth = holder.send(holder.server.connect())
    names = {one.release()["thread"] for one in held[:3]}
    wait_until(lambda: fifth.is_there, "a thread that is free again takes the fifth")
    names |= {held[3].release()["thread"], fifth.release()["thread"]}
    assert names == {f"app-{number}" for number in range(1, 5)}


def test_pipelined_requests_behind_a_slow_one_keep_their_order(
    start_server: START, tmp_path: Path
) -> None:
    holder = Holder(start_server, tmp_path, "--threads", "2")
    client = holder.server.connect()
    slow = holder.hold(client)
    for _ in range(20):
        client.send_request("GET", "/where")
    where(holder.server.connect())  # a new leader has seen the rest of them
    slow.release()
    assert len({facts_of(client)["pid"] for _ in range(20)}) == 1


def test_client_that_leaves_a_busy_thread_costs_nothing(
    start_server: START, tmp_path: Path
) -> None:
    holder = Holder(start_server, tmp_path, "--threads", "2")
    [pid] = holder.server.worker_pids()
    held = holder.hold()
    held.client.reset()
    quick = holder.server.connect()
    used = processes.cpu_seconds(pid)
    for _ in range(50):
        where(quick)  # a poller that reports the end again and again would show here
    assert processes.cpu_seconds(pid) - used < 1.0
    held.let_go()
    held = holder.hold()
    assert held.release()["pid"] == pid


def test_response_stays_on_its_thread(start_server: START, tmp_path: Path) -> None:
    """Applications keep cursors and connections by thread."""
    holder = Holder(start_server, tmp_path, "--threads", "3")
    slow = holder.server.connect()
    slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    slow.send_request("GET", "/threads")
    others = [holder.server.connect() for _ in range(3)]
    for _ in range(20):
        held = [holder.hold(other) for other in others[:2]]
        for one in held:
            one.release()
    names = set(slow.read_response().body.split())
    assert len(names) == 1


def test_stop_waits_for_what_the_threads_are_at(start_server: START, tmp_path: Path) -> None:
    holder = Holder(start_server, tmp_path, "--threads", "3")
    held = holder.fill(3)
    holder.server.signal("stop")
    holder.server.log.wait_for("Stopping")
    answers = [one.release() for one in held]
    assert len({answer["thread"] for answer in answers}) == 3
    assert holder.server.wait_exit() == 0


def test_request_that_does_not_end_is_given_up_after_the_graceful_time(
    start_server: START, tmp_path: Path
) -> None:
    holder = Holder(start_server, tmp_path, "--threads", "2", "--graceful-timeout", "0.5")
    held = holder.hold()
    holder.server.signal("stop")
    assert holder.server.wait_exit() == 0
    held.let_go()
    held.client.expect_end()


@pytest.mark.parametrize("options", [("--threads", "3"), ("-k", "gevent")], ids=" ".join)
def test_abort_names_every_request(
    start_server: START, tmp_path: Path, options: tuple[str, ...]
) -> None:
    holder = Holder(start_server, tmp_path, *options)
    [pid] = holder.server.worker_pids()
    held = holder.fill(2)
    holder.server.expect_alarm("Worker aborted")
    holder.server.expect_alarm("Worker exited with code 1")
    os.kill(pid, signal.SIGABRT)
    line = holder.server.log.wait_for("Worker aborted")
    assert line.endswith("while serving: GET /hold/1 HTTP/1.1, GET /hold/2 HTTP/1.1")
    holder.server.wait_for_workers(1, without=[pid])
    for one in held:
        one.let_go()


def test_request_timeout_replaces_the_worker_and_lets_others_finish(
    start_server: START, tmp_path: Path
) -> None:
    options = ("--threads", "3", "--request-timeout", "0.3", "--graceful-timeout", "20")
    holder = Holder(start_server, tmp_path, *options)
    [pid] = holder.server.worker_pids()
    holder.server.expect_alarm("REQUEST TIMEOUT")
    stuck = holder.hold()
    text = holder.server.log.wait_for("REQUEST TIMEOUT")
    assert "GET /hold/1 HTTP/1.1" in text
    holder.server.log.wait_for("in hold")  # its stack
    holder.server.log.wait_for("Worker ready", count=2)
    wait_until(
        lambda: where(holder.server.connect())["pid"] != pid, "another worker takes who comes"
    )
    assert stuck.release()["pid"] == pid
    holder.server.wait_for_workers(1, without=[pid])


def test_request_timeout_ends_a_worker_of_one_thread(start_server: START, tmp_path: Path) -> None:
    holder = Holder(start_server, tmp_path, "--request-timeout", "0.5", "--timeout", "60")
    [pid] = holder.server.worker_pids()
    for text in ("WORKER TIMEOUT", "Worker aborted", "code 1"):
        holder.server.expect_alarm(text)
    held = holder.hold()
    assert "GET /hold/1 HTTP/1.1" in holder.server.log.wait_for("WORKER TIMEOUT")
    holder.server.wait_for_workers(1, without=[pid])
    held.client.expect_end()


@pytest.mark.parametrize("threads", [1, 2])
def test_request_that_waits_too_long_for_a_thread_gets_a_503(
    start_server: START, tmp_path: Path, threads: int
) -> None:
    options = ("--threads", str(threads), "--queue-timeout", "0.2")
    holder = Holder(start_server, tmp_path, *options)
    waiting = holder.server.connect()
    where(waiting)
    held = holder.fill(threads)
    waiting.send_request("POST", "/where", body=b"x" * 100)
    answer = waiting.read_response()
    assert (answer.status, dict(answer.fields)["Retry-After"]) == (503, "1")
    waiting.expect_end()
    for one in held:
        one.release()
    assert where(holder.server.connect())["pid"]


def test_without_queue_timeout_requests_wait(start_server: START, tmp_path: Path) -> None:
    holder = Holder(start_server, tmp_path, "--threads", "2")
    waiting = [holder.server.connect() for _ in range(10)]
    for client in waiting:
        where(client)
    held = holder.fill(2)
    for client in waiting:
        client.send_request("GET", "/where")
    waiting[0].expect_silence(0.1)
    held[0].release()
    assert len({facts_of(client)["thread"] for client in waiting}) == 1
    held[1].release()


def test_client_that_leaves_the_line_is_let_go(start_server: START, tmp_path: Path) -> None:
    holder = Holder(start_server, tmp_path, "--threads", "2")
    [pid] = holder.server.worker_pids()
    waiting = holder.server.connect()
    where(waiting)
    held = holder.fill(2)
    before = len(processes.descriptors(pid))
    waiting.send_request("GET", "/where")
    waiting.reset()
    wait_until(lambda: len(processes.descriptors(pid)) < before, "its descriptor is closed")
    for one in held:
        one.release()


def test_what_is_being_sent_goes_on_while_every_thread_is_busy(
    start_server: START, tmp_path: Path
) -> None:
    holder = Holder(start_server, tmp_path, "--threads", "2")
    files = holder.server.connect()
    files.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    files.send_request("GET", "/large")  # more than the socket takes
    held = holder.fill(2)
    assert len(files.read_response().body) == 64 << 20
    for one in held:
        one.release()


# Connections move to workers that wait.


def two_workers(start: START, folder: Path, *options: str, **more: object) -> Holder:
    return Holder(start, folder, *options, workers=2, **more)


def on_a_busy_worker(holder: Holder, threads: int = 1) -> tuple[RawClient, int, list[object]]:
    """A kept-alive connection whose worker has all threads in the application; its pid."""
    client = holder.server.connect()
    pid = where(client)["pid"]
    held = [holder.hold(holder.on_worker(pid)) for _ in range(threads)]
    return client, pid, list(held)


@pytest.mark.parametrize("threads", [1, 2])
def test_request_on_a_busy_worker_is_answered_by_another(
    start_server: START, tmp_path: Path, threads: int
) -> None:
    holder = two_workers(start_server, tmp_path, "--threads", str(threads))
    client, pid, held = on_a_busy_worker(holder, threads)
    known = where_before = None
    for _ in range(3):
        known = where(client)
        assert known["pid"] != pid
        assert known["peer"] == ["127.0.0.1", local_port(client)]
        assert known["server"][1] == str(holder.server.endpoint[1])
        where_before = where_before or known["pid"]
        assert known["pid"] == where_before  # it stays where it went
    for one in held:
        one.release()  # type: ignore[attr-defined]


def test_connection_of_a_unix_socket_moves_too(start_server: START, tmp_path: Path) -> None:
    holder = two_workers(start_server, tmp_path, "--bind", "unix:web.sock")
    holder.server.endpoint = str(holder.server.files / "web.sock")
    client, pid, held = on_a_busy_worker(holder)
    assert where(client)["pid"] != pid
    for one in held:
        one.release()  # type: ignore[attr-defined]


def test_connections_stay_when_they_are_not_shared(start_server: START, tmp_path: Path) -> None:
    holder = two_workers(start_server, tmp_path, "--no-share-connections")
    client, pid, held = on_a_busy_worker(holder)
    client.send_request("GET", "/where")
    client.expect_silence(0.1)
    held[0].release()  # type: ignore[attr-defined]
    assert facts_of(client)["pid"] == pid


def test_request_of_which_a_part_has_been_read_stays(start_server: START, tmp_path: Path) -> None:
    holder = two_workers(start_server, tmp_path)
    client = holder.server.connect()
    pid = where(client)["pid"]
    client.send(b"GET /where HTTP/1.1\r\n")
    held = holder.hold(holder.on_worker(pid))
    client.send(b"Host: test\r\n\r\n")
    client.expect_silence(0.1)
    held.release()
    assert facts_of(client)["pid"] == pid


def test_request_in_the_pool_outlives_the_worker_that_put_it_there(
    start_server: START, tmp_path: Path
) -> None:
    holder = two_workers(start_server, tmp_path)
    client, pid, _held = on_a_busy_worker(holder)
    [other] = [one for one in holder.server.worker_pids() if one != pid]
    elsewhere = holder.hold(holder.on_worker(other))
    before = len(processes.descriptors(pid))
    client.send_request("GET", "/where")
    wait_until(lambda: len(processes.descriptors(pid)) < before, "it is in the pool")
    holder.server.expect_alarm("SIGKILL")
    os.kill(pid, signal.SIGKILL)
    holder.server.log.wait_for("Worker ready", count=3)
    assert facts_of(client)["pid"] != pid
    elsewhere.release()


def test_flood_of_the_pool_loses_nothing(start_server: START, tmp_path: Path) -> None:
    """More connections than fit into the pool wait where they are."""
    holder = two_workers(start_server, tmp_path, "--backlog", "512")
    clients = [holder.server.connect() for _ in range(400)]
    for client in clients:
        where(client)
    pids = holder.server.worker_pids()
    held = [holder.hold(holder.on_worker(pid)) for pid in pids]
    for client in clients:
        client.send_request("GET", "/where")
    for one in held:
        one.release()
    assert all(facts_of(client)["pid"] in pids for client in clients)
