"""Workers that are full of slow clients: at default settings nobody quick is held up.

Runs in: cli
"""

from __future__ import annotations

import resource
import select
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.server import RunningServer
from tests.kit.tls import Authority, TlsClient
from tests.kit.waiting import wait_until

APP = "worker_plain:app"
HOLDING = "threaded:app"
HALF_HEAD = b"GET /hello HTTP/1.1\r\nHost: h\r\nX-Drip: "
UPLOAD = b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n"
READER = b"GET /stream/256 HTTP/1.1\r\nHost: h\r\n\r\n"
KINDS = {
    "one thread": (),
    "threads": ("--threads", "2"),
    "gevent": ("-k", "gevent"),
    "two workers": ("--workers", "2"),
    "preloaded": ("--preload",),
}
# A quarter of a second, of which a busy machine and eight workers of tests make more.
LONGEST = 4.0  # seconds
QUICK = 20

Connect = Callable[[RunningServer], RawClient]


def descriptors(soft: int, hard: int | None = None) -> str:
    """A config file: the server may have so many of them."""
    limits = f"({soft}, {soft if hard is None else hard})"
    return f"import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, {limits})\n"


def soft_limit(pid: int) -> int:
    """Descriptors that the process may have."""
    return resource.prlimit(pid, resource.RLIMIT_NOFILE)[0]


def crowd(server: RunningServer, connect: Connect, stack: ExitStack, count: int) -> list[RawClient]:
    """So many slow clients, a third of each kind; who has given way already is one too."""
    clients = []
    for number in range(count):
        clients.append(stack.enter_context(connect(server)))
        clients[-1].send((HALF_HEAD, UPLOAD, READER)[number % 3])
    return clients


def ask_quickly(server: RunningServer, connect: Connect, count: int = QUICK) -> float:
    """The longest of so many requests on new connections, in seconds."""
    longest = 0.0
    for _ in range(count):
        began = time.monotonic()
        with connect(server) as client:
            assert client.request("GET", "/hello").status == 200
        longest = max(longest, time.monotonic() - began)
    return longest


def in_the_clear(server: RunningServer) -> RawClient:
    return RawClient(server.endpoint)


@pytest.mark.parametrize("allowed", [64, 256])
@pytest.mark.parametrize("kind", KINDS)
def test_quick_requests_are_answered_beside_more_slow_clients_than_there_are_descriptors(
    start_server: Starter, kind: str, allowed: int
) -> None:
    server = start_server(APP, *KINDS[kind], config=descriptors(allowed))
    pids = server.worker_pids()
    with ExitStack() as stack:
        slow = crowd(server, in_the_clear, stack, 3 * allowed // 2 * len(pids))
        assert ask_quickly(server, in_the_clear) < LONGEST
        server.log.wait_for("those that have been slow for the longest give way")
        assert slow[0].read_response().status == 408
        assert not server.log.lines("cannot accept")  # there is a descriptor to spare
    assert server.worker_pids() == pids


def test_quick_requests_are_answered_beside_slow_clients_with_tls(
    start_server: Starter, authority: Authority
) -> None:
    pair = authority.issue("server")
    files = ("--certfile", str(pair.certificate), "--keyfile", str(pair.key))
    server = start_server(APP, *files, config=descriptors(64))
    context = authority.client_context()

    def connect(server: RunningServer) -> RawClient:
        return TlsClient(server.endpoint, context)

    with ExitStack() as stack:
        for _ in range(30):  # in a handshake
            client = stack.enter_context(in_the_clear(server))
            client.send(b"\x16\x03\x01\x02\x00")
        slow = crowd(server, connect, stack, 60)
        assert ask_quickly(server, connect) < LONGEST
        assert slow[0].read_response().status == 408
        assert not server.log.lines("cannot accept")


@pytest.mark.parametrize("kind", ["threads", "gevent"])
def test_requests_in_the_application_do_not_give_way(
    start_server: Starter, tmp_path: Path, kind: str
) -> None:
    """Who comes then waits, at no cost, until one of them is done."""
    env = {"THREADED_DIR": str(tmp_path)}
    server = start_server(HOLDING, *KINDS[kind], "--worker-connections", "2", env=env)
    held = [server.connect() for _ in range(2)]
    for client, name in zip(held, "ab", strict=True):
        client.send_request("GET", f"/hold/{name}")
        wait_until((tmp_path / name).exists, "it is in the application")
    late = server.connect()
    late.send_request("GET", "/where")
    (pid,) = server.worker_pids()
    began, used = time.monotonic(), processes.cpu_seconds(pid)
    # Longer than anybody slow is left alone.
    assert not select.select([late.sock, *(client.sock for client in held)], [], [], 1.0)[0]
    share = (processes.cpu_seconds(pid) - used) / (time.monotonic() - began)
    assert share < 0.2  # a busy loop would be 1
    for name in "ab":
        (tmp_path / f"{name}.go").touch()
    for client in held:
        assert client.read_response().status == 200
    assert late.read_response().status == 200


@pytest.mark.parametrize("kind", KINDS)
def test_worker_has_the_descriptors_of_its_hard_limit_and_holds_half_as_many(
    start_server: Starter, kind: str
) -> None:
    server = start_server(APP, *KINDS[kind], "--keep-alive", "60", config=descriptors(64, 400))
    assert {soft_limit(pid) for pid in server.worker_pids()} == {400}
    if len(server.worker_pids()) > 1:
        return
    with ExitStack() as stack:
        clients = [stack.enter_context(server.connect()) for _ in range(168)]
        for client in clients:
            assert client.request("GET", "/hello").status == 200
        for client in clients:  # all of them are still there
            assert client.request("GET", "/hello").status == 200
        assert server.get("/hello").status == 200
        clients[0].expect_end()  # there are no more than 168 places


def test_application_finds_a_descriptor_for_select_in_a_crowd(start_server: Starter) -> None:
    """select(2) knows descriptors below 1024 only; connections of a crowd lie above."""
    limit = 4096
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < limit:
        pytest.skip(f"needs a hard limit of {limit} descriptors (ulimit -Hn)")
    server = start_server(APP)
    (pid,) = server.worker_pids()
    with ExitStack() as stack:
        for _ in range(1100):
            stack.enter_context(server.connect())
        wait_until(lambda: processes.sockets(pid) > 1100, "all are accepted")
        assert server.get("/select").text == "1 ready"


def test_number_above_the_hard_limit_is_told_of_at_start(start_server: Starter) -> None:
    server = start_server(APP, "--worker-connections", "5000", config=descriptors(256))
    server.log.wait_for("worker_connections: 5000 cannot be reached: a process may have 256")
    assert server.get("/hello").status == 200
