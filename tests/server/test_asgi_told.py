"""What is told of ASGI requests: logs, metrics, pages, hooks, and the stacks of those that hang.

Runs in: cli
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from websockets.sync.client import connect

from tests.conftest import Starter
from tests.kit.admin import ADMIN, endpoint, facts
from tests.kit.receivers import Receiver
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

Borrow = Callable[..., RunningServer]
APP = ("asgi_told:app", "-k", "asgi")
FORMAT = '%(r)s %(s)s %(b)s "%({x-foo}i)s" "%({x-bar}o)s" %(h)s'
HOOKS = """
def pre_request(worker, req): req.seen = "once"; print("HOOK pre", req.method, req.path, flush=True)
def post_request(worker, req, environ, resp):
    print("HOOK post", req.seen, environ["PATH_INFO"], resp.status_code, resp.sent, flush=True)
"""


def lines(path: Path, count: int) -> list[str]:
    """So many lines of a log."""
    wait_until(lambda: path.exists() and path.read_text().count("\n") >= count, f"{count} lines")
    return path.read_text().splitlines()


@pytest.fixture
def datagrams() -> Iterator[Receiver]:
    receiver = Receiver(socket.SOCK_DGRAM)
    yield receiver
    receiver.close()


def test_blocked_loop_is_ended_and_tells_where_it_is(start_server: Starter) -> None:
    server = start_server(*APP, "--timeout", "1")
    server.expect_alarm("WORKER TIMEOUT")
    (pid,) = server.worker_pids()
    server.connect().send(b"GET /block HTTP/1.1\r\nHost: a\r\n\r\n")
    line = server.log.wait_for("WORKER TIMEOUT")
    assert "GET /block HTTP/1.1" in line
    server.log.wait_for("in block")
    server.wait_for_workers(1, without=[pid])
    assert server.get("/hello").text == "done"


def test_abort_of_a_blocked_loop_tells_where_it_is(start_server: Starter) -> None:
    server = start_server(*APP)
    (pid,) = server.worker_pids()
    server.expect_alarm("Worker aborted")
    server.connect().send(b"GET /block HTTP/1.1\r\nHost: a\r\n\r\n")
    server.log.wait_for("The application blocks the loop")
    os.kill(pid, signal.SIGABRT)
    line = server.log.wait_for("Worker aborted")
    assert "GET /block HTTP/1.1" in line
    server.log.wait_for("in block")
    server.log.wait_for(f"Worker exited with code 1 (aborted) (pid: {pid})")
    server.wait_for_workers(1, without=[pid])


def test_request_timeout_tells_where_the_task_waits(start_server: Starter) -> None:
    server = start_server(*APP, "--request-timeout", "0.5")
    server.expect_alarm("REQUEST TIMEOUT")
    (pid,) = server.worker_pids()
    client = server.connect()
    client.send(b"GET /wait/here HTTP/1.1\r\nHost: a\r\n\r\n")
    line = server.log.wait_for("REQUEST TIMEOUT")
    assert "GET /wait/here HTTP/1.1; the worker is replaced" in line
    server.log.wait_for("in wait_for_it")
    with server.connect() as other:
        other.send(b"GET /go/here HTTP/1.1\r\nHost: a\r\n\r\n")
        other.read_to_end()
    server.wait_for_workers(1, without=[pid])


def test_web_socket_may_last_longer_than_request_timeout(start_server: Starter) -> None:
    server = start_server(*APP, "--request-timeout", "0.3", "--graceful-timeout", "1")
    server.expect_alarm("REQUEST TIMEOUT")
    with connect(server.url.replace("http", "ws", 1) + "/socket") as socket:
        client = server.connect()
        client.send(b"GET /wait/long HTTP/1.1\r\nHost: a\r\n\r\n")
        line = server.log.wait_for("REQUEST TIMEOUT")  # the younger one's
        assert "GET /wait/long HTTP/1.1" in line
        assert server.log.text().count("REQUEST TIMEOUT") == 1
        client.close()
        socket.close()


def test_requests_in_flight_are_on_the_page_and_in_the_metrics(start_server: Starter) -> None:
    server = start_server(*APP, *ADMIN)
    clients = [server.connect() for _ in range(20)]
    for client in clients:
        client.send(b"GET /wait/seen HTTP/1.1\r\nHost: a\r\n\r\n")
    where = endpoint(server)
    wait_until(lambda: facts(where)["workers"][0]["threads_busy"] == 20, "all are in flight")
    serving = facts(where)["workers"][0]["serving"]
    assert [one["line"] for one in serving] == ["GET /wait/seen HTTP/1.1"] * 20
    assert server.get("/go/seen").text == "done"
    assert {client.read_response().text for client in clients} == {"done"}
    wait_until(lambda: facts(where)["workers"][0]["threads_busy"] == 0, "none is")
    assert facts(where)["workers"][0]["serving"] == []


def test_web_socket_is_on_the_page_while_it_is_open(start_server: Starter) -> None:
    server = start_server(*APP, *ADMIN, "--access-logfile", "-")
    where = endpoint(server)
    with connect(server.url.replace("http", "ws", 1) + "/socket"):
        wait_until(lambda: facts(where)["workers"][0]["serving"], "it is on the page")
        (one,) = facts(where)["workers"][0]["serving"]
        assert one["line"] == "GET /socket HTTP/1.1"
    wait_until(lambda: not facts(where)["workers"][0]["serving"], "it has gone")
    server.log.wait_for('"GET /socket HTTP/1.1" 101')


def test_access_log_has_fields_of_both_sides(start_server: Starter) -> None:
    options = ("--access-logfile", "a.log", "--access-logformat", FORMAT)
    server = start_server(*APP, *options)
    server.expect_alarm("boom on purpose")
    server.get("/hello", [("X-Foo", "from the client")])
    server.get("/log")
    server.get("/boom")
    found = lines(server.files / "a.log", 3)
    bar = "from the application"
    assert found[0] == f'GET /hello HTTP/1.1 200 4 "from the client" "{bar}" 127.0.0.1'
    assert found[1] == f'GET /log HTTP/1.1 200 4 "-" "{bar}" 127.0.0.1'
    assert found[2].startswith("GET /boom HTTP/1.1 500 ")


def test_requests_are_counted_by_statsd(start_server: Starter, datagrams: Receiver) -> None:
    server = start_server(*APP, "--statsd-host", datagrams.place)
    assert server.get("/log").text == "done"
    datagrams.wait_for("gunicorn.requests:1|c")
    datagrams.wait_for("gunicorn.request.status.200:1|c")


def test_json_log_has_the_id_of_the_request_in_tasks_and_threads(start_server: Starter) -> None:
    options = ("--log-format", "json", "--access-logfile", "a.log", "--request-id",
               "--forwarded-allow-ips", "127.0.0.1")  # fmt: skip
    server = start_server(*APP, *options, config="request_id_response = True")
    ids = ["one", "two", "three"]
    clients = [server.connect() for _ in ids]
    for client, ident in zip(clients, ids, strict=True):
        client.send(f"GET /log HTTP/1.1\r\nHost: a\r\nX-Request-Id: {ident}\r\n\r\n".encode())
    assert [client.read_response().get("X-Request-Id") for client in clients] == ids
    told = [json.loads(line) for line in server.log.text().splitlines()]
    for words in ("before", "after", "in a thread"):
        said = [line["request_id"] for line in told if line["message"] == words]
        assert sorted(said) == sorted(ids), words
    logged = [json.loads(line)["request_id"] for line in lines(server.files / "a.log", 3)]
    assert sorted(logged) == sorted(ids)
    made = server.get("/hello").get("X-Request-Id")
    assert re.fullmatch(r"[0-9a-f]{32}", made or "")


def test_error_of_the_application_is_logged_with_the_id(start_server: Starter) -> None:
    server = start_server(*APP, "--request-id", "--forwarded-allow-ips", "127.0.0.1")
    server.expect_alarm("boom on purpose")
    assert server.get("/boom", [("X-Request-Id", "abc-2")]).status == 500
    server.log.wait_for("[ERROR] [abc-2] Error handling request GET /boom")


def test_application_that_cancels_itself_is_logged_as_any_error(start_server: Starter) -> None:
    server = start_server(*APP)
    server.expect_alarm("CancelledError")
    assert server.get("/cancels").status == 500
    server.log.wait_for("Error handling request GET /cancels")
    assert server.get("/hello").text == "done"


def test_hooks_are_called_around_each_request(start_server: Starter) -> None:
    server = start_server(*APP, config=HOOKS)
    assert server.get("/log").text == "done"
    server.log.wait_for("HOOK pre GET /log")
    server.log.wait_for("HOOK post once /log 200 4")


def test_descriptors_that_are_closed_while_they_are_watched_hurt_nobody(
    start_server: Starter,
) -> None:
    server = start_server(*APP)
    assert server.get("/watches").text == "byte"
    for _ in range(3):
        assert server.get("/closes").text == "8"
        # Their numbers are those of connections now.
        clients = [server.connect(timeout=3) for _ in range(20)]
        for client in clients:
            assert client.request("GET", "/hello").text == "done"
        for client in clients:
            client.close()
    assert server.get("/watches").text == "byte"
