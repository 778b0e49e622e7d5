"""What a worker does with what it finds in the pool; the test plays the other worker."""

from __future__ import annotations

import json
import os
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from fastfork.net import Pool, key_of
from tests.kit.inproc import Served
from tests.kit.response import Response, ResponseReader

# csrc/net/fd_passing.h: when its request was seen, which listener, port and address of the peer.
FACTS = struct.Struct("=qQi48s4x")
Serve = Callable[..., Served]


def tells_facts(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [])
    names = ("REMOTE_ADDR", "REMOTE_PORT", "SERVER_NAME", "SERVER_PORT", "HTTP_HOST")
    return [json.dumps([environ.get(name) for name in names]).encode()]


def facts(served: Served, *, key: int | None = None, waited: float = 0.0) -> bytes:
    key = key_of(served.listener) if key is None else key
    ready_ns = time.monotonic_ns() - int(waited * 1e9)
    return FACTS.pack(ready_ns, key, 4711, b"192.0.2.7")


@pytest.fixture
def pool() -> Iterator[Pool]:
    pool = Pool()
    yield pool
    pool.close()


def join(served: Served, pool: Pool) -> None:
    def template_of(fd: int) -> dict[str, Any]:
        return {**served.template, "SERVER_NAME": "elsewhere", "SERVER_PORT": "99"}

    hub = served.hub
    hub.listeners.listen(False)
    keys = [key_of(served.listener)]
    hub.pool.share(pool.into.fileno(), pool.out.fileno(), keys, template_of)
    hub.listeners.listen(True)


def put(served: Served, pool: Pool, message: bytes, *, request: bytes = b"") -> Response | None:
    """Hand over a connection on which a request waits; what the client then gets."""
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname(), 5) as client,
    ):
        ours, _address = listener.accept()
        client.sendall(request or b"GET / HTTP/1.1\r\nHost: other\r\n\r\n")
        ours.setblocking(False)
        with ours:
            socket.send_fds(pool.into, [message], [ours.fileno()])
        served.settle()

        def more() -> bytes:
            served.settle()
            return client.recv(65536)

        try:
            return ResponseReader(more).read("GET")
        except EOFError:
            return None


def test_connection_is_served_with_the_facts_of_who_accepted_it(pool: Pool, serve: Serve) -> None:
    served = serve(tells_facts)
    join(served, pool)
    answer = put(served, pool, facts(served))
    assert answer is not None
    host, port = served.listener.getsockname()
    assert json.loads(answer.body) == ["192.0.2.7", "4711", host, str(port), "other"]
    assert served.hub.pool.adopted == 1


def test_connection_of_an_unknown_listener_gets_an_environ_of_its_own(
    pool: Pool, serve: Serve
) -> None:
    served = serve(tells_facts)
    join(served, pool)
    for _ in range(2):
        answer = put(served, pool, facts(served, key=12345))
        assert answer is not None
        assert json.loads(answer.body)[2:4] == ["elsewhere", "99"]


def test_request_that_has_waited_too_long_in_the_pool_gets_a_503(pool: Pool, serve: Serve) -> None:
    served = serve(tells_facts, queue_timeout=5.0)
    join(served, pool)
    late = put(served, pool, facts(served, waited=6.0))
    in_time = put(served, pool, facts(served, waited=1.0))
    assert late is not None
    assert (late.status, dict(late.fields)["Retry-After"]) == (503, "1")
    assert in_time is not None
    assert in_time.status == 200


@pytest.mark.parametrize("message", [b"x", b"x" * 200, b""])
def test_message_that_is_none_of_ours_is_closed(pool: Pool, serve: Serve, message: bytes) -> None:
    served = serve(tells_facts)
    join(served, pool)
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            socket.send_fds(pool.into, [message or b"\0"], [ours.fileno()])
        pool.into.send(FACTS.pack(0, 0, 0, b""))  # no descriptor
        served.settle()
        theirs.settimeout(5)
        assert theirs.recv(1) == b""
    assert served.hub.pool.adopted == 0
    answer = put(served, pool, facts(served))
    assert answer is not None
    assert answer.status == 200


def left_in(pool: Pool) -> set[int]:
    """The ports of the clients whose connections are in the pool; they are taken out."""
    ports = set()
    while True:
        try:
            message, (fd,), _flags, _address = socket.recv_fds(pool.out, FACTS.size, 1)
        except BlockingIOError:
            return ports
        os.close(fd)
        ports.add(FACTS.unpack(message)[2])


def test_process_that_ends_leaves_the_connections_with_nothing_under_way(
    pool: Pool, serve: Serve
) -> None:
    served = serve(tells_facts)
    join(served, pool)
    idle, silent, half = (served.connect() for _ in range(3))
    assert idle.request().status == 200
    half.send(b"GET / HTTP/1.1\r\nHo")
    served.settle()
    served.hub.pool.bequeath()
    assert left_in(pool) == {client.sock.getsockname()[1] for client in (idle, silent)}


def test_process_that_ends_inside_a_call_does_not_leave_its_connection(
    pool: Pool, serve: Serve
) -> None:
    def ends(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        served.hub.pool.bequeath()
        left.update(left_in(pool))
        return tells_facts(environ, start_response)

    left: set[int] = set()
    served = serve(ends)
    join(served, pool)
    busy, idle = served.connect(), served.connect()
    served.settle()
    assert busy.request().status == 200
    assert left == {idle.sock.getsockname()[1]}
