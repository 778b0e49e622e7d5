"""Refusals can be read by a client that has not finished sending, and the wait for it ends.

Runs in: cli
"""

from __future__ import annotations

import socket

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "worker_plain:app"
HEAD = b"GET /hello?x HTTP/1.1\r\nHost: h\r\n"
POST = b"POST /echo HTTP/1.1\r\nHost: h\r\n"
REFUSED = {
    "414": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
    "414 without an end": b"GET /" + b"a" * 9000,
    "431 for one long field": HEAD + b"X: " + b"a" * 9000 + b"\r\n\r\n",
    "431 without an end": HEAD + b"X: " + b"a" * 9000,
    "431 for many fields": HEAD + b"X: a\r\n" * 200 + b"\r\n",
    "400 for a bad head": b"GET  / HTTP/1.1\r\n\r\n",
    "413": POST + b"Content-Length: 1000000000000\r\n\r\nabc",
    "400 for a bad chunk": POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n",
    "408 for a head": HEAD + b"X: a",
    "408 for a body": POST + b"Content-Length: 10\r\n\r\nabc",
    "408 for a chunked body": POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
}
SLACK = 1 << 16  # bytes sent after the refusal, within what is drained


def impatient(borrow_server: Starter, http_parser: str) -> RunningServer:
    return borrow_server(
        APP,
        *("--http-parser", http_parser),
        *("--header-timeout", "0.3", "--body-timeout", "0.3"),
    )


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_client_that_goes_on_sending_reads_the_refusal_and_then_the_end(
    borrow_server: Starter, http_parser: str, name: str
) -> None:
    """Bytes that arrive at a closed socket make the kernel send a reset, which may destroy
    the answer before it is read (RFC 9112 section 9.6)."""
    server = impatient(borrow_server, http_parser)
    client = server.connect()
    client.send(REFUSED[name])
    first = client.sock.recv(1, socket.MSG_PEEK)  # it has been refused by now
    assert first == b"H"
    client.send(b"x" * SLACK)
    answer = client.read_response()
    assert (answer.status, answer.closes) == (int(name[:3]), True)
    client.expect_end()
    client.send(b"late")  # no reset yet: the server waits for our end
    client.close()
    assert server.get("/hello?still").text == "still"


def test_refused_client_that_stays_is_let_go(borrow_server: Starter) -> None:
    """It neither closes nor sends.  The time is the linger of 2 s."""
    server = borrow_server(APP)
    (pid,) = server.worker_pids()
    before = processes.sockets(pid)
    clients = [server.connect() for _ in range(20)]
    for client in clients:
        client.send(b"nonsense\r\n\r\n")
        assert client.read_response().status == 400
    wait_until(lambda: processes.sockets(pid) == before, "the refused clients are let go")
    assert server.get("/hello?still").text == "still"


def test_refused_client_that_floods_is_cut(borrow_server: Starter) -> None:
    """A bounded number of bytes is drained; then the reset comes."""
    server = borrow_server(APP)
    client = server.connect()
    client.send(b"nonsense\r\n\r\n")
    with pytest.raises(OSError):
        client.send(b"x" * (1 << 28))
    assert server.get("/hello?still").text == "still"


def test_reset_while_the_server_lingers_leaves_nothing(borrow_server: Starter) -> None:
    server = borrow_server(APP)
    (pid,) = server.worker_pids()
    before = processes.sockets(pid)
    for _ in range(30):
        client = server.connect()
        client.send(b"nonsense\r\n\r\n")
        assert client.read_response().status == 400
        client.reset()
    wait_until(lambda: processes.sockets(pid) == before, "the reset connections are gone")


@pytest.mark.parametrize("how", ["half_close", "reset", "close"])
@pytest.mark.parametrize(
    "part",
    [b"", b"G", HEAD, POST + b"Content-Length: 10\r\n\r\n", POST + b"Content-Length: 9\r\n\r\nab"],
)
def test_client_that_ends_in_the_middle_is_let_go(
    borrow_server: Starter, http_parser: str, part: bytes, how: str
) -> None:
    """Nothing runs for it: the application would see a truncated body."""
    server = borrow_server(
        APP, "--http-parser", http_parser, "--access-logfile", "-", "--header-timeout", "30"
    )
    (pid,) = server.worker_pids()
    before = processes.sockets(pid)
    client = server.connect()
    client.send(part)
    wait_until(lambda: processes.rests(pid), "what was sent is read")
    getattr(client, how)()
    wait_until(lambda: processes.sockets(pid) == before, "the worker lets go")
    assert {line for line in server.log.lines('" 200 ') if "GET /hello?still " not in line} == set()
    assert server.get("/hello?still").text == "still"


def test_half_closed_client_reads_all_that_it_asked_for(
    borrow_server: Starter, http_parser: str
) -> None:
    server = borrow_server(APP, "--http-parser", http_parser)
    client = server.connect()
    client.send(HEAD + b"\r\n", HEAD + b"\r\n", b"GET /large HTTP/1.1\r\nHost: h\r\n\r\n")
    client.half_close()
    assert client.read_response().text == "x"
    assert client.read_response().text == "x"
    assert len(client.read_response().body) == 16 << 20
    client.expect_end()


def test_half_close_while_the_answer_is_written_does_not_cut_it(
    borrow_server: Starter, http_parser: str
) -> None:
    server = borrow_server(APP, "--http-parser", http_parser)
    (pid,) = server.worker_pids()
    for target in ("/large", "/stream/64", "/file/4096", "/write"):
        client = server.connect()
        client.send_request("GET", target)
        assert client.sock.recv(1, socket.MSG_PEEK)
        client.half_close()
        wait_until(lambda: processes.rests(pid), "the worker rests while nobody reads")
        assert client.read_response().status == 200
        client.expect_end()


def test_body_that_stalls_holds_up_nobody_and_is_refused(
    borrow_server: Starter, http_parser: str
) -> None:
    server = impatient(borrow_server, http_parser)
    stalled = [server.connect() for _ in range(20)]
    for client in stalled:
        client.send(POST + b"Content-Length: 2000000\r\n\r\n" + b"x" * 1000)
    other = server.connect()
    for _ in range(20):
        assert other.request("GET", "/hello?x").text == "x"
    for client in stalled:
        answer = client.read_response()
        assert (answer.status, answer.closes) == (408, True)
        client.expect_end()
