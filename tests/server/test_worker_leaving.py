"""A worker that leaves loses no request: stop, and replacement after max_requests.

Runs in: cli
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.client import Endpoint, RawClient
from tests.kit.server import RunningServer

APP = "worker_plain:app"
LARGE = b"0123456789abcdef" * (1 << 20)


@pytest.fixture
def go(tmp_path: Path) -> Path:
    """The file that the application waits for."""
    path = tmp_path / "go"
    path.write_text("wait")
    return path


def begin_to_wait(
    start_server: Starter, go: Path, *options: str
) -> tuple[RunningServer, RawClient]:
    """A server whose only worker is in the middle of a request."""
    server = start_server("supervised:app", *options, env={"SUPERVISED_FILE": str(go)})
    client = server.connect()
    client.send_request("GET", "/wait")
    server.log.wait_for("The application gets /wait")
    return server, client


def test_stop_finishes_the_request_that_runs(start_server: Starter, go: Path) -> None:
    server, client = begin_to_wait(start_server, go)
    server.signal("stop")
    server.log.wait_for("Stopping; running requests have")
    go.write_text("go")
    answer = client.read_response()
    assert (answer.text, answer.closes) == ("ok", True)
    client.expect_end()
    client.close()
    assert server.wait_exit() == 0


def test_stop_serves_who_waited_in_the_queue(start_server: Starter, go: Path) -> None:
    """Their connection was accepted by the kernel before the stop."""
    server, client = begin_to_wait(start_server, go)
    queued = [server.connect() for _ in range(10)]
    for one in queued:
        one.send_request("GET", "/random")
    server.signal("stop")
    server.log.wait_for("Stopping; running requests have")
    go.write_text("go")
    assert client.read_response().text == "ok"
    for one in queued:
        assert one.read_response().status == 200
        one.close()
    client.close()
    assert server.wait_exit() == 0


def test_stop_answers_a_last_request_on_a_kept_connection(start_server: Starter) -> None:
    server = start_server(APP, "--keep-alive", "30")
    client, idle = server.connect(), server.connect()
    for one in (client, idle):
        assert not one.request("GET", "/hello?x").closes
    server.signal("stop")
    server.log.wait_for("Stopping; running requests have")
    answer = client.request("GET", "/hello?last")
    assert answer.text == "last"
    client.close()
    idle.expect_end()
    assert server.wait_exit() == 0


def test_stop_lets_a_slow_reader_have_its_answer(start_server: Starter) -> None:
    server = start_server(APP)
    clients = [server.connect() for _ in range(3)]
    for client, target in zip(clients, ("/large", "/stream/256", "/file/16384"), strict=True):
        client.send_request("GET", target)
        assert client.sock.recv(17) == b"HTTP/1.1 200 OK\r\n"
    server.signal("stop")
    server.log.wait_for("Stopping; running requests have")
    for client in clients:
        client._reader.buffer = b"HTTP/1.1 200 OK\r\n"
        assert client.read_response().body == LARGE
        client.close()
    assert server.wait_exit() == 0


def ask_until_replaced(endpoint: Endpoint, processes: int) -> set[str]:
    """Send requests until so many processes have answered, on one connection as long as it is
    not told to close.  Their pids.

    Nothing is sent twice: each of the requests must be answered.
    """
    pids: set[str] = set()
    client = RawClient(endpoint)
    for number in range(50_000):
        if len(pids) >= processes:
            break
        answer = client.request("GET", "/pid")
        assert answer.status == 200, number
        pids.add(answer.text)
        if answer.closes:
            client.expect_end()
            client.close()
            client = RawClient(endpoint)
    client.close()
    return pids


@pytest.mark.effect("max_requests")
def test_worker_is_replaced_after_max_requests_and_no_request_is_lost(
    start_server: Starter,
) -> None:
    server = start_server(APP, "--max-requests", "20", "--keep-alive", "30")
    assert len(ask_until_replaced(server.endpoint, 4)) == 4
    server.wait_for_workers(1)


def test_many_clients_lose_no_request_while_workers_are_replaced(start_server: Starter) -> None:
    server = start_server(
        APP, "--max-requests", "50", "--max-requests-jitter", "20", "--keep-alive", "30", workers=2
    )
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ask_until_replaced(server.endpoint, 3), range(8)))
    assert len(set().union(*found)) >= 4
    server.wait_for_workers(2)


def test_pipelined_requests_beyond_max_requests_are_answered(start_server: Starter) -> None:
    server = start_server(APP, "--max-requests", "5")
    client = server.connect()
    client.send(b"GET /pid HTTP/1.1\r\nHost: h\r\n\r\n" * 12)
    answers = [client.read_response() for _ in range(12)]
    assert len({answer.text for answer in answers}) == 1
    client.close()
    assert server.get("/pid").status == 200
