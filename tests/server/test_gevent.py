"""The gevent worker: requests that wait while others are served."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

import pytest

from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

START = Callable[..., RunningServer]
APP = "greenlets:app"


def start(start_server: START, *options: str) -> RunningServer:
    return start_server(APP, "-k", "gevent", "--keep-alive", "60", *options)


def go(server: RunningServer, name: str) -> None:
    assert server.get(f"/go/{name}").body == b"go"


@pytest.mark.effect("worker_class")
@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["loaded", "preloaded"])
def test_application_is_imported_patched_and_called_in_a_greenlet(
    start_server: START, options: tuple[str, ...]
) -> None:
    found = json.loads(start(start_server, *options).get("/where").body)
    assert found | {"pid": 0} == {
        "pid": 0,
        "patched_at_import": True,
        "greenlet": True,
        "hub": False,
        "multithread": True,
    }


def test_requests_that_wait_are_all_in_the_application(start_server: START) -> None:
    server = start(start_server)
    clients = [server.connect() for _ in range(200)]
    for client in clients:
        client.send_request("GET", "/gather/200")
    assert {client.read_response().body for client in clients} == {b"200"}


def test_connection_serves_on_after_a_wait(start_server: START) -> None:
    server = start(start_server)
    client = server.connect()
    for number in range(3):
        client.send_request("GET", f"/wait/{number}")
        go(server, str(number))
        assert client.read_response().body == b"wait"


def test_pipelined_requests_behind_one_that_waits_keep_their_order(start_server: START) -> None:
    server = start(start_server)
    client = server.connect()
    client.send_request("GET", "/wait/first")
    for _ in range(40):
        client.send_request("GET", "/closed")
    client.send_request("GET", "/where")
    go(server, "first")
    assert client.read_response().body == b"wait"
    assert [client.read_response().body for _ in range(40)] == [b"0"] * 40
    assert b"patched_at_import" in client.read_response().body


def test_request_with_a_body_waits_and_has_it(start_server: START) -> None:
    client = start(start_server).connect()
    for body in (b"small", bytes(300_000)):
        client.send_request("POST", "/echo", [("Content-Length", str(len(body)))])
        client.send(body)
        assert client.read_response().body == body


def test_blocks_of_a_stream_go_out_while_it_waits(start_server: START) -> None:
    server = start(start_server)
    client = server.connect()
    client.send_request("GET", "/stream/next")
    head = b""
    while b"first " not in head:
        head += client.sock.recv(4096)
    go(server, "next")
    rest = b""
    while b"second" not in rest:
        rest += client.sock.recv(4096)
    assert b"first " not in rest


def test_early_hints_go_out_before_the_wait_ends(start_server: START) -> None:
    server = start(start_server)
    client = server.connect()
    client.send_request("GET", "/hint")
    seen = b""
    while b"103 Early Hints" not in seen or not seen.endswith(b"\r\n\r\n"):
        seen += client.sock.recv(4096)
    assert b"200 OK" not in seen
    go(server, "hint")
    assert client.read_response().status == 200


def test_slow_reader_of_what_is_written_holds_nobody_up(start_server: START) -> None:
    server = start(start_server)
    slow = server.connect()
    slow.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    slow.send_request("GET", "/write")
    assert server.get("/closed").body == b"0"
    assert len(slow.read_response().body) == 4 << 20


def test_close_of_an_iterable_may_wait_and_the_client_does_not(start_server: START) -> None:
    server = start(start_server)
    client = server.connect()
    client.send_request("GET", "/close/it")
    seen = b""
    while b"answer" not in seen:
        seen += client.sock.recv(4096)
    assert server.get("/closed").body == b"0"
    go(server, "it")
    wait_until(lambda: server.get("/closed").body == b"1", "close() is over")


def test_iterable_of_a_client_that_left_is_closed(start_server: START) -> None:
    server = start(start_server)
    client = server.connect()
    client.send_request("GET", "/close/gone")
    client.reset()
    go(server, "gone")
    wait_until(lambda: server.get("/closed").body == b"1", "close() is over")


def test_error_after_a_wait_is_a_500(start_server: START) -> None:
    server = start(start_server)
    server.expect_alarm("Error handling request GET /raise")
    client = server.connect()
    assert client.request("GET", "/raise").status == 500
    assert "LookupError: raised after a wait" in server.log.text()
    assert server.get("/closed").status == 200


def test_what_is_kept_by_greenlet_is_gone_with_the_request(start_server: START) -> None:
    client = start(start_server).connect()
    for _ in range(3):
        assert client.request("GET", "/remember").body == b"remember"
        assert client.request("GET", "/remembered").body == b"None"


def test_timeout_that_a_request_leaves_behind_hits_no_other(start_server: START) -> None:
    server = start(start_server)
    assert server.get("/timeout").body == b"timeout"
    clients = [server.connect() for _ in range(20)]
    for client in clients:
        client.send_request("GET", "/wait/later")
    quick = server.connect()
    for _ in range(200):  # each takes a millisecond: longer than the timeout
        quick.send_request("POST", "/echo", [("Content-Length", "1")])
        quick.send(b"x")
        assert quick.read_response().body == b"x"
    go(server, "later")
    assert [client.read_response().status for client in clients] == [200] * 20


def test_worker_takes_no_more_connections_than_it_may(start_server: START) -> None:
    server = start(start_server, "--worker-connections", "3")
    clients = [server.connect() for _ in range(4)]
    for client in clients:
        client.send_request("GET", "/gather/3")
    assert [client.read_response().body for client in clients[:3]] == [b"3"] * 3
    clients[0].close()
    assert clients[3].read_response().body == b"4"


def test_socket_that_the_application_takes_waits_cooperatively(start_server: START) -> None:
    server = start(start_server)
    client = server.connect()
    client.send_request("GET", "/detach/later")
    go(server, "later")
    seen = b""
    while block := client.sock.recv(4096):
        seen += block
    assert seen == b"something else"
