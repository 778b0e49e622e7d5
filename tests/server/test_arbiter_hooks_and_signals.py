"""What hooks, the config file and whoever starts the server do to the arbiter's process.

Runs in: cli
"""

from __future__ import annotations

import os
import signal
import sys

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.waiting import wait_until

TAKES = {
    "ignores": "for n in TAKEN: signal.signal(n, signal.SIG_IGN)",
    "handles": "for n in TAKEN: signal.signal(n, lambda *_: None)",
    "holds back": "signal.pthread_sigmask(signal.SIG_BLOCK, TAKEN)",
    "runs an event loop": "import asyncio\n    loop = asyncio.new_event_loop()\n"
    "    loop.add_signal_handler(signal.SIGTERM, print)\n    loop.close()",
    "ends by broken pipes": "signal.signal(signal.SIGPIPE, signal.SIG_DFL)",
}
HOOK = """
import signal
TAKEN = [signal.SIGCHLD, signal.SIGTERM, signal.SIGHUP, signal.SIGINT]
def when_ready(server):
    {code}
"""


@pytest.mark.parametrize("options", [(), ("--preload",)])
@pytest.mark.parametrize("name", TAKES)
def test_arbiter_hears_its_signals_whatever_a_hook_does_with_them(
    start_server: Starter, name: str, options: tuple[str, ...]
) -> None:
    config = HOOK.format(code=TAKES[name])
    server = start_server("supervised:app", *options, workers=2, config=config)
    before = server.worker_pids()
    os.kill(before[0], signal.SIGKILL)
    server.log.wait_for("was killed by SIGKILL")
    server.wait_for_workers(2, without=before[:1])
    server.signal("reload")
    server.log.wait_for("Reload complete")
    # The fixture stops it by SIGTERM, and waits for its exit code.
    takes = name in ("ignores", "handles", "runs an event loop")
    assert takes == ("SIGTERM was taken by a hook" in server.log.text())


def test_config_file_that_takes_signals_when_it_is_read_again(start_server: Starter) -> None:
    server = start_server("supervised:app", workers=2, config="")
    server.write_config("import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n")
    server.signal("reload")
    server.log.wait_for("Reload complete")
    server.log.wait_for("SIGTERM was taken by a hook or the config file")
    server.signal("stop")
    assert server.wait_exit() == 0


REAPING = """
import os, threading, time
def reap():
    while True:
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            time.sleep(0.001)
def when_ready(server):
    threading.Thread(target=reap, daemon=True).start()
"""


@pytest.mark.parametrize("options", [(), ("--preload",)])
def test_workers_whose_end_other_code_has_waited_for_are_missed_and_replaced(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    server = start_server("supervised:app", *options, workers=2, config=REAPING)
    before = server.worker_pids()
    os.kill(before[0], signal.SIGKILL)
    server.wait_for_workers(2, without=before[:1])
    server.signal("reload")
    server.log.wait_for("Reload complete")
    server.wait_for_workers(2, without=before)
    server.signal("stop")
    assert server.wait_exit() == 0


def test_template_and_new_program_whose_end_other_code_has_waited_for_are_missed(
    start_server: Starter,
) -> None:
    server = start_server("supervised:app", "--preload", config=REAPING)
    line = server.log.wait_for("Template ready")
    os.kill(int(line.rstrip(")").split()[-1]), signal.SIGKILL)
    server.log.wait_for("Template ready", count=2)
    server.signal("USR2")
    line = server.log.wait_for("Upgrading; the new arbiter is process")
    os.kill(int(line.split()[-1]), signal.SIGKILL)
    server.log.wait_for("The new arbiter ended")


def test_watcher_whose_end_other_code_has_waited_for_is_missed(start_server: Starter) -> None:
    server = start_server("supervised:app", "--reload", config=REAPING)
    server.log.wait_for("Watching the code")
    worker = int(server.get("/pid").text)
    for pid in server.worker_pids():
        if pid != worker:
            os.kill(pid, signal.SIGKILL)
    server.log.wait_for("Watching the code", count=2)


def test_server_that_is_started_with_signals_held_back_hears_them(start_server: Starter) -> None:
    held = (
        "import os, signal, sys; signal.pthread_sigmask(signal.SIG_BLOCK, {1, 2, 10, 15, 17}); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    server = start_server("supervised:app", workers=2, through=(sys.executable, "-c", held))
    (first, _) = server.worker_pids()
    os.kill(first, signal.SIGTERM)
    server.wait_for_workers(2, without=[first])
    server.signal("stop")
    assert server.wait_exit() == 0


def test_broken_standard_output_of_the_arbiter_costs_no_worker(start_server: Starter) -> None:
    config = """
import sys
class Broken:
    def write(self, text): pass
    def flush(self): raise BrokenPipeError
def when_ready(server):
    sys.stdout = Broken()
def on_exit(server):
    sys.stdout = sys.__stdout__
"""
    server = start_server("supervised:app", workers=2, config=config)
    before = server.worker_pids()
    os.kill(before[0], signal.SIGKILL)
    server.wait_for_workers(2, without=before[:1])


def test_exit_handlers_of_the_config_file_run_once_at_the_end_of_the_server(
    start_server: Starter,
) -> None:
    config = "import atexit, os\natexit.register(lambda: print('handler of', os.getpid()))\n"
    server = start_server("supervised:app", workers=2, config=config)
    for pid in server.worker_pids():
        os.kill(pid, signal.SIGTERM)
        wait_until(lambda pid=pid: not processes.alive(pid), "it has gone")
    server.log.wait_for("Worker ready", count=4)
    server.signal("stop")
    assert server.wait_exit() == 0
    assert server.log.lines("handler of") == [f"handler of {server.pid}"]
