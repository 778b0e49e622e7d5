"""Every hook, in the process and at the moment that its page says."""

from __future__ import annotations

import os
import signal

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.waiting import wait_until

APP = "supervised:app"

# Each hook appends a line: its name, "arbiter" or "worker", and what it saw.
NOTES = """
import os

def note(name, *seen):
    where = "arbiter" if os.getpid() == server_pid else "worker"
    with open("notes", "a") as file:
        print(name, where, *seen, file=file)

server_pid = os.getpid()
def on_starting(server): note("on_starting", server.pid == os.getpid(), os.path.exists("pid"))
def when_ready(server): note("when_ready", len(server.LISTENERS), server.address[0][0])
def nworkers_changed(server, new, old): note("nworkers_changed", new, old)
def pre_fork(server, worker):
    worker.colour = "red"
    note("pre_fork", worker.pid, worker.age, worker.number, worker.ppid == server.pid)
def post_fork(server, worker): note("post_fork", worker.colour, worker.booted, worker.wsgi)
def post_worker_init(worker): note("post_worker_init", callable(worker.wsgi), worker.booted)
def worker_ready(server, worker):
    note("worker_ready", worker.colour, list(server.WORKERS).count(worker.pid), worker.alive)
def worker_int(worker): note("worker_int", worker.pid == os.getpid())
def worker_abort(worker): note("worker_abort", worker.pid == os.getpid())
def pre_exec(server): note("pre_exec", server.pid == server_pid)
def pre_request(worker, req):
    req.seen = "once"
    note("pre_request", req.method, req.path, worker.booted)
def post_request(worker, req, environ, resp):
    note("post_request", req.seen, environ["PATH_INFO"], resp.status_code, resp.sent)
def child_exit(server, worker):
    note("child_exit", getattr(worker, "colour", "template"), worker.alive)
def worker_exit(server, worker): note("worker_exit", worker.pid == os.getpid())
def on_reload(server): note("on_reload", server.num_workers)
def on_exit(server): note("on_exit", os.path.exists("pid"), len(server.WORKERS))
"""


def notes(server: object) -> list[str]:
    path = server.files / "notes"  # type: ignore[attr-defined]
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["plain", "preload"])
@pytest.mark.effect(
    "on_starting", "when_ready", "nworkers_changed", "pre_fork", "post_fork", "post_worker_init",
    "worker_ready", "pre_request", "post_request", "child_exit", "worker_exit", "on_exit",
)  # fmt: skip
def test_hooks_are_called_in_order_and_in_their_process(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    server = start_server(APP, "--pid", "pid", *options, config=NOTES)
    wait_until(lambda: any("worker_ready" in line for line in notes(server)), "worker_ready")
    assert server.get("/pid").status == 200
    wait_until(lambda: notes(server)[-1].startswith("post_request"), "post_request")
    first = notes(server)
    assert first == [
        "nworkers_changed arbiter 1 None",
        "on_starting arbiter True True",
        "when_ready arbiter 1 127.0.0.1",
        "pre_fork arbiter None 1 0 True",
        "post_fork worker red False None",
        "post_worker_init worker True False",
        "worker_ready arbiter red 1 True",
        "pre_request worker GET /pid True",
        f"post_request worker once /pid 200 {len(str(server.worker_pids()[0]))}",
    ]
    server.signal("stop")
    assert server.wait_exit() == 0
    *exits, last = notes(server)[len(first) :]
    assert last == "on_exit arbiter False 0"
    template = ["child_exit arbiter template False"] if "--preload" in options else []
    assert sorted(exits) == sorted(
        ["worker_exit worker True", "child_exit arbiter red False", *template]
    )


@pytest.mark.effect("on_reload")
def test_reload_calls_on_reload_before_the_first_fork(start_server: Starter) -> None:
    server = start_server(APP, config=NOTES)
    before = len(notes(server))
    server.signal("reload")
    server.log.wait_for("Reload complete")
    names = [line.split()[0] for line in notes(server)[before:]]
    assert names.index("on_reload") < names.index("pre_fork")
    assert "nworkers_changed arbiter 1 1" in notes(server)


def test_number_of_workers_is_told_when_it_changes(start_server: Starter) -> None:
    server = start_server(APP, config=NOTES)
    server.signal("more")
    server.wait_for_workers(2)
    server.signal("fewer")
    server.wait_for_workers(1)
    told = [line for line in notes(server) if line.startswith("nworkers_changed")]
    assert told == [f"nworkers_changed arbiter {pair}" for pair in ("1 None", "2 1", "1 2")]


@pytest.mark.effect("worker_int")
def test_worker_that_must_leave_at_once_calls_worker_int(start_server: Starter) -> None:
    server = start_server(APP, config=NOTES)
    server.signal("quit")
    assert server.wait_exit() == 0
    assert "worker_int worker True" in notes(server)
    assert notes(server).index("worker_int worker True") < notes(server).index(
        "worker_exit worker True"
    )


@pytest.mark.effect("worker_abort")
def test_silent_worker_calls_worker_abort(start_server: Starter) -> None:
    server = start_server(APP, "--timeout", "1", config=NOTES)
    client = server.connect()
    client.send(b"GET /block HTTP/1.1\r\nHost: a\r\n\r\n")
    server.log.wait_for("Worker aborted")
    wait_until(lambda: "worker_abort worker True" in notes(server), "worker_abort")
    wait_until(lambda: "child_exit arbiter red False" in notes(server), "child_exit")


@pytest.mark.effect("pre_exec")
def test_upgrade_calls_pre_exec_and_starts_again(start_server: Starter) -> None:
    server = start_server(APP, config=NOTES)
    server.signal("USR2")
    line = server.log.wait_for("Upgrading; the new arbiter is process")
    new = int(line.rpartition(" ")[2])
    server.log.wait_for("Worker ready", count=2)
    names = [line.split()[0] for line in notes(server)]
    again = names.index("pre_exec")
    assert names[again + 1 : again + 4] == ["nworkers_changed", "on_starting", "when_ready"]
    assert notes(server)[again] == "pre_exec worker True"
    os.kill(new, signal.SIGTERM)
    server.log.wait_for("The new arbiter ended")
    wait_until(lambda: not processes.alive(new), "the new program is gone")


def test_killed_worker_calls_only_child_exit(start_server: Starter) -> None:
    server = start_server(APP, config=NOTES)
    (pid,) = server.worker_pids()
    os.kill(pid, signal.SIGKILL)
    server.wait_for_workers(1, without=[pid])
    assert "child_exit arbiter red False" in notes(server)
    assert "worker_exit worker True" not in notes(server)


RAISING = """
def raising(*_): raise RuntimeError("refused on purpose")
on_starting = when_ready = nworkers_changed = pre_fork = worker_ready = raising
worker_int = child_exit = worker_exit = on_reload = on_exit = post_request = raising
"""


def test_hooks_that_raise_are_named_and_stop_nothing(start_server: Starter) -> None:
    server = start_server(APP, config=RAISING)
    server.expect_alarm("refused on purpose")
    assert server.get("/pid").status == 200
    server.signal("reload")
    server.log.wait_for("Reload complete")
    assert server.get("/pid").status == 200
    server.signal("stop")
    assert server.wait_exit() == 0
    names = "on_starting when_ready nworkers_changed pre_fork worker_ready child_exit worker_exit"
    for name in (*names.split(), "on_reload", "on_exit", "post_request"):
        assert f"The hook {name} raised" in server.log.text()


def test_pre_request_that_raises_is_named_and_answered_with_500(start_server: Starter) -> None:
    server = start_server(APP, config="def pre_request(worker, req): raise KeyError('no such')")
    server.expect_alarm("KeyError: 'no such'")
    assert server.get("/pid").status == 500
    server.log.wait_for("The hook pre_request raised; the request is answered with 500")


def test_worker_whose_post_fork_raises_has_not_booted(start_server: Starter) -> None:
    config = "def post_fork(server, worker): raise RuntimeError('refused on purpose')"
    server = start_server(APP, config=config, ready=False)
    server.expect_alarm("the hook post_fork failed: RuntimeError: refused on purpose")
    assert server.wait_exit() == 3


def test_worker_whose_post_worker_init_raises_has_not_booted(start_server: Starter) -> None:
    config = "def post_worker_init(worker): raise RuntimeError('refused on purpose')"
    server = start_server(APP, config=config, ready=False)
    server.expect_alarm("the hook post_worker_init failed: RuntimeError: refused on purpose")
    assert server.wait_exit() == 3


def test_on_starting_may_refuse_the_start(start_server: Starter) -> None:
    config = "import sys\ndef on_starting(server): sys.exit(9)\ndef on_exit(server): print('end')"
    server = start_server(APP, "--pid", "pid", config=config, ready=False)
    assert server.wait_exit() == 9
    assert server.log.text().endswith("end\n")
    assert not (server.files / "pid").exists()


def test_hook_that_cannot_be_called_is_refused_at_the_start(start_server: Starter) -> None:
    server = start_server(APP, config="def on_exit(): pass", ready=False)
    assert server.wait_exit() == 1
    assert "cannot be called with (server); write def on_exit(server): (" in server.log.text()


def test_failed_start_calls_on_exit_and_leaves_no_pid_file(start_server: Starter) -> None:
    first = start_server(APP)
    host, port = first.endpoint
    config = "def on_exit(server): server.log.info('the end')"
    options = ("-b", f"{host}:{port}", "--pid", "pid")
    server = start_server(APP, *options, config=config, ready=False)
    assert server.wait_exit() == 1
    assert "is in use" in server.log.text()
    assert "the end" in server.log.text()
    assert not (server.files / "pid").exists()
