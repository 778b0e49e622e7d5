"""The end of a worker: nothing that the application has left to do is cut, within its time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.client import RawClient
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "ending:app"
KINDS = {
    "one thread": (),
    "threads": ("--threads", "3"),
    "gevent": ("-k", "gevent"),
    "preload": ("--preload",),
}
kinds = pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)


def start(start_server: Starter, where: Path, *options: str) -> RunningServer:
    return start_server(APP, *options, env={"ENDING_DIR": str(where)})


def told(where: Path) -> list[str]:
    path = where / "told"
    return path.read_text().split() if path.exists() else []


def end(server: RunningServer, how: str) -> None:
    """End the only worker, and wait until it has gone."""
    (pid,) = server.worker_pids()
    server.signal(how)
    if how == "stop":
        assert server.wait_exit() == 0
    else:
        server.wait_for_workers(1, without=[pid])
        server.log.wait_for(f"Worker exited (pid: {pid})")


@kinds
@pytest.mark.parametrize("how", ["stop", "reload"])
def test_what_is_in_the_buffer_of_a_file_is_written_at_the_end(
    start_server: Starter, tmp_path: Path, options: tuple[str, ...], how: str
) -> None:
    server = start(start_server, tmp_path, *options)
    for _ in range(5):
        assert server.get("/write").status == 200
    end(server, how)
    assert (tmp_path / "lines").read_text() == "a line\n" * 5


@kinds
def test_finalizers_and_exit_handlers_run_once_at_the_end(
    start_server: Starter, tmp_path: Path, options: tuple[str, ...]
) -> None:
    server = start(start_server, tmp_path, *options)
    assert server.get("/cycle").status == 200
    server.signal("stop")
    assert server.wait_exit() == 0
    words = told(tmp_path)
    # What was there before the fork is the template's, and ends with that.
    assert words.count("del") == 1
    assert words.count("cycle") == 1
    assert "atexit" in words


def test_buffer_of_before_the_fork_is_written_once(start_server: Starter, tmp_path: Path) -> None:
    (tmp_path / "early.py").write_text(
        "from ending import app, lines\nlines.write('early\\n')\nkept = lines\n"
    )
    server = start_server(
        "early:app", "--preload", "--pythonpath", str(tmp_path), workers=2,
        env={"ENDING_DIR": str(tmp_path)},
    )  # fmt: skip
    server.signal("stop")
    assert server.wait_exit() == 0
    assert (tmp_path / "lines").read_text() == "early\n"


@kinds
@pytest.mark.parametrize("how", ["stop", "reload"])
def test_thread_that_a_request_has_started_may_finish(
    start_server: Starter, tmp_path: Path, options: tuple[str, ...], how: str
) -> None:
    server = start(start_server, tmp_path, "--graceful-timeout", "10", *options)
    assert server.get("/").text == "ok"
    assert server.get("/thread").status == 200
    end(server, how)
    assert "thread" in told(tmp_path)


def test_thread_that_takes_longer_than_a_silence_is_still_waited_for(
    start_server: Starter, tmp_path: Path
) -> None:
    server = start(
        start_server, tmp_path, "--threads", "2", "--graceful-timeout", "10", "--timeout", "0.5"
    )
    assert server.get("/thread").status == 200
    end(server, "reload")
    assert "thread" in told(tmp_path)
    assert "TIMEOUT" not in server.log.text()


def test_thread_that_never_ends_costs_graceful_timeout(
    start_server: Starter, tmp_path: Path
) -> None:
    server = start_server("supervised:app", "--threads", "2", "--graceful-timeout", "0.5")
    assert server.get("/thread").status == 200
    server.signal("stop")
    assert server.wait_exit(5) == 0


@kinds
@pytest.mark.parametrize("how", ["stop", "reload"])
def test_finally_of_a_stream_whose_client_has_left_is_not_cut(
    start_server: Starter, tmp_path: Path, options: tuple[str, ...], how: str
) -> None:
    server = start(start_server, tmp_path, "--graceful-timeout", "10", *options)
    client = server.connect()
    client.send_request(target="/stream")
    assert client.sock.recv(17) == b"HTTP/1.1 200 OK\r\n"
    client.reset()
    wait_until(lambda: "leaving" in told(tmp_path), "the client is missed")
    end(server, how)
    assert "finally" in told(tmp_path)


@kinds
def test_stop_does_not_wait_long_for_an_idle_client(
    start_server: Starter, tmp_path: Path, options: tuple[str, ...]
) -> None:
    server = start(start_server, tmp_path, "--keep-alive", "60", *options)
    idle = server.connect()
    assert idle.request("GET", "/").status == 200
    server.signal("stop")
    assert server.wait_exit(1.9) == 0
    idle.expect_end()


@pytest.mark.parametrize("where", ["raise", "late"])
@pytest.mark.parametrize(
    "name", ["KeyboardInterrupt", "SystemExit", "GeneratorExit", "CancelledError", "OwnError"]
)
@kinds
def test_exception_of_any_kind_ends_its_request_and_nobody_else(
    borrow_server: Starter, options: tuple[str, ...], name: str, where: str
) -> None:
    server = borrow_server(APP, *options)
    server.expect_alarm(name)
    pids = server.worker_pids()
    beside = server.connect()
    assert beside.request("GET", "/").status == 200
    client = server.connect()
    client.send_request(target=f"/{where}/{name}")
    if where == "raise":
        assert client.read_response().status == 500
    else:
        drained(client)
    server.log.wait_for(f"Error handling request GET /{where}/{name}")
    assert beside.request("GET", "/").status == 200
    assert server.worker_pids() == pids


def drained(client: RawClient) -> None:
    """Read until the end of the connection; the last chunk must not come."""
    got = b""
    while data := client.sock.recv(4096):
        got += data
    assert got.endswith(b"block\r\n")
