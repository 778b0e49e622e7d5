"""ASGI workers that are replaced and ended under traffic: no request is lost, nothing hangs, each
lifespan ends once, and WebSockets are told.

Runs in: cli
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.conversations import Conversations
from tests.kit.processes import alive
from tests.kit.programs import library
from tests.kit.server import RunningServer
from tests.kit.tls import NAME, Authority
from tests.kit.traffic import Report, Traffic
from tests.kit.waiting import DEADLINE, wait_until

for name in ("fastapi", "httpx"):
    library(name)

import httpx  # noqa: E402
from websockets.exceptions import ConnectionClosed  # noqa: E402
from websockets.sync.client import ClientConnection, connect  # noqa: E402

APP = "asgi_serial:app"
KINDS = {"quick": 90, "slow": 5, "upload": 3, "large": 2}
PATIENCE = 60.0  # seconds for one step, on a machine that is busy with the traffic


class Facts:
    """What the workers have written down."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def of(self, pid: int | None = None) -> list[str]:
        """The facts of one worker, in their order; of all of them for None."""
        if not self.path.exists():
            return []
        lines = [line.split(" ", 1) for line in self.path.read_text().splitlines()]
        return [fact for who, fact in lines if pid in (None, int(who))]

    def pids(self) -> set[int]:
        """Who has written something."""
        return {int(line.split()[0]) for line in self.path.read_text().splitlines()}

    def wait_for(self, fact: str, count: int = 1) -> None:
        wait_until(lambda: self.of().count(fact) >= count, f"{count} x {fact!r}")

    def lifespans_ended_once(self) -> None:
        """Each worker's lifespan has ended, once, and after its last request."""
        for pid in self.pids():
            facts = self.of(pid)
            assert (facts.count("startup"), facts.count("shutdown")) == (1, 1), (pid, facts)
            assert facts[-1] == "shutdown", (pid, facts)


@pytest.fixture
def facts(server_files: Path) -> Facts:
    return Facts(server_files / "facts")


@pytest.fixture
def start(start_server: Starter, facts: Facts) -> Callable[..., RunningServer]:
    def started(*options: str, **how: Any) -> RunningServer:
        always = ("-k", "asgi", "--keep-alive", "30", *options)
        return start_server(APP, *always, env={"FACTS": str(facts.path)}, **how)

    return started


Start = Callable[..., RunningServer]


def traffic_to(server: RunningServer) -> Traffic:
    place = server.endpoint
    absolute = str(server.files / place) if isinstance(place, str) else place
    return Traffic(lambda: absolute, kinds=KINDS)


def goes_on(traffic: Traffic, requests: int = 24) -> None:
    """Wait until so many more requests were answered."""
    goal = traffic.answered() + requests
    wait_until(lambda: traffic.answered() >= goal, f"{requests} more answers", PATIENCE)


def assert_clean(report: Report) -> None:
    print(f"{report.answered} requests answered, {len(report.lost)} lost")
    assert not report.lost, report.lost[:20]
    assert not report.resets, report.resets[:20]
    assert not report.refused, report.refused[:20]


def ended(server: RunningServer) -> None:
    server.signal("stop")
    assert server.wait_exit() == 0


@contextmanager
def open_sockets(server: RunningServer, count: int) -> Iterator[list[ClientConnection]]:
    """WebSockets that have said something."""
    with ExitStack() as stack:
        url = server.url.replace("http", "ws", 1) + "/ws"
        sockets = [stack.enter_context(connect(url)) for _ in range(count)]
        assert [say(socket, "hello") for socket in sockets] == ["hello"] * count
        yield sockets


def say(socket: ClientConnection, words: str) -> str:
    socket.send(words)
    return str(socket.recv(timeout=DEADLINE))


def see_end(socket: ClientConnection) -> int | None:
    """Wait for the end of the conversation.  The code that the server gave, if it gave one."""
    with pytest.raises(ConnectionClosed) as caught:
        socket.recv(timeout=DEADLINE)
    return None if caught.value.rcvd is None else caught.value.rcvd.code


@pytest.mark.slow
def test_reload_loses_no_request(start: Start, facts: Facts) -> None:
    server = start("--graceful-timeout", "60", "--preload", workers=2)
    with traffic_to(server) as traffic:
        goes_on(traffic)
        server.signal("reload")
        server.log.wait_for("Reload complete", timeout=PATIENCE)
        goes_on(traffic)
    assert_clean(traffic.report)
    ended(server)
    assert len(facts.pids()) == 4
    facts.lifespans_ended_once()


@pytest.mark.slow
def test_upgrade_loses_no_request(start: Start, facts: Facts) -> None:
    options = ("--bind", "unix:server.sock", "--pid", "server.pid")
    server = start("--graceful-timeout", "60", *options, workers=2)
    with traffic_to(server) as traffic:
        goes_on(traffic)
        old = server.upgrade()
        os.kill(old, signal.SIGTERM)
        wait_until(lambda: server.process.poll() is not None, "the old arbiter is gone", PATIENCE)
        goes_on(traffic)
    assert_clean(traffic.report)
    pid = server.pid
    server.signal("stop")
    wait_until(lambda: not alive(pid), "the new arbiter is gone")
    assert len(facts.pids()) == 4
    facts.lifespans_ended_once()


@pytest.mark.slow
def test_worker_that_serves_enough_is_replaced_and_loses_no_request(
    start: Start, facts: Facts
) -> None:
    server = start("--max-requests", "100", "--graceful-timeout", "60", workers=2)
    with traffic_to(server) as traffic:
        server.log.wait_for("Worker ready", count=4, timeout=PATIENCE)
    assert_clean(traffic.report)
    ended(server)
    facts.lifespans_ended_once()


def test_term_lets_requests_and_background_tasks_finish(start: Start, facts: Facts) -> None:
    server = start()
    assert server.get("/background").status == 200
    facts.wait_for("background begins")
    with server.connect() as client:
        client.send(b"GET /slow/1 HTTP/1.1\r\nHost: a\r\n\r\n")
        client.send(b"")
        server.get("/quick/2")  # the slow one was read before
        server.signal("stop")
        assert client.read_response().text == "1"
    assert server.wait_exit() == 0
    assert facts.of()[-1] == "shutdown"
    assert {"slow request", "background ends"} < set(facts.of())


def test_reload_closes_web_sockets_at_the_end_of_the_grace(start: Start, facts: Facts) -> None:
    server = start("--graceful-timeout", "2")
    (pid,) = server.worker_pids()
    with open_sockets(server, 5) as sockets:
        server.signal("reload")
        server.log.wait_for("Worker ready", count=2)
        assert [say(socket, "still here") for socket in sockets] == ["still here"] * 5
        assert [see_end(socket) for socket in sockets] == [1012] * 5
    server.wait_for_workers(1, without=[pid])
    assert facts.of(pid) == ["startup", *["disconnect 1012"] * 5, "shutdown"]


@pytest.mark.slow
def test_conversations_go_on_through_reloads(start: Start, facts: Facts) -> None:
    server = start("--graceful-timeout", "2", workers=2)
    with Conversations(server.url.replace("http", "ws", 1) + "/ws") as conversations:
        for number in range(2):
            server.signal("reload")
            server.log.wait_for("Reload complete", count=number + 1, timeout=PATIENCE)
    conversations.assert_clean()
    ended(server)
    facts.lifespans_ended_once()


def test_stop_closes_web_sockets(start: Start, facts: Facts) -> None:
    server = start("--graceful-timeout", "1")
    with open_sockets(server, 3) as sockets:
        server.signal("stop")
        assert [see_end(socket) for socket in sockets] == [1012] * 3
    assert server.wait_exit() == 0
    assert facts.of()[-1] == "shutdown"


def test_enough_web_sockets_replace_a_worker(start: Start) -> None:
    server = start("--max-requests", "3", "--graceful-timeout", "1")
    with open_sockets(server, 3) as sockets:
        server.log.wait_for("Worker ready", count=2)
        assert [see_end(socket) for socket in sockets] == [1012] * 3


def test_startup_that_fails_in_a_reload_leaves_the_old_workers(
    start_server: Starter, tmp_path: Path
) -> None:
    code = (
        "from asgi_hello import app as hello\n"
        "async def app(scope, receive, send):\n"
        "    if scope['type'] != 'lifespan':\n"
        "        return await hello(scope, receive, send)\n"
        "    await receive()\n"
        "    await send({'type': 'lifespan.startup.%s', 'message': 'no database'})\n"
        "    await receive()\n"
        "    await send({'type': 'lifespan.shutdown.complete'})\n"
    )
    (tmp_path / "changing.py").write_text(code % "complete")
    server = start_server("changing:app", "-k", "asgi", "--pythonpath", str(tmp_path))
    (pid,) = server.worker_pids()
    (tmp_path / "changing.py").write_text(code % "failed")
    server.expect_alarm("no database")
    server.signal("reload")
    server.log.wait_for("Reload ended: the replacement did not start")
    assert server.get("/").text == "hello"
    assert server.worker_pids() == [pid]


def test_startup_that_fails_ends_the_server_with_3(start_server: Starter) -> None:
    facts = {"LIFESPAN_FILE": os.devnull}
    server = start_server("asgi_lifespans:failing", "-k", "asgi", ready=False, env=facts)
    server.expect_alarm("no database at db.example")
    assert server.wait_exit() == 3


def test_stop_during_a_slow_startup_ends_the_server(start_server: Starter, tmp_path: Path) -> None:
    (tmp_path / "slow_start.py").write_text(
        "import asyncio, sys\n"
        "async def app(scope, receive, send):\n"
        "    print('starts to start', file=sys.stderr)\n"
        "    await asyncio.sleep(60)\n"
    )
    options = ("-k", "asgi", "--pythonpath", str(tmp_path))
    server = start_server("slow_start:app", *options, ready=False)
    server.log.wait_for("starts to start")
    server.signal("stop")
    assert server.wait_exit(10) == 0


def test_changed_code_is_served_with_reload(start_server: Starter, tmp_path: Path) -> None:
    code = (
        "from fastapi import FastAPI\napp = FastAPI()\n"
        "@app.get('/')\nasync def say() -> str:\n    return '%s'\n"
    )
    path = tmp_path / "changed.py"
    path.write_text(code % "before")
    server = start_server("changed:app", "-k", "asgi", "--reload", "--pythonpath", str(tmp_path))
    assert server.get("/").text == '"before"'
    for pid in processes.in_session(server.process.pid):
        server.forget_descriptors(pid)  # one of them opens more as it watches more
    path.write_text(code % "after!")
    wait_until(lambda: server.get("/").text == '"after!"', "the new code is served", 20)


def test_https_and_wss_are_served(start: Start, authority: Authority) -> None:
    pair = authority.issue("asgi")
    server = start("--certfile", str(pair.certificate), "--keyfile", str(pair.key))
    assert not isinstance(server.endpoint, str)
    context = authority.client_context()
    with httpx.Client(verify=context, trust_env=False) as client:
        body = b"x" * (1 << 20)
        where = f"https://{server.endpoint[0]}:{server.endpoint[1]}"
        how: dict[str, Any] = {"headers": {"Host": NAME}, "extensions": {"sni_hostname": NAME}}
        assert client.get(f"{where}/scope", **how).json()["scheme"] == "https"
        assert client.post(f"{where}/upload/7", content=body, **how).text == f"7 {len(body)}"
        assert len(client.get(f"{where}/large/7", **how).content) == 8 << 20
    place = f"wss://{server.endpoint[0]}:{server.endpoint[1]}/ws"
    with connect(place, ssl=context, server_hostname=NAME) as socket:
        for words in ("hello", "x" * 200_000):
            assert say(socket, words) == words


def test_trusted_proxy_says_who_the_client_is(start: Start) -> None:
    server = start("--forwarded-allow-ips", "127.0.0.1", "--forwarded-client", "x-forwarded-for")
    fields = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "Host": "shop.example"}
    told = httpx.get(f"{server.url}/scope", headers=fields, trust_env=False).json()
    url = "https://shop.example/scope"
    assert told == {"client": ["192.0.2.7", 0], "scheme": "https", "url": url}


def test_hung_thread_does_not_hold_the_end(start_server: Starter, tmp_path: Path) -> None:
    (tmp_path / "hung.py").write_text(
        "import asyncio, time\n"
        "from asgi_hello import app as hello\n"
        "async def app(scope, receive, send):\n"
        "    if scope['type'] == 'http' and scope['path'] == '/hang':\n"
        "        await asyncio.to_thread(time.sleep, 60)\n"
        "    await hello(scope, receive, send)\n"
    )
    options = ("-k", "asgi", "--graceful-timeout", "1", "--pythonpath", str(tmp_path))
    server = start_server("hung:app", *options)
    server.connect().send(b"GET /hang HTTP/1.1\r\nHost: a\r\n\r\n")
    assert server.get("/").text == "hello"
    server.signal("stop")
    assert server.wait_exit(10) == 0
