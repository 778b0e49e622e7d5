"""`fastfork.testing.running_server`: a real server for other people's test suites."""

from __future__ import annotations

import faulthandler
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from fastfork.embed.keywords import NOT_HERE
from fastfork.errors import AppNotFound, ConfigError, ServerFailed
from fastfork.testing import RunningServer, running_server
from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.waiting import wait_until


def saying(word: str) -> Callable[..., Iterable[bytes]]:
    """A closure, as tests have them."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        print("asked for", environ["PATH_INFO"])
        start_response("200 OK", [("Content-Length", str(len(word)))])
        return [word.encode()]

    return app


def get(server: RunningServer, target: str = "/") -> str:
    with RawClient((server.host, server.port)) as client:
        return client.request("GET", target, [("Connection", "close")]).text


def gone(server: RunningServer, pids: Iterable[int]) -> bool:
    return not any(processes.alive(pid) for pid in [server.pid, *pids])


def test_closure_is_served_on_a_port_of_the_kernels() -> None:
    with running_server(saying("hello"), workers=2) as server:
        wait_until(lambda: len(server.pids()) == 2, "two workers")
        pids = server.pids()
        assert server.url == f"http://127.0.0.1:{server.port}"
        assert get(server, "/a") == "hello"
        assert "asked for /a" in server.log
        assert server.is_alive()
    assert gone(server, pids)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((server.host, server.port))


def test_name_is_served() -> None:
    with running_server("fastfork.demo:app") as server:
        assert get(server)


def test_nothing_is_left_open_in_the_tests() -> None:
    with running_server(saying("warm")):  # modules that are imported on the way
        pass
    before = processes.descriptors(os.getpid())
    with running_server(saying("x")) as server:
        get(server)
    assert processes.descriptors(os.getpid()) == before


def test_several_servers_stand_side_by_side_and_end_in_any_order() -> None:
    with ExitStack() as stack, ExitStack() as first:
        one = first.enter_context(running_server(saying("one")))
        two = stack.enter_context(running_server(saying("two")))
        assert (get(one), get(two)) == ("one", "two")
        first.close()
        assert gone(one, [])
        assert get(two) == "two"


def test_servers_are_started_from_threads_while_others_run() -> None:
    stop = threading.Event()
    busy = threading.Thread(target=stop.wait)
    busy.start()

    def serve(word: str) -> str:
        with running_server(saying(word)) as server:
            return get(server)

    try:
        with ThreadPoolExecutor(3) as pool:
            assert list(pool.map(serve, ["a", "b", "c"])) == ["a", "b", "c"]
    finally:
        stop.set()
        busy.join()


def test_server_outlives_the_thread_that_started_it() -> None:
    with ExitStack() as stack:
        found: list[RunningServer] = []

        def start() -> None:
            found.append(stack.enter_context(running_server(saying("still"))))

        thread = threading.Thread(target=start)
        thread.start()
        thread.join()
        assert get(found[0]) == "still"


def test_time_limit_of_the_tests_does_not_hold_up_the_end_of_the_server() -> None:
    """faulthandler's thread, which pytest may have, is not there in a fork that waits for it."""
    faulthandler.dump_traceback_later(300)
    try:
        with running_server(saying("x"), graceful_timeout=5) as server:
            get(server)
        assert "Worker exited (pid: " in server.log
    finally:
        faulthandler.cancel_dump_traceback_later()


def test_hup_reloads() -> None:
    with running_server(saying("x")) as server:
        (old,) = server.pids()
        os.kill(server.pid, signal.SIGHUP)
        wait_until(lambda: "Reload complete" in server.log, "the reload")
        wait_until(lambda: old not in server.pids(), "the old worker goes")
        assert get(server) == "x"


def test_unix_socket_has_a_url_and_no_port(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with running_server(saying("x"), bind=f"unix:{path}") as server:
        assert (server.url, server.host, server.port) == (f"unix:{path}", "", 0)
        with RawClient(str(path)) as client:
            assert client.request("GET", "/", [("Connection", "close")]).text == "x"


def test_environment_and_config_files_of_the_machine_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "fastfork.conf.py").write_text("1 / 0\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PORT", "nonsense")
    monkeypatch.setenv("FASTFORK_CMD_ARGS", "--nonsense")
    with running_server(saying("x")) as server:
        assert get(server) == "x"


# -- what goes wrong


def test_bad_settings_are_told_before_anything_starts() -> None:
    with pytest.raises(ConfigError) as refused, running_server(saying("x"), workres=1, daemon=True):
        pass
    instead = NOT_HERE["daemon"]
    assert str(refused.value).splitlines() == [
        "workres: there is no such setting; did you mean workers? (running_server())",
        f"daemon: not for a server that is started from code; {instead} (running_server())",
    ]


def test_setting_of_gunicorn_that_is_not_here_is_told_with_what_to_do() -> None:
    with (
        pytest.raises(ConfigError, match=r"dirty_apps: a setting of gunicorn that is not here \("),
        running_server(saying("x"), dirty_apps=["a:b"]),
    ):
        pass


def test_settings_that_change_what_the_application_sees_are_in_effect() -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("200 OK", [("Content-Length", "0")])
        return []

    with (
        running_server(app, server_header="shop") as server,
        RawClient((server.host, server.port)) as client,
    ):
        answer = client.request("GET", "/", [("Connection", "close")])
    assert answer.all("server") == ["shop"]


def test_what_cannot_be_called_is_told_before_anything_starts() -> None:
    with pytest.raises(AppNotFound, match="None is no application"), running_server(None):  # type: ignore[arg-type]
        pass


def test_application_of_the_other_interface_is_refused() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None: ...

    wanted = "is an ASGI application .* give the option -k asgi"
    with pytest.raises(ServerFailed, match=wanted), running_server(app):
        pass


def test_asgi_application_is_served_where_the_worker_class_says_so() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "http"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"hello"})

    with (
        running_server(app, worker_class="asgi") as server,
        RawClient((server.host, server.port)) as client,
    ):
        assert client.request("GET", "/").body == b"hello"


def test_application_that_does_not_load_is_raised_with_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_shop.py").write_text("import nothing_of_this_name\napp = 1\n")
    with (
        pytest.raises(ServerFailed) as failed,
        running_server("broken_shop:app", chdir=str(tmp_path)),
    ):
        pass
    assert str(failed.value).startswith("the server ended with exit code 3 before it was ready")
    assert "No module named 'nothing_of_this_name'" in str(failed.value)
    assert failed.value.exit_code == 3
    assert failed.value.log in str(failed.value)


def test_name_that_is_not_there_is_raised_with_what_to_type() -> None:
    with (
        pytest.raises(ServerFailed, match=r"did you mean fastfork\.demo:app") as failed,
        running_server("fastfork.demo:ap"),
    ):
        pass
    assert failed.value.exit_code == 4


def test_port_in_use_is_raised_with_the_log() -> None:
    with running_server(saying("x")) as first:
        taken = f"127.0.0.1:{first.port}"
        with (
            pytest.raises(ServerFailed, match=f"bind: http://{taken} is in use"),
            running_server(saying("y"), bind=taken),
        ):
            pass
        assert get(first) == "x"


def test_server_that_is_not_ready_in_time_is_ended_and_raised(tmp_path: Path) -> None:
    text = "import threading\nthreading.Event().wait(60)\napp = 1\n"
    (tmp_path / "slow_shop.py").write_text(text)
    before = processes.children(os.getpid())
    with (
        pytest.raises(ServerFailed, match=r"not ready within 0\.5 s; its log:\n") as late,
        running_server("slow_shop:app", chdir=str(tmp_path), start_timeout=0.5),
    ):
        pass
    assert "Starting fastfork" in late.value.log
    assert processes.children(os.getpid()) == before


def test_error_of_the_block_passes_and_the_server_is_gone() -> None:
    seen: list[RunningServer] = []

    def use() -> None:
        with running_server(saying("x")) as server:
            seen.append(server)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        use()
    assert gone(seen[0], [])
    assert "Stopped (exit code 0)" in seen[0].log


def test_server_that_hangs_is_killed_and_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastfork.testing.server.STOP_MARGIN", 0.2)
    stack = ExitStack()
    server = stack.enter_context(running_server(saying("x"), graceful_timeout=0))
    pids = server.pids()
    os.kill(server.pid, signal.SIGSTOP)
    with pytest.raises(ServerFailed, match=r"did not stop within 0\.2 s and was killed"):
        stack.close()
    assert gone(server, pids)


def test_server_that_the_test_has_killed_is_no_error() -> None:
    with running_server(saying("x")) as server:
        pids = server.pids()
        os.kill(server.pid, signal.SIGKILL)
        wait_until(lambda: not server.is_alive(), "it is gone")
    assert gone(server, pids)


def test_what_the_application_has_started_goes_too() -> None:
    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        body = str(child.pid).encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    with running_server(app) as server:
        pid = int(get(server))
        assert processes.alive(pid)
    wait_until(lambda: not processes.alive(pid), "its child is killed")
