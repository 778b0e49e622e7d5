"""Workers whose request waits in a system call: signals reach them, and orphans go in time."""

from __future__ import annotations

import os
import signal
import subprocess
import time

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.programs import program
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "blocking:app"
CALLS = ("read", "recv", "waitpid")
HOOKS = """
def worker_abort(worker): print("HOOK abort", worker.pid, flush=True)
def worker_int(worker): print("HOOK int", worker.pid, flush=True)
"""


def waiting(start_server: Starter, call: str, *options: str) -> tuple[RunningServer, int]:
    """A server whose only worker has a request that waits in `call`; and that worker."""
    server = start_server(APP, *options, config=HOOKS)
    (pid,) = server.worker_pids()
    server.connect().send_request(target=f"/{call}")
    server.log.wait_for(f"The application waits in {call}")
    return server, pid


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("options", [(), ("--threads", "2"), ("-k", "gevent")], ids=str)
def test_abort_reaches_a_worker_whose_request_waits_in_a_system_call(
    start_server: Starter, call: str, options: tuple[str, ...]
) -> None:
    if "gevent" in options and call != "read":
        pytest.skip("gevent's own recv() and waitpid() wait in its hub")
    server, pid = waiting(start_server, call, *options)
    os.kill(pid, signal.SIGABRT)
    server.log.wait_for(f"HOOK abort {pid}")
    server.log.wait_for(f"Worker exited with code 1 (aborted) (pid: {pid})")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGQUIT])
def test_quick_stop_reaches_a_worker_whose_request_waits_in_a_system_call(
    start_server: Starter, call: str, signum: signal.Signals
) -> None:
    server, pid = waiting(start_server, call)
    server.signal(signum.name.removeprefix("SIG"))
    server.log.wait_for(f"HOOK int {pid}")
    assert server.wait_exit() == 0


@pytest.mark.parametrize("call", CALLS)
def test_silent_worker_in_a_system_call_is_told_to_abort(start_server: Starter, call: str) -> None:
    server, pid = waiting(start_server, call, "--timeout", "1")
    server.log.wait_for("WORKER TIMEOUT")
    server.log.wait_for(f"HOOK abort {pid}")
    server.log.wait_for(f"Worker exited with code 1 (aborted) (pid: {pid})")


@pytest.mark.parametrize("call", CALLS)
def test_orphan_in_a_system_call_goes_within_graceful_timeout(
    start_server: Starter, call: str
) -> None:
    server, pid = waiting(start_server, call, "--graceful-timeout", "0.5")
    server.signal("KILL")
    server.wait_exit()
    server.log.wait_for("The arbiter is gone; worker")
    wait_until(lambda: not processes.alive(pid), "the orphan has gone", 4)
    assert "Timeout (" in server.log.text()


def test_orphan_that_is_stuck_in_c_goes_within_graceful_timeout(start_server: Starter) -> None:
    server = start_server("supervised:app", "--graceful-timeout", "0.5")
    (pid,) = server.worker_pids()
    server.connect().send_request(target="/stuck")
    server.log.wait_for("The application gets /stuck")
    server.signal("KILL")
    server.wait_exit()
    wait_until(lambda: not processes.alive(pid), "the orphan has gone", 4)
    assert "in stuck" in server.log.text()


def test_signal_of_a_parents_death_means_nothing_while_the_arbiter_lives(
    start_server: Starter,
) -> None:
    server = start_server(APP, "--graceful-timeout", "0.1")
    (pid,) = server.worker_pids()
    os.kill(pid, signal.SIGRTMAX - 5)
    for _ in range(20):
        assert server.get("/").text == str(pid)
    assert "The arbiter is gone" not in server.log.text()


@pytest.mark.parametrize("options", [(), ("--threads", "2"), ("-k", "gevent")], ids=str)
def test_listener_that_somebody_made_blocking_holds_up_nobody(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    server = start_server(APP, "--keep-alive", "30", *options)
    (pid,) = server.worker_pids()
    kept = server.connect()
    assert kept.request("GET", "/listener/blocking").status == 200
    # Somebody comes and is taken: after that a look into an empty queue would wait for ever.
    assert server.get("/").text == str(pid)
    assert kept.request("GET", "/").text == str(pid)
    assert server.get("/").text == str(pid)


@pytest.mark.parametrize("options", [(), ("--threads", "2"), ("-k", "gevent")], ids=str)
def test_listener_made_blocking_while_the_loop_accepts_holds_up_nobody(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    """The next look into the queue comes in the same turn."""
    server = start_server(APP, "--keep-alive", "30", *options)
    (pid,) = server.worker_pids()
    kept = server.connect()
    assert kept.request("GET", "/").text == str(pid)
    for _ in range(3):
        assert server.get("/listener/blocking").text == str(pid)
        assert kept.request("GET", "/").text == str(pid)


@pytest.mark.parametrize("options", [(), ("--threads", "4"), ("-k", "gevent")], ids=str)
def test_call_from_a_debugger_ends_nobody(start_server: Starter, options: tuple[str, ...]) -> None:
    gdb = program("gdb")
    server = start_server(APP, *options)
    (pid,) = server.worker_pids()
    for process in (pid, pid, server.pid):
        command = [gdb, "-p", str(process), "-batch", "-nx", "-ex", "call (int)getpid()"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        if "$1 = " not in done.stdout:
            pytest.skip(f"gdb cannot attach here: {done.stderr.strip()[-200:]}")
        assert server.get("/").text == str(pid)
    wait_until(lambda: processes.rests(pid), "the worker waits again")
    assert server.worker_pids() == [pid]


def test_worker_that_has_missed_a_signal_is_told_again(start_server: Starter) -> None:
    """As one may that comes when the interpreter has looked for the last time before a wait."""
    server = start_server(APP, "--graceful-timeout", "60")
    (pid,) = server.worker_pids()
    assert server.get("/deaf/once").text == str(pid)
    began = time.monotonic()
    server.signal("stop")
    assert server.process.wait(30) == 0
    assert time.monotonic() - began < 30
    assert f"Worker exited (pid: {pid})" in server.log.text()
