"""Processes that the application forks: they have nothing of the server's, and nobody notices them.

Runs in: cli
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.response import Response
from tests.kit.server import RunningServer
from tests.kit.tls import Authority, Pair, TlsClient
from tests.kit.waiting import wait_until

APP = "forking:app"
CAME_BACK = "came back into the server"
# What the worker is started with, a name each.
KINDS = {
    "one thread": (),
    "threads": ("--threads", "4"),
    "greenlets": ("-k", "gevent"),
    "TLS": (),
    "TLS and threads": ("--threads", "4"),
    "preloaded": ("--preload",),
}
BACK = ["returns", "raises", "exits", "starts", "writes", "waits", "generator", "close"]


@dataclass
class Site:
    """A server of one kind, and clients that speak to it as it wants."""

    server: RunningServer
    connect: Callable[[], RawClient]
    is_gevent: bool
    sleepers: list[int] = field(default_factory=list)

    def get(self, target: str, body: bytes | None = None) -> Response:
        client = self.connect()
        method = "GET" if body is None else "POST"
        answer = client.request(method, target, [("Connection", "close")], body)
        client.expect_end()
        return answer

    def sleeper(self, kind: str) -> int:
        """Have the application start a process that lives on."""
        pid = int(self.get(f"/sleeper/{kind}").text)
        self.sleepers.append(pid)
        return pid


@pytest.fixture(scope="module")
def pair(authority: Authority) -> Pair:
    return authority.issue("forks")


def site_of(kind: str, start: Starter, authority: Authority, pair: Pair) -> Iterator[Site]:
    options = ["--keep-alive", "60", *KINDS[kind]]
    has_tls = "TLS" in kind
    if has_tls:
        options += ["--certfile", str(pair.certificate), "--keyfile", str(pair.key)]
    server = start(APP, *options)
    for pid in server.worker_pids():
        server.forget_descriptors(pid)  # pools that it keeps, and their servers
    clients: list[RawClient] = []

    def connect() -> RawClient:
        if has_tls:
            clients.append(TlsClient(server.endpoint, authority.client_context()))
        else:
            clients.append(RawClient(server.endpoint))
        return clients[-1]

    made = Site(server, connect, "greenlets" in kind)
    yield made
    for client in clients:
        client.close()
    for pid in made.sleepers:
        os.kill(pid, signal.SIGKILL)


@pytest.fixture(params=KINDS)
def site(
    request: pytest.FixtureRequest, start_server: Starter, authority: Authority, pair: Pair
) -> Iterator[Site]:
    yield from site_of(request.param, start_server, authority, pair)


@pytest.fixture(params=KINDS)
def shared_site(
    request: pytest.FixtureRequest, borrow_server: Starter, authority: Authority, pair: Pair
) -> Iterator[Site]:
    """One whose worker forks for one test after the other, as it does for requests."""
    yield from site_of(request.param, borrow_server, authority, pair)


def has_of_the_server(pid: int) -> list[str]:
    """What a process has open that is no file and no pipe."""
    return [line for line in processes.descriptors(pid) if "socket:" in line or "event" in line]


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
def test_processes_compute_for_a_request(shared_site: Site, method: str) -> None:
    # With gevent's patches a Pool never ends, and pipes are non-blocking where Connection does not
    # expect that, with and without a server.
    ways = ["executor"] if shared_site.is_gevent else ["pool", "executor", "process"]
    pid = shared_site.get("/").text
    for way in ways:
        assert shared_site.get(f"/{way}/{method}").text == "14", way
    assert shared_site.get("/").text == pid


@pytest.mark.parametrize("kind", ["fork", "process", "library", "preexec", "program", "spawn"])
def test_others_do_not_notice_a_process_that_lives_on(shared_site: Site, kind: str) -> None:
    pid = shared_site.get("/").text
    idle = [shared_site.connect() for _ in range(6)]
    assert {client.request("GET", "/").text for client in idle} == {pid}
    child = shared_site.sleeper(kind)
    for client in idle[:3]:
        client.reset()
    for client in idle[3:5]:
        client.close()
    whole = "".join(f"block {number}\n" for number in range(5))
    for _ in range(6):
        assert shared_site.get("/stream").text == whole
        assert idle[5].request("GET", "/").text == pid
    idle[5].close()
    wait_until(lambda: processes.rests(int(pid)), "the worker sleeps")
    assert processes.alive(child)
    if kind not in ("library", "fork", "process"):
        assert has_of_the_server(child) == []


@pytest.mark.parametrize("kind", ["fork", "process"])
def test_forked_process_has_nothing_of_the_server_and_default_signals(
    site: Site, kind: str
) -> None:
    idle = site.connect()
    idle.request("GET", "/")
    child = site.sleeper(kind)
    # The answer may have been faster than the child.
    wait_until(
        lambda: not left_of_the_server(child, site),
        lambda: f"nothing is left: {left_of_the_server(child, site)}",
    )
    assert idle.request("GET", "/").status == 200


def left_of_the_server(child: int, site: Site) -> list[str]:
    """Descriptors of the server's, and signals that do not what they do by default."""
    found = has_of_the_server(child)
    if site.is_gevent:  # it has made a loop for the child
        found = [line for line in found if "event" not in line]
    caught = int(_status(child, "SigCgt"), 16) | int(_status(child, "SigIgn"), 16)
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP, signal.SIGUSR1,
               signal.SIGUSR2, signal.SIGABRT, signal.SIGWINCH, signal.SIGTTIN)  # fmt: skip
    return found + [number.name for number in numbers if caught >> (number - 1) & 1]


def _status(pid: int, name: str) -> str:
    with open(f"/proc/{pid}/status") as file:
        return next(line.split()[1] for line in file if line.startswith(name))


def test_process_that_comes_back_is_ended_with_one_line(site: Site) -> None:
    other = site.connect()
    pid = other.request("GET", "/").text
    for number, kind in enumerate(BACK, 1):
        answer = site.get(f"/child/{kind}")
        if kind == "generator":
            assert answer.text == "before\nafter\n"
        else:
            assert answer.text == pid, kind
        line = site.server.log.wait_for(CAME_BACK, count=number)
        assert f"GET /child/{kind}" in line
        assert "X-Child" not in dict(answer.fields)
        assert other.request("GET", "/").text == pid
    assert len(site.server.log.lines(CAME_BACK)) == len(BACK)
    assert "ValueError('in the child')" in site.server.log.text()


def test_body_that_a_child_reads_too_is_whole_for_the_parent(site: Site) -> None:
    body = os.urandom(3 << 20)
    assert hashlib.sha256(site.get("/child/reads", body).body).digest() == (
        hashlib.sha256(body).digest()
    )


def test_upload_under_way_is_whole_when_a_process_was_forked_meanwhile(site: Site) -> None:
    body = os.urandom(3 << 20)
    client = site.connect()
    head = b"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body)
    client.send(head + body[: 2 << 20])
    pid = site.get("/").text
    site.sleeper("fork")
    assert site.get("/child/exits").text == pid
    client.send(body[2 << 20 :])
    assert client.read_response().body == body


def test_process_told_to_end_ends_and_the_worker_serves_on(site: Site) -> None:
    pid = site.get("/").text
    assert {site.get("/terminated").text for _ in range(5)} == {"-15"}
    before = len(site.server.log.lines("Worker ready"))
    site.server.signal("more")
    site.server.log.wait_for("Worker ready", count=before + 1)
    assert int(pid) in site.server.wait_for_workers(2)
    assert len(site.server.log.lines("Worker ready")) == before + 1


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["loaded", "preloaded"])
@pytest.mark.parametrize("how", ["returns", "exits"])
def test_process_forked_by_the_import_does_not_become_a_worker(
    start_server: Starter, how: str, options: tuple[str, ...]
) -> None:
    server = start_server(APP, *options, env={"FORKING_AT_IMPORT": how})
    assert server.get("/").text in map(str, server.worker_pids())
    (line,) = server.log.lines(CAME_BACK)
    assert "out of the application's import" in line


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["loaded", "preloaded"])
def test_process_that_the_import_leaves_behind_has_nothing_of_the_server(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    env = {"FORKING_AT_IMPORT": "stays", "FORKING_PIDFILE": "child.pid"}
    server = start_server(APP, *options, env=env)
    pidfile = server.files / "child.pid"
    child = int(wait_until(lambda: pidfile.exists() and pidfile.read_text(), "the child says"))
    assert has_of_the_server(child) == []
    os.kill(child, signal.SIGTERM)
    wait_until(lambda: not processes.alive(child), "SIGTERM ends it")
    assert server.get("/").status == 200


HOOK = """
import os, signal

def when_ready(server):
    pid = os.fork()
    if pid == 0 and os.fork() == 0:
        with open("child.pid", "w") as file:
            file.write(str(os.getpid()))
        signal.pause()
    if pid:
        os.waitpid(pid, 0)
"""


def test_process_forked_by_a_hook_of_the_arbiter_is_no_second_arbiter(
    start_server: Starter,
) -> None:
    server = start_server(APP, config=HOOK)
    assert "out of the hook when_ready" in server.log.wait_for(CAME_BACK)
    pidfile = server.files / "child.pid"
    child = int(wait_until(lambda: pidfile.exists() and pidfile.read_text(), "the child says"))
    assert has_of_the_server(child) == []
    os.kill(child, signal.SIGTERM)
    wait_until(lambda: not processes.alive(child), "SIGTERM ends it")
    assert len(server.log.lines("Worker ready")) == 1
