"""The gevent worker: hooks, logs, metrics and other things around its requests."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from tests.kit.admin import ADMIN, endpoint, facts, samples
from tests.kit.receivers import Receiver
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

START = Callable[..., RunningServer]
APP = "greenlets:app"

HOOKS = """
import time

def pre_request(worker, req):
    time.sleep(0.001)
    worker.log.info("before %s", req.path)

def post_request(worker, req, environ, resp):
    time.sleep(0.001)
    worker.log.info("after %s", req.path)

def worker_int(worker):
    time.sleep(0.001)
    worker.log.info("told to quit")
"""

# What writes the lines waits as a socket would.
WAITING_LOG = """
import logging, sys, time

class Waiting(logging.Handler):
    def emit(self, record):
        time.sleep(0.001)
        sys.stderr.write(f"waited for {record.getMessage()}\\n")
        sys.stderr.flush()

logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"waiting": {"()": Waiting}},
    "root": {"level": "INFO", "handlers": ["waiting"]},
    "loggers": {
        "gunicorn.error": {"handlers": ["waiting"], "level": "INFO", "propagate": False},
        "gunicorn.access": {"handlers": ["waiting"], "level": "INFO", "propagate": False},
    },
}
"""


def start(start_server: START, *options: str, **more: str) -> RunningServer:
    return start_server(APP, "-k", "gevent", "--keep-alive", "60", *options, **more)


@pytest.fixture
def datagrams() -> Iterator[Receiver]:
    receiver = Receiver(socket.SOCK_DGRAM)
    yield receiver
    receiver.close()


def test_hooks_may_wait(start_server: START) -> None:
    server = start(start_server, config=HOOKS)
    client = server.connect()
    for _ in range(3):
        assert client.request("GET", "/closed").body == b"0"
    server.log.wait_for("after /closed", count=3)
    assert len(server.log.lines("before /closed")) == 3
    server.signal("quit")
    assert server.wait_exit() == 0
    server.log.wait_for("told to quit")


def test_lines_of_refusals_and_answers_may_wait(start_server: START) -> None:
    server = start(start_server, "--access-logfile", "-", config=WAITING_LOG)
    refused = server.connect()
    refused.send(b"GET / HTTP/1.1\r\n\r\n")
    assert refused.read_response().status == 400
    server.log.wait_for("waited for Invalid request from ip=127.0.0.1")
    client = server.connect()
    assert client.request("GET", "/closed").body == b"0"
    server.log.wait_for('"GET /closed HTTP/1.1" 200')
    assert client.request("GET", "/raise").status == 500
    server.log.wait_for("waited for Error handling request GET /raise")


def test_access_log_and_statsd_have_requests_that_waited(
    start_server: START, datagrams: Receiver
) -> None:
    server = start(start_server, "--access-logfile", "access.log", "--statsd-host", datagrams.place)
    body = server.connect()
    body.send_request("POST", "/echo", [("Content-Length", "3")])
    body.send(b"abc")
    assert body.read_response().body == b"abc"
    log = server.files / "access.log"
    wait_until(lambda: '"POST /echo HTTP/1.1" 200 3' in log.read_text(), "its line")
    datagrams.wait_for("gunicorn.requests:1|c")


def test_every_waiting_request_is_counted_and_256_are_named(start_server: START) -> None:
    server = start(start_server, "--worker-connections", "400", *ADMIN)
    clients = [server.connect() for _ in range(300)]
    for client in clients:
        client.send_request("GET", "/wait/seen")
    where = endpoint(server)

    def all_of_them() -> bool:
        [worker] = facts(where)["workers"]
        return bool(worker["threads_busy"] == 300)

    wait_until(all_of_them, "all are in the application")
    [worker] = facts(where)["workers"]
    assert worker["threads"] == 400
    assert [one["line"] for one in worker["serving"]] == ["GET /wait/seen HTTP/1.1"] * 255
    assert server.get("/go/seen").status == 200
    assert {client.read_response().body for client in clients} == {b"wait"}
    wait_until(lambda: facts(where)["workers"][0]["threads_busy"] == 0, "none is")
    assert facts(where)["workers"][0]["serving"] == []
    assert samples(where)['fastfork_threads{state="free"}'] == 400


def test_worker_that_has_served_enough_finishes_what_waits(start_server: START) -> None:
    server = start(start_server, "--max-requests", "3")
    [pid] = server.worker_pids()
    waiting, other = server.connect(), server.connect()
    assert other.request("GET", "/closed").status == 200
    waiting.send_request("GET", "/wait/enough")
    other.send(b"GET /go/enough HTTP/1.1\r\n")  # has begun, so the worker waits for the rest
    quick = server.connect()
    quick.request("GET", "/closed")
    server.wait_for_workers(2)
    other.send(b"Host: x\r\n\r\n")
    assert waiting.read_response().body == b"wait"
    server.wait_for_workers(1, without=[pid])


def test_reload_lets_requests_that_wait_finish(start_server: START) -> None:
    server = start(start_server)
    [pid] = server.worker_pids()
    waiting, other = server.connect(), server.connect()
    assert other.request("GET", "/closed").status == 200
    waiting.send_request("GET", "/wait/reload")
    other.send(b"GET /go/reload HTTP/1.1\r\n")
    server.signal("reload")
    server.log.wait_for("Worker ready", count=2)
    other.send(b"Host: x\r\n\r\n")
    assert waiting.read_response().body == b"wait"
    server.wait_for_workers(1, without=[pid])


def test_programs_that_the_application_starts_are_waited_for(start_server: START) -> None:
    assert start(start_server).get("/program").body == b"done\n"


def test_refused_request_is_in_the_access_log_beside_a_hook(start_server: START) -> None:
    config = "def post_request(worker, req, environ, resp): pass"
    log = ("--access-logfile", "a.log", "--access-logformat", "%(r)s %(s)s")
    server = start(start_server, *log, config=config)
    with server.connect() as client:
        client.send(b"GET /refused HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert client.read_response().status == 400
    path = server.files / "a.log"
    wait_until(lambda: path.exists() and path.read_text(), "a line in the access log")
    assert path.read_text() == "GET /refused HTTP/1.1 400\n"
