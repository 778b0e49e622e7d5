"""The start: what is logged, what is refused before anything is forked, what is left behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import fastfork
from tests.conftest import Starter
from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.log import Log
from tests.kit.server import environment
from tests.kit.waiting import wait_until

APP = "supervised:app"


def test_log_begins_with_what_runs_where(start_server: Starter) -> None:
    server = start_server(APP, workers=2)
    lines = [line.partition("[INFO] ")[2] for line in server.log.lines("[INFO]")]
    address = "http://{}:{}".format(*server.endpoint)
    assert lines[0] == f"Starting fastfork {fastfork.__version__}"
    assert lines[1] == f"Listening at: {address} ({server.pid})"
    assert lines[2] == "Using worker: sync"
    ready = {f"Worker ready (pid: {pid})" for pid in server.worker_pids()}
    assert set(lines[3:5]) == ready


def test_log_tells_how_many_threads_serve(start_server: Starter) -> None:
    server = start_server(APP, "--threads", "25")
    server.log.wait_for("Using worker: gthread, 25 threads")


def test_log_at_debug_names_the_parser(start_server: Starter) -> None:
    server = start_server(APP, "--log-level", "debug")
    assert re.search(r"\[DEBUG\] Using parser: (httptools|native)", server.log.text())


def test_config_file_of_gunicorns_that_is_fine_is_no_warning(start_server: Starter) -> None:
    config = "worker_tmp_dir = '/tmp'\ncontrol_socket_disable = True\n"
    server = start_server(APP, config=config)
    server.signal("reload")
    server.log.wait_for("Reload complete")
    assert not server.log.lines("[WARNING]")
    for said in ("worker_tmp_dir: is not needed", "settings that are not needed here: control_"):
        assert len(server.log.lines(said)) == 1


@pytest.mark.effect("bind")
def test_every_address_is_listened_on(start_server: Starter, tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    server = start_server(APP, "-b", "127.0.0.1:0", "-b", f"unix:{path}", "-b", "[::1]:0")
    line = server.log.lines("Listening at: ")[0]
    assert re.search(rf"http://127.0.0.1:\d+, unix:{path}, http://\[::1\]:\d+ \(", line)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
    server.signal("TERM")
    assert server.wait_exit() == 0
    assert not path.exists()


def test_socket_of_a_running_server_is_refused_and_kept(
    start_server: Starter, tmp_path: Path
) -> None:
    path = tmp_path / "app.sock"
    first = start_server(APP, "-b", f"unix:{path}")
    second = start_server(APP, "-b", f"unix:{path}", ready=False)
    assert second.wait_exit() == 1
    assert f"[CRITICAL] bind: unix:{path} is in use; " in second.log.text()
    assert "Traceback" not in second.log.text()
    assert first.get("/pid").status == 200


def test_socket_of_a_killed_server_is_taken_over(start_server: Starter, tmp_path: Path) -> None:
    path = tmp_path / "app.sock"
    first = start_server(APP, "-b", f"unix:{path}")
    first.signal("KILL")
    first.wait_exit()
    wait_until(lambda: not first.worker_pids(), "the workers are gone")
    second = start_server(APP, "-b", f"unix:{path}")
    assert second.get("/pid").status == 200


@pytest.mark.effect("pidfile")
def test_pid_file_names_the_arbiter_and_goes_with_it(start_server: Starter, tmp_path: Path) -> None:
    path = tmp_path / "app.pid"
    server = start_server(APP, "--pid", str(path))
    assert path.read_text() == f"{server.pid}\n"
    server.signal("TERM")
    assert server.wait_exit() == 0
    assert not path.exists()


def test_pid_file_of_a_running_server_refuses_a_second_one(
    start_server: Starter, tmp_path: Path
) -> None:
    path = tmp_path / "app.pid"
    first = start_server(APP, "--pid", str(path))
    second = start_server(APP, "--pid", str(path), ready=False)
    assert second.wait_exit() == 1
    assert f"already running: {path} names process {first.pid}" in second.log.text()
    assert path.read_text() == f"{first.pid}\n"


def test_pid_file_of_a_killed_server_is_replaced(start_server: Starter, tmp_path: Path) -> None:
    path = tmp_path / "app.pid"
    first = start_server(APP, "--pid", str(path))
    first.signal("KILL")
    first.wait_exit()
    second = start_server(APP, "--pid", str(path))
    assert path.read_text() == f"{second.pid}\n"


def test_descriptor_that_nobody_passed_on_is_one_clear_line(start_server: Starter) -> None:
    server = start_server(APP, "-b", "fd://77", ready=False)
    assert server.wait_exit() == 1
    assert "bind: fd://77: file descriptor 77 is not an inherited socket" in server.log.text()


@pytest.mark.effect("preload_app")
def test_preloaded_application_is_loaded_once_and_anew_by_a_reload(
    start_server: Starter, tmp_path: Path
) -> None:
    module = tmp_path / "module"
    module.write_text("first")
    env = {"SUPERVISED_FILE": str(module), "SUPERVISED_FAREWELL": str(tmp_path / "farewell")}
    server = start_server(APP, "--preload", workers=2, env=env)
    module.write_text("second")
    first = server.worker_pids()
    os.kill(first[0], signal.SIGKILL)
    server.log.wait_for("Worker ready", count=3)
    assert server.get("/module").text == "first"
    server.signal("reload")
    server.log.wait_for("Reload complete")
    server.wait_for_workers(2, without=first)
    assert server.get("/module").text == "second"


@pytest.mark.effect("chdir", "raw_env")
def test_directory_and_environment_are_set_before_the_application_loads(
    start_server: Starter, tmp_path: Path
) -> None:
    module = tmp_path / "module"
    module.write_text("first")
    (tmp_path / "elsewhere.py").write_text("from supervised import app as application\n")
    server = start_server(
        "elsewhere:application",
        "--chdir",
        str(tmp_path),
        "-e",
        "SUPERVISED_FILE=module",
        "-e",
        "COLOUR=red=blue",
    )
    assert server.get("/cwd").text == str(tmp_path)
    assert server.get("/environ/COLOUR").text == "red=blue"
    assert server.get("/module").text == "first"


@pytest.mark.effect("pythonpath")
def test_path_of_the_application_can_be_given(start_server: Starter, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.py").write_text("from supervised import app\n")
    server = start_server("elsewhere:app", "--pythonpath", f"/nowhere,{tmp_path}")
    assert server.get("/pid").status == 200


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="Linux shows it in /proc")
@pytest.mark.effect("proc_name")
def test_processes_have_the_name_that_was_asked_for(start_server: Starter) -> None:
    server = start_server(APP, "--name", "shop-behind-a-long-name")
    for pid in [server.pid, *server.worker_pids()]:
        shown = Path(f"/proc/{pid}/comm").read_text() + Path(f"/proc/{pid}/cmdline").read_text()
        assert "shop-behind-a-l" in shown


def test_later_worker_has_no_more_descriptors_than_the_first(start_server: Starter) -> None:
    server = start_server(APP)
    (first,) = server.worker_pids()
    had = len(processes.descriptors(first))
    server.signal("reload")
    server.log.wait_for("Reload complete")
    (second,) = server.wait_for_workers(1, without=[first])
    wait_until(lambda: len(processes.descriptors(second)) == had, "as many descriptors")


def test_boot_that_fails_is_told_on_the_terminal_too(
    start_server: Starter, tmp_path: Path, server_files: Path
) -> None:
    module = tmp_path / "module"
    module.write_text("raise")
    path = server_files / "error.txt"
    server = start_server(
        APP, "--error-logfile", str(path), ready=False, env={"SUPERVISED_FILE": str(module)}
    )
    assert server.wait_exit() == 3
    assert "refused on purpose" in path.read_text()
    assert server.log.text() == (
        f"fastfork: supervised cannot be imported: RuntimeError: refused on purpose. See {path}\n"
    )


def test_closed_standard_descriptors_are_not_given_to_sockets_and_logs(tmp_path: Path) -> None:
    log = Log(tmp_path / "error.txt")
    command = [sys.executable, "-P", "-m", "fastfork", "--bind", "127.0.0.1:0"]
    options = ["--error-logfile", str(log.path), APP]
    server = subprocess.Popen(
        ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command, *options],
        cwd=tmp_path,
        env=environment({}),
        start_new_session=True,
    )
    try:
        log.wait_for("Worker ready")
        for pid in [server.pid, *processes.children(server.pid)]:
            shown = processes.descriptors(pid)
            assert {f"{number} -> /dev/null" for number in range(3)} <= set(shown)
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0
    finally:
        server.kill()
        server.wait()


def test_closed_standard_input_is_opened_before_other_modules_are_imported(tmp_path: Path) -> None:
    """One that opens a file for good while it is imported would get the descriptor."""
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in ('fastfork.errors', 'fastfork.cli.start', 'fastfork._core'):\n"
        "            os.fstat(0)\n"
        "            print('looked at', name)\n"
        "sys.meta_path.insert(0, Finder())\n"
    )
    command = [sys.executable, "-m", "fastfork", "--check-config", APP]
    ran = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *command],
        cwd=tmp_path,
        env=environment({}) | {"PYTHONPATH": f"{tmp_path}:{environment({})['PYTHONPATH']}"},
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert "looked at fastfork.errors" in ran.stdout


def test_standard_error_that_nobody_reads_stops_nothing(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while os.write(writer, b"x" * 4096):
            pass
    except BlockingIOError:
        os.set_blocking(writer, True)
    path = tmp_path / "app.sock"
    server = subprocess.Popen(
        [sys.executable, "-P", "-m", "fastfork", "--bind", f"unix:{path}", APP],
        cwd=tmp_path,
        env=environment({}),
        stderr=writer,
        start_new_session=True,
    )
    try:
        wait_until(path.exists, "the server listens")
        with RawClient(str(path)) as client:
            assert client.request("GET", "/pid", [("Connection", "close")]).status == 200
        server.send_signal(signal.SIGHUP)
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0
    finally:
        server.kill()
        server.wait()
        os.close(reader)
        os.close(writer)


@pytest.mark.parametrize("options", [(), ("--preload",), ("--threads", "4")])
def test_asgi_application_is_refused_with_the_option_to_give(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    server = start_server("asgi_hello:app", *options, ready=False)
    assert server.wait_exit() == 4
    assert server.log.wait_for("asgi_hello:app is an ASGI application").endswith(
        "and this worker serves WSGI; give the option -k asgi"
    )
