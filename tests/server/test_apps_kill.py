"""kill -9 of a worker and of the arbiter: what lives goes on, and nothing is left behind.

Runs in: cli
"""

from __future__ import annotations

import os
import signal
import socket

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.load import hammer
from tests.kit.waiting import wait_until


def test_killed_worker_is_replaced_and_requests_go_on(start_server: Starter) -> None:
    server = start_server("echo_query:app", workers=2)
    victim, other = server.worker_pids()
    os.kill(victim, signal.SIGKILL)
    assert other in server.wait_for_workers(2, without=[victim])
    server.log.wait_for("Worker ready", count=3)
    assert hammer(server.endpoint, connections=8, requests=200) == 200
    server.log.wait_for("SIGKILL")


def test_every_worker_killed_at_once_is_replaced(start_server: Starter) -> None:
    server = start_server("echo_query:app", workers=3)
    victims = server.worker_pids()
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    server.wait_for_workers(3, without=victims)
    server.log.wait_for("Worker ready", count=6)
    assert hammer(server.endpoint, connections=8, requests=200) == 200


def test_killed_arbiter_takes_its_workers_along_and_frees_the_port(start_server: Starter) -> None:
    server = start_server("echo_query:app", workers=2)
    assert server.get("/?a=1").text == "a=1"
    server.signal("KILL")
    assert server.wait_exit() == -signal.SIGKILL
    wait_until(lambda: not processes.in_session(server.pid), "workers gone")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(server.endpoint)
        probe.listen()


def test_new_server_starts_on_the_port_of_a_killed_one(start_server: Starter) -> None:
    first = start_server("echo_query:app", workers=2)
    first.signal("KILL")
    first.wait_exit()
    wait_until(lambda: not processes.in_session(first.pid), "workers gone")
    second = start_server("echo_query:app", "--bind", "{}:{}".format(*first.endpoint))
    assert second.get("/?b=2").text == "b=2"
