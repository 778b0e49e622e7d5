"""Applications that configure logging, and the server's logs beside them.

Runs in: cli
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence

import pytest

from tests.conftest import Starter
from tests.kit.programs import library
from tests.kit.response import Response
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "reconfiguring:app"
LOGS = ("--error-logfile", "server.log", "--access-logfile", "a.log")
FORMAT = ("--access-logformat", "%(m)s %(U)s")

WAYS = {
    "one thread": [],
    "threads": ["--threads", "4"],
    "gevent": ["-k", "gevent"],
    "preload": ["--preload"],
    "captured": ["--capture-output"],
    "preload, threads": ["--preload", "--threads", "2"],
}
HOWS = ("dictConfig", "disabling", "fileConfig", "shutdown", "disable")
CASES = [("one thread", how) for how in HOWS] + [(way, "disabling") for way in list(WAYS)[1:]]


class Held:
    """A request that the application answers when it is let go."""

    def __init__(self, server: RunningServer, name: str) -> None:
        self._files = server.files
        self._name = name
        self._answers: list[Response] = []
        self._thread = threading.Thread(
            target=lambda: self._answers.append(server.get(f"/held/{name}"))
        )
        self._thread.start()
        wait_until((server.files / f"{name}.in").exists, f"the application has {name}")

    def let_go(self) -> Response:
        """The answer."""
        (self._files / f"{self._name}.out").touch()
        self._thread.join(20)
        assert self._answers, f"{self._name} was not answered"
        return self._answers[0]


def start(
    start_server: Starter, way: str, how: str, *options: str, config: str = ""
) -> RunningServer:
    if "gevent" in way:
        library("gevent")
    return start_server(APP, *LOGS, *WAYS[way], *options, env={"HOW": how}, config=config)


@pytest.mark.parametrize(("way", "how"), CASES)
def test_signals_find_the_logs_as_they_were_and_lose_no_request(
    start_server: Starter, way: str, how: str
) -> None:
    server = start(start_server, way, how)
    assert server.get("/log").status == 200
    server.log.wait_for("[WARNING] logged by the application")
    server.get("/err")
    text = server.log.wait_for("LookupError: raised by the application")
    assert text
    moved = server.files / "moved.log"
    server.log.path.rename(moved)

    running = Held(server, "reopen")
    server.signal("reopen")
    wait_until(server.log.path.exists, "a new file")
    assert running.let_go().text == "done"
    wait_until(lambda: _told_in_the_new_file(server), "a line in the new file")

    running = Held(server, "reload")
    server.signal("reload")
    server.log.wait_for("Worker ready")
    assert running.let_go().text == "done"
    server.log.wait_for("Reload complete", timeout=30)

    running = Held(server, "stop")
    server.signal("stop")
    server.log.wait_for("Stopping; running requests have")
    assert running.let_go().text == "done"
    assert server.wait_exit() == 0
    every = moved.read_text() + server.log.text()
    assert "code 255" not in every
    access = (server.files / "a.log").read_text()
    assert all(f"/held/{name}" in access for name in ("reopen", "reload", "stop"))


def _told_in_the_new_file(server: RunningServer) -> bool:
    server.get("/log")
    return "logged by the application" in server.log.text()


@pytest.mark.parametrize("way", ["one thread", "threads", "gevent", "preload"])
def test_stacks_of_a_stuck_worker_come_to_the_error_log_also_when_it_was_moved(
    start_server: Starter, way: str
) -> None:
    """What faulthandler writes, it writes to a number, and that stays the error log's."""
    server = start(start_server, way, "dictConfig")
    (worker,) = server.worker_pids()
    os.kill(worker, signal.SIGUSR2)
    server.log.wait_for("(most recent call first)")
    server.log.path.rename(server.files / "moved.log")
    server.signal("reopen")
    wait_until(server.log.path.exists, "a new file")

    def stacks_come() -> bool:
        os.kill(worker, signal.SIGUSR2)
        return "(most recent call first)" in server.log.text()

    wait_until(stacks_come, "stacks in the new file")


NO_HEALTH = """
import logging
class NoHealth(logging.Filter):
    def filter(self, record):
        return "/healthz" not in record.getMessage()
def quiet(log):
    log.addFilter(NoHealth())
"""
PLACES = {
    "config file": 'quiet(logging.getLogger("gunicorn.access"))\n',
    "on_starting": "def on_starting(server):\n    quiet(server.log.access_log)\n",
    "post_worker_init": "def post_worker_init(worker):\n    quiet(worker.log.access_log)\n",
    "our name": 'def post_fork(server, worker):\n    quiet(logging.getLogger("fastfork.access"))\n',
}


@pytest.mark.parametrize(
    ("place", "way"),
    [(place, "one thread") for place in PLACES]
    + [("post_worker_init", way) for way in ("threads", "gevent", "preload")],
)
def test_filter_on_the_access_logger_keeps_health_checks_out(
    start_server: Starter, place: str, way: str
) -> None:
    server = start(start_server, way, "", *FORMAT, config=NO_HEALTH + PLACES[place])
    for _reload in range(2):
        for path in ("/healthz", "/page", "/healthz"):
            assert server.get(path).status == 200
        if _reload == 0:
            server.signal("reload")
            server.log.wait_for("Reload complete", timeout=30)
    server.signal("stop")
    assert server.wait_exit() == 0
    lines = (server.files / "a.log").read_text().splitlines()
    assert lines == ["GET /page", "GET /page"]


@pytest.mark.parametrize("way", ["one thread", "threads", "gevent"])
def test_level_that_is_set_while_requests_are_served_counts_from_then_on(
    start_server: Starter, way: str
) -> None:
    server = start(start_server, way, "", *FORMAT)
    server.get("/before")
    server.get("/quiet")
    access = server.files / "a.log"
    wait_until(lambda: "GET /quiet" in access.read_text() or _ask(server), "the loop looked again")

    def is_silent() -> bool:
        before = access.read_text()
        for _ in range(3):
            server.get("/after")
        return access.read_text() == before

    wait_until(is_silent, "no line any more")


def _ask(server: RunningServer) -> bool:
    return server.get("/more").status != 200


def lines_of(server: RunningServer, level: str) -> Sequence[str]:
    return server.log.lines(f"[{level}]")


@pytest.mark.effect("loglevel")
@pytest.mark.parametrize("way", ["one thread", "threads", "gevent"])
def test_debug_tells_settings_connections_and_decisions(start_server: Starter, way: str) -> None:
    config = "raw_env = ['SHOP_KEY=do-not-tell']"
    server = start(
        start_server, way, "", "--log-level", "debug", "--keep-alive", "0.3", config=config
    )
    with server.connect() as client:
        assert client.request("GET", "/kept").status == 200
        server.log.wait_for("is closed: no other request came within keepalive")
    server.get("/last")
    server.log.wait_for("is closed: its last answer is sent")
    with server.connect() as client:
        assert client.request("GET", "/left").status == 200
    server.log.wait_for("is closed: its client has ended it")
    server.signal("reload")
    server.log.wait_for("Reload complete", timeout=30)
    text = server.log.text()
    assert "[DEBUG] Setting keepalive: 300ms" in text
    assert "[DEBUG] Setting raw_env: SHOP_KEY\n" in text
    assert "do-not-tell" not in text
    assert "of ip=127.0.0.1 is accepted" in text
    assert "of ip=127.0.0.1 asks: GET /kept" in text
    assert "[DEBUG] Signal SIGHUP: " in text
    assert "is told to go (pid: " in text
    assert "is started (pid: " in text


def test_info_tells_nothing_of_that(start_server: Starter) -> None:
    server = start(start_server, "one thread", "")
    server.get("/")
    assert not lines_of(server, "DEBUG")
