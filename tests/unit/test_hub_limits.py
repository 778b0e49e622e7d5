"""Clients that take too much of the worker: its time, its memory, its connections."""

from __future__ import annotations

import contextvars
import gc
import select
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.blocks import Blocks, path, returning
from tests.kit.inproc import HubClient, Served, descriptors
from tests.kit.response import ProtocolViolation
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]

SHORT = 0.1  # seconds
MIB = 1 << 20
HEAD = b"GET / HTTP/1.1\r\nHost: h\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"


def drip(served: Served, client: HubClient, drop: bytes) -> float:
    """Send a drop now and then until an answer comes; the seconds that took."""
    began = time.monotonic()
    while not client.received:
        assert time.monotonic() - began < 10
        client.sock.sendall(drop)
        served.settle()
        select.select([client.sock], [], [], SHORT / 10)
        client.received += b"".join(client.packets())
    return time.monotonic() - began


@pytest.mark.parametrize(("head", "drop"), [(POST, b"x"), (CHUNKED, b"1\r\nx\r\n")])
def test_body_that_drips_gets_a_408(
    serve: Serve, http_parser: str, head: bytes, drop: bytes
) -> None:
    """Each drop is in time for body_timeout; all of them together are too slow."""
    served = serve(
        path, parser=http_parser, body_timeout=2.0, body_min_rate=100_000, body_grace=SHORT
    )
    client = served.connect()
    client.send(head)
    drip(served, client, drop)
    assert client.received.startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_quick_beginning_does_not_allow_dripping_for_ever(serve: Serve, http_parser: str) -> None:
    served = serve(
        path, parser=http_parser, body_timeout=SHORT, body_min_rate=1000, body_grace=SHORT
    )
    client = served.connect()
    client.send(POST, b"x" * 50_000)  # at 1,000 bytes a second that would do for 50 s
    drip(served, client, b"x")
    assert client.received.startswith(b"HTTP/1.1 408 Request Timeout\r\n")


def test_body_that_is_quick_enough_is_read(serve: Serve, http_parser: str) -> None:
    served = serve(path, parser=http_parser, body_min_rate=1000, body_grace=1.0)
    client = served.connect()
    client.send(POST.replace(b"100000", b"3000"))
    for _ in range(30):
        client.send(b"x" * 100)
    assert client.read_response().status == 200


def test_client_that_was_too_slow_is_not_waited_for_long(serve: Serve) -> None:
    """Half a second after the 408 it is gone, although it sends on."""
    served = serve(path, header_timeout=SHORT, linger=60.0)
    client = served.connect()
    client.send(HEAD)
    assert client.read_response().status == 408
    began = time.monotonic()
    while served.hub.connections.count:
        assert time.monotonic() - began < 5
        try:
            client.sock.send(b"x")
        except OSError:
            pass
        served.turn(SHORT / 10)


def test_a_crowd_whose_time_is_up_does_not_hold_a_turn(serve: Serve) -> None:
    served = serve(path, header_timeout=SHORT)
    crowd = [served.connect() for _ in range(300)]
    for client in crowd:
        client.sock.sendall(HEAD)
    served.settle()
    assert served.hub.connections.count == 300
    select.select([], [], [], SHORT)
    served.turn()
    early = [client for client in crowd if client.peek()]
    assert 0 < len(early) < 150  # the rest comes in the turns after it
    for client in crowd:
        if client not in early:
            assert client.read_response().status == 408


def test_idle_connection_gives_way_to_a_new_one(serve: Serve, http_parser: str) -> None:
    served = serve(path, parser=http_parser, connections=3, keepalive=60.0)
    idle = [served.connect() for _ in range(3)]
    for client in idle:
        assert client.request().status == 200
    late = served.connect()
    assert late.request().status == 200
    idle[0].expect_end()  # the one that has been idle for the longest time
    assert idle[1].request().status == 200


def test_silent_connection_gives_way_to_a_new_one(serve: Serve) -> None:
    served = serve(path, connections=2, first_byte=60.0)
    silent = [served.connect() for _ in range(2)]
    served.settle()
    assert served.connect().request().status == 200
    silent[0].expect_end()
    assert silent[1].request().status == 200


def test_iterator_goes_on_in_the_context_of_its_call(serve: Serve) -> None:
    """A parked one too, after others have run and set the same variable."""
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who")
    closed: list[str] = []

    class Body:
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(8):
                yield who.get().encode() * (MIB // 4)

        def close(self) -> None:
            closed.append(who.get())

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        assert who.get("nobody") == "nobody"
        who.set(environ["PATH_INFO"][1:])
        start_response("200 OK", [])
        return Body()

    served = serve(app, small_buffers=True)
    clients = {name: served.connect() for name in "abc"}
    for name, client in clients.items():
        client.sock.sendall(f"GET /{name} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
    served.settle()
    for name, client in clients.items():
        assert client.read_response().body == name.encode() * 2 * MIB
    assert sorted(closed) == ["a", "b", "c"]
    assert who.get("nobody") == "nobody"


def test_abandoned_iterator_is_closed_in_its_context(serve: Serve) -> None:
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who")
    seen: list[str] = []

    class Endless:
        def __iter__(self) -> Iterator[bytes]:
            while True:
                yield b"x" * MIB

        def close(self) -> None:
            seen.append(who.get("nobody"))

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        who.set("mine")
        start_response("200 OK", [])
        return Endless()

    served = serve(app, small_buffers=True)
    client = served.connect()
    client.send_request()
    client.reset()
    served.turn_until(lambda: seen, "the iterable is closed")
    assert seen == ["mine"]


def test_slow_stream_to_a_client_that_left_ends_before_its_next_block(serve: Serve) -> None:
    """Events, one now and then: the one after the client has left is the last one asked for."""

    def event() -> bytes:
        select.select([], [], [], 1.5 * SHORT)
        if body.taken == 2:
            client.close()
        return b"data: x\n\n"

    body = Blocks([event] * 50)
    served = serve(returning(body))
    client = served.connect()
    client.sock.sendall(HEAD + b"\r\n")
    served.turn_until(lambda: body.closed, "the iterable is closed")
    assert body.taken == 2
    served.settle()
    assert served.hub.connections.count == 0


def test_slow_stream_to_a_client_that_only_said_its_last_word_goes_on(serve: Serve) -> None:
    def event() -> bytes:
        select.select([], [], [], 1.5 * SHORT)
        return b"x"

    served = serve(returning(Blocks([event] * 4)))
    client = served.connect()
    client.sock.sendall(HEAD + b"\r\n")
    client.half_close()
    assert client.read_response().body == b"xxxx"


def test_endless_writes_to_a_client_that_left_are_told(serve: Serve) -> None:
    told: list[str] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        client.reset()
        deadline = time.monotonic() + 10
        try:
            while time.monotonic() < deadline:
                write(b"x" * 1000)
        except BrokenPipeError as error:
            told.append(str(error))
            raise
        return []

    served = serve(app)
    client = served.connect()
    client.sock.sendall(HEAD + b"\r\n")
    served.turn_until(lambda: told, "the application hears of it")
    assert "the client has left" in told[0]
    served.logged("left before the answer was complete")


def test_response_that_cannot_be_kept_is_cut_and_logged(serve: Serve, tmp_path: Path) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        for _ in range(16):
            write(b"x" * MIB)
        return [b"end"]

    gone = tmp_path / "gone"
    served = serve(app, small_buffers=True, spool_dir=str(gone))
    client = served.connect()
    client.send_request()
    with pytest.raises(ProtocolViolation):
        client.read_response()
    assert str(gone) in served.logged("cannot be kept")
    served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")


def test_response_larger_than_its_buffer_is_cut_and_logged(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        write = start_response("200 OK", [])
        for _ in range(16):
            write(b"x" * MIB)
        return [b"end"]

    served = serve(app, small_buffers=True, response_buffer=4 * MIB)
    client = served.connect()
    client.send_request()
    with pytest.raises(ProtocolViolation):
        client.read_response()
    assert f"({4 * MIB} bytes)" in served.logged("response_buffer")


def test_request_that_cannot_be_kept_is_answered_and_logged(
    serve: Serve, http_parser: str, tmp_path: Path
) -> None:
    served = serve(path, parser=http_parser, spool_after=10, spool_dir=str(tmp_path / "gone"))
    client = served.connect()
    client.send(POST + bytes(11))
    assert client.read_response().status == 500
    served.logged("a request body cannot be kept")
    assert served.connect().request().status == 200


def unnamed_files() -> int:
    """Descriptors of files without a name, and of nothing that an earlier test left behind."""
    gc.collect()
    return sum("(deleted)" in line for line in descriptors())


def test_what_slow_clients_let_wait_goes_to_files_when_it_is_much(serve: Serve) -> None:
    """Bodies that nobody else holds; the first of them stay in memory."""

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [bytes(12 * MIB)]

    served = serve(app, small_buffers=True, write_timeout=60.0)  # the last one waits for 48 MiB
    clients = [served.connect() for _ in range(5)]
    served.settle()
    before = unnamed_files()
    for number, client in enumerate(clients):
        client.send_request()
        assert unnamed_files() - before == (0 if number < 2 else 2 * (number - 1))
    for client in clients:
        assert client.read_response().body == bytes(12 * MIB)
        assert client.request("HEAD").status == 200
    assert unnamed_files() == before


def test_body_that_the_application_holds_anyway_needs_no_file(serve: Serve) -> None:
    shared = bytes(40 * MIB)
    served = serve(lambda e, start: (start("200 OK", []), [shared])[1], small_buffers=True)
    clients = [served.connect() for _ in range(3)]
    served.settle()
    before = unnamed_files()
    for client in clients:
        client.send_request()
    assert unnamed_files() == before
    assert clients[0].read_response().body == shared


def test_http2_where_it_is_not_taken_is_told_the_settings(serve: Serve, http_parser: str) -> None:
    served = serve(path, parser=http_parser)
    client = served.connect()
    client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
    answer = client.read_response()
    assert (answer.status, answer.closes) == (400, True)
    served.logged("HTTP/2, which is taken by http_protocols and http2_cleartext")
