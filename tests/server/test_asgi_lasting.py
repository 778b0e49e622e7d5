"""What of an ASGI request outlasts its response, and what must not.

Runs in: cli
"""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from contextlib import suppress

import httpx
import pytest
from websockets.sync.client import connect

from tests.kit import processes
from tests.kit.server import RunningServer
from tests.kit.tls import NAME, Authority
from tests.kit.waiting import DEADLINE, wait_until

Borrow = Callable[..., RunningServer]
NAP = 0.6  # seconds that /naps takes
APP = ("asgi_lasting:app", "-k", "asgi")


def test_grace_of_a_client_that_left_ends_with_its_request(borrow_server: Borrow) -> None:
    server = borrow_server(*APP, "--asgi-disconnect-grace-period", "0.3")
    with server.connect() as leaving:
        leaving.send(b"GET /until_left HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: json.loads(server.get("/facts").text) == [], "it is served")
    wait_until(lambda: json.loads(server.get("/facts").text), "the application has heard of it")
    clients = [server.connect() for _ in range(5)]
    for client in clients:
        client.send(b"GET /sleeps HTTP/1.1\r\nHost: a\r\n\r\n")
    assert [client.read_response().text for client in clients] == ["slept"] * 5


@pytest.mark.parametrize("how", ["closes", "resets"])
def test_client_that_left_cancels_its_request_after_the_grace(
    borrow_server: Borrow, how: str
) -> None:
    server = borrow_server(*APP, "--asgi-disconnect-grace-period", "0.1")
    before = heard(server).count("cancelled")
    with server.connect() as leaving:
        leaving.send(b"GET /sleeps HTTP/1.1\r\nHost: a\r\n\r\n")
        server.get("/hello")
        if how == "resets":
            leaving.reset()
    wait_until(lambda: heard(server).count("cancelled") > before, "it is cancelled")


def test_client_that_says_no_more_gets_all_its_answers(borrow_server: Borrow) -> None:
    server = borrow_server(*APP)
    with server.connect() as client:
        ask = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"
        client.send(ask % b"sleeps" + ask % b"hello", ask % b"streams")
        client.half_close()
        assert [client.read_response().text for _ in range(3)] == ["slept", "hello", "012"]
        client.expect_end()


@pytest.mark.parametrize("size", [100_000, 20_000_000])
@pytest.mark.parametrize("how", ["length", "chunked"])
def test_answer_before_the_upload_has_ended_arrives(
    borrow_server: Borrow, size: int, how: str
) -> None:
    server = borrow_server(*APP)
    pieces = (b"x" * 100_000 for _ in range(size // 100_000))
    fields = {"Content-Length": str(size)} if how == "length" else {}
    for _ in range(3):
        url = f"{server.url}/hello"
        answer = httpx.post(url, content=pieces, headers=fields, trust_env=False)
        assert (answer.status_code, answer.text) == (200, "hello")
        pieces = (b"x" * 100_000 for _ in range(size // 100_000))
    with server.connect() as client:
        assert client.request("GET", "/hello").text == "hello"


AHEAD = {
    "nothing": b"",
    "a request": b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n",
}


@pytest.mark.parametrize("ahead", AHEAD)
def test_client_that_has_sent_ahead_and_leaves_costs_no_cpu(
    start_server: Borrow, ahead: str
) -> None:
    server = start_server(*APP)
    (pid,) = server.worker_pids()
    with server.connect() as client:
        client.send(b"GET /waits HTTP/1.1\r\nHost: a\r\n\r\n")
        server.get("/hello")
        client.send(AHEAD[ahead])
        client.half_close()
        rests(server, pid)
    rests(server, pid)


@pytest.mark.parametrize("how", ["closes", "leaves"])
def test_application_hears_of_a_tls_client_that_leaves(
    start_server: Borrow, authority: Authority, how: str
) -> None:
    pair = authority.issue("lasting")
    server = start_server(*APP, "--certfile", str(pair.certificate), "--keyfile", str(pair.key))
    (pid,) = server.worker_pids()
    assert not isinstance(server.endpoint, str)
    context = authority.client_context()
    plain = socket.create_connection(server.endpoint, 10)
    with context.wrap_socket(plain, server_hostname=NAME) as client:
        client.sendall(b"GET /until_left HTTP/1.1\r\nHost: a\r\n\r\n")
        server.log.wait_for("waits until its client has left")
        if how == "closes":
            with suppress(OSError):  # without waiting for the server's
                client.settimeout(0)
                client.unwrap()
    server.log.wait_for("its client has left: http.disconnect")
    rests(server, pid)


def rests(server: RunningServer, pid: int) -> None:
    """Assert that the worker uses next to nothing of a core, for a while."""
    before = processes.cpu_seconds(pid)
    with server.connect() as other:
        other.send(b"GET /naps HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        other.read_bytes(1)
    assert processes.cpu_seconds(pid) - before < NAP / 4


def heard(server: RunningServer) -> list[str]:
    """What the application has noted of itself."""
    return [fact["type"] for fact in json.loads(server.get("/facts").text)]


def test_receive_that_was_left_behind_does_not_hear_the_next_request(
    borrow_server: Borrow,
) -> None:
    server = borrow_server(*APP)
    with server.connect() as client:
        for body in ("one", "two"):
            assert client.request("GET", "/listens_on").text == "listens"
            told = client.request("POST", "/hears", body=body.encode()).text
            assert json.loads(told) == [["http.disconnect"], body]


def ask(server: RunningServer, kind: str, times: int) -> None:
    """A kind of request, so many times."""
    if kind == "websocket":
        for _ in range(times):
            with connect(server.url.replace("http", "ws", 1) + "/") as socket:
                socket.send("hello")
                assert socket.recv(timeout=DEADLINE) == "hello"
        return
    if kind == "cuts":
        for _ in range(times):
            with server.connect() as client:
                client.send(b"GET /cuts HTTP/1.1\r\nHost: a\r\n\r\n")
                assert client.sock.recv(1)
        return
    with server.connect() as client:
        for _ in range(times):
            if kind == "echo_body":
                client.request("POST", "/echo_body", body=b"x" * 1000)
            else:
                client.request("GET", f"/{kind}")


@pytest.mark.parametrize(
    "kind", ["hello", "echo_body", "streams", "listens_on", "cuts", "websocket"]
)
def test_requests_leave_nothing_behind(borrow_server: Borrow, kind: str) -> None:
    server = borrow_server(*APP)
    if kind == "cuts":
        server.expect_alarm("OSError: over")
    times = 100 if kind in ("websocket", "cuts") else 1000

    def count() -> list[int]:
        server.get("/hears")
        return list(json.loads(server.get("/counts").text))

    ask(server, kind, 5)
    before = count()
    ask(server, kind, times)
    wait_until(
        lambda: all(now <= then + 10 for now, then in zip(count(), before, strict=True)),
        lambda: f"what there was: {before}; now {count()}",
    )
