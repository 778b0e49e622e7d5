"""Limits and slow clients of ASGI requests.

Runs in: cli
"""

from __future__ import annotations

import json
import select
import subprocess
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack

import pytest
from websockets.sync.client import connect

from tests.kit.client import RawClient
from tests.kit.programs import program
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

Borrow = Callable[..., RunningServer]
APP = ("asgi_lasting:app", "-k", "asgi")
HALF_BODY = b"POST /%s HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf"
CHUNKED = b"POST /%s HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
SLOW = 300
PROMPT = 1.0  # seconds for a hundred requests beside the slow clients


def heard(server: RunningServer) -> list[str]:
    """What the application has noted of itself."""
    return [fact["type"] for fact in json.loads(server.get("/facts").text)]


def hears(server: RunningServer, fact: str, before: list[str]) -> None:
    def is_there() -> bool:
        return heard(server).count(fact) > before.count(fact)

    wait_until(is_there, f"the application notes {fact}")


def test_head_that_stays_incomplete_is_closed(borrow_server: Borrow) -> None:
    server = borrow_server(*APP, "--header-timeout", "0.3")
    with server.connect() as client:
        client.send(b"GET /hello HTTP/1.1\r\nHo")
        client.read_to_end()


def test_body_that_stays_out_is_408_while_the_application_reads(borrow_server: Borrow) -> None:
    server = borrow_server(*APP, "--body-timeout", "0.3")
    before = heard(server)
    with server.connect() as client:
        client.send(HALF_BODY % b"reads")
        assert client.read_response().status == 408
        client.expect_end()
    hears(server, "http.disconnect", before)


def test_body_that_stays_out_cuts_a_response_that_has_begun(borrow_server: Borrow) -> None:
    server = borrow_server(*APP, "--body-timeout", "0.3")
    with server.connect() as client:
        client.send(HALF_BODY % b"begins")
        told = client.read_to_end()
    assert told.startswith(b"HTTP/1.1 200 ")
    assert b"begun" in told
    assert not told.endswith(b"0\r\n\r\n")


def test_chunked_body_above_the_limit_is_413_while_the_application_reads(
    borrow_server: Borrow,
) -> None:
    server = borrow_server(*APP, "--limit-request-body", "100000")
    before = heard(server)
    with server.connect() as client:
        client.send(CHUNKED % b"reads")
        for _ in range(11):
            client.send(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
        assert client.read_response().status == 413
    hears(server, "http.disconnect", before)


def test_upload_below_the_minimum_rate_ends_with_408_and_one_above_it_does_not(
    borrow_server: Borrow,
) -> None:
    """240 bytes a second after ten seconds, although no pause is as long as body_timeout."""
    server = borrow_server(*APP, "--body-min-rate", "240")
    with server.connect() as slow, server.connect() as fast:
        for client in (slow, fast):
            client.send(b"POST /reads HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
        began = time.monotonic()
        while not select.select([slow.sock], [], [], 0.1)[0]:
            assert time.monotonic() - began < 20
            slow.send(b"x")
            fast.send(b"x" * 50)
        assert time.monotonic() - began > 9
        assert slow.read_response().status == 408
        assert not select.select([fast.sock], [], [], 0)[0]


def test_client_that_does_not_read_a_stream_is_cut(borrow_server: Borrow) -> None:
    server = borrow_server(*APP, "--write-timeout", "0.5")
    before = heard(server)
    with server.connect() as client:
        client.send(b"GET /floods HTTP/1.1\r\nHost: a\r\n\r\n")
        hears(server, "ClientDisconnected", before)
        is_reset(client)


def test_client_that_does_not_read_a_body_of_known_length_is_cut(borrow_server: Borrow) -> None:
    server = borrow_server(*APP, "--write-timeout", "0.5")
    before = heard(server)
    with server.connect() as client:
        client.send(b"GET /floods_known HTTP/1.1\r\nHost: a\r\n\r\n")
        hears(server, "ClientDisconnected", before)
        is_reset(client)


def is_reset(client: RawClient) -> None:
    """What the kernel has of a response would go on waiting for its client after a FIN."""
    pieces = iter(lambda: client.sock.recv(1 << 20), b"")
    with pytest.raises(ConnectionResetError):
        deque(pieces, maxlen=0)


def test_client_that_does_not_read_a_web_socket_is_cut(borrow_server: Borrow) -> None:
    server = borrow_server(*APP, "--write-timeout", "0.5")
    before = heard(server)
    url = server.url.replace("http", "ws", 1) + "/"
    with connect(url, max_queue=1, max_size=None, close_timeout=0.1) as socket:
        socket.send("flood" * 10_000)
        hears(server, "ClientDisconnected", before)


def test_idle_connection_is_closed_after_its_time(borrow_server: Borrow) -> None:
    server = borrow_server(*APP, "--keep-alive", "0.3")
    with server.connect() as client:
        assert client.request("GET", "/hello").text == "hello"
        client.expect_end()


def test_connections_above_the_limit_are_served_in_turn(borrow_server: Borrow) -> None:
    server = borrow_server(*APP, "--worker-connections", "5", "--keep-alive", "10")
    with ExitStack() as stack:
        for _ in range(20):
            client = stack.enter_context(RawClient(server.endpoint))
            assert client.request("GET", "/hello").text == "hello"


def test_application_hears_of_a_client_that_leaves_an_upload(borrow_server: Borrow) -> None:
    server = borrow_server(*APP)
    before = heard(server)
    with server.connect() as client:
        client.send(HALF_BODY % b"reads")
        server.get("/hello")
    hears(server, "http.disconnect", before)


def test_application_hears_of_a_client_that_leaves_a_stream(borrow_server: Borrow) -> None:
    server = borrow_server(*APP)
    before = heard(server)
    with server.connect() as client:
        client.send(b"GET /floods HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.sock.recv(10)
    hears(server, "ClientDisconnected", before)


def test_pipelined_requests_wait_for_one_that_takes_its_time(borrow_server: Borrow) -> None:
    server = borrow_server(*APP)
    with server.connect() as client:
        ask = b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n"
        post = b"POST /echo_body HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
        client.send(ask % b"sleeps" + ask % b"hello" + post, ask % b"streams", ask % b"hello")
        told = [client.read_response().text for _ in range(5)]
    assert told == ["slept", "hello", "body", "012", "hello"]


@pytest.mark.parametrize("size", [1000, 3_000_000])
def test_curl_waits_for_100_and_sends_its_body(borrow_server: Borrow, size: int) -> None:
    server = borrow_server(*APP)
    done = subprocess.run(
        [program("curl"), "-sS", "-v", "-H", "Expect: 100-continue", "--data-binary", "@-",
         f"{server.url}/echo_body"],
        input=b"x" * size, capture_output=True, timeout=20, check=True,
    )  # fmt: skip
    assert done.stdout == b"x" * size
    assert b"100 Continue" in done.stderr


@pytest.mark.parametrize("path", ["hello", "streams"])
def test_head_has_no_body_and_the_connection_goes_on(borrow_server: Borrow, path: str) -> None:
    server = borrow_server(*APP)
    with server.connect() as client:
        for _ in range(3):
            answer = client.request("HEAD", f"/{path}")
            assert (answer.status, answer.body) == (200, b"")
        assert client.request("GET", "/hello").text == "hello"


def test_slow_clients_delay_nobody(borrow_server: Borrow) -> None:
    server = borrow_server(*APP)
    heads = (
        b"GET /hello HTTP/1.1\r\nHost: a",  # says half
        HALF_BODY % b"reads",  # sends half
        b"GET /floods HTTP/1.1\r\nHost: a\r\n\r\n",  # reads nothing
    )
    with ExitStack() as stack:
        for number in range(SLOW):
            client = stack.enter_context(RawClient(server.endpoint))
            client.send(heads[number % len(heads)])
        quick = stack.enter_context(RawClient(server.endpoint))
        assert quick.request("GET", "/hello").text == "hello"
        began = time.monotonic()
        for _ in range(100):
            assert quick.request("GET", "/hello").text == "hello"
        assert time.monotonic() - began < PROMPT
    wait_until(lambda: heard(server).count("ClientDisconnected") >= SLOW // 3, "all have ended")
