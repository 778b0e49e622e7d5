"""preload_app and refork: workers forked from a template, which a reload makes anew.

Runs in: cli
"""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "supervised:app"


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "module"
    path.write_text("first")
    return path


@pytest.fixture
def server(start_server: Starter, module: Path) -> RunningServer:
    env = {"SUPERVISED_FILE": str(module)}
    return start_server(APP, "--preload", workers=2, config="", env=env)


def templates(server: RunningServer) -> list[int]:
    """Pids of the live templates."""
    pids = re.findall(r"Template ready \(pid: (\d+)\)", server.log.text())
    return [int(pid) for pid in pids if processes.alive(int(pid))]


def test_arbiter_never_loads_the_application_and_workers_are_its_children(
    server: RunningServer,
) -> None:
    (template,) = templates(server)
    maps = Path(f"/proc/{server.pid}/maps").read_text()
    assert processes.children(template) == []
    assert len(server.worker_pids()) == 2
    assert "_ctypes_test" not in maps
    assert server.get("/pid").text in map(str, server.worker_pids())


def test_new_application_that_does_not_load_leaves_the_old_one_serving(
    server: RunningServer, module: Path
) -> None:
    server.expect_alarm("refused on purpose")
    before = server.worker_pids()
    module.write_text("raise")
    server.signal("reload")
    server.log.wait_for("Reload ended: the new template did not start")
    assert server.worker_pids() == before
    # The old template is still there to fork from.
    os.kill(before[0], signal.SIGKILL)
    server.log.wait_for("Worker ready", count=3)
    assert server.get("/module").text == "first"
    module.write_text("second")
    server.signal("reload")
    server.log.wait_for("Reload complete")
    server.wait_for_workers(2, without=before)
    assert server.get("/module").text == "second"
    wait_until(lambda: len(templates(server)) == 1, "one template is left")


def test_template_that_is_killed_is_made_again(server: RunningServer) -> None:
    (template,) = templates(server)
    before = server.worker_pids()
    os.kill(template, signal.SIGKILL)
    server.log.wait_for("Template was killed by SIGKILL (Killed); perhaps out of memory")
    server.log.wait_for("Template ready", count=2)
    assert server.worker_pids() == before
    os.kill(before[0], signal.SIGKILL)
    server.wait_for_workers(2, without=before[:1])
    assert server.get("/module").text == "first"


def test_stop_while_the_template_loads(start_server: Starter, module: Path) -> None:
    module.write_text("hang")
    env = {"SUPERVISED_FILE": str(module)}
    server = start_server(APP, "--preload", ready=False, env=env)
    server.log.wait_for("Template loads the application")
    server.signal("stop")
    assert server.wait_exit(10) == 0


def test_template_that_loads_for_too_long_ends_the_first_start(
    start_server: Starter, module: Path
) -> None:
    module.write_text("hang")
    env = {"SUPERVISED_FILE": str(module)}
    server = start_server(APP, "--preload", "--boot-timeout", "0.5", ready=False, env=env)
    server.expect_alarm("time.sleep(FOREVER)")  # where it hangs
    assert server.wait_exit(15) == 3
    assert "more than boot_timeout, 0.5 s" in server.log.text()


def test_workers_and_template_of_a_killed_arbiter_go(server: RunningServer) -> None:
    server.signal("KILL")
    server.wait_exit()
    wait_until(lambda: not processes.in_session(server.pid), "nobody is left", 3)


def test_what_pre_fork_sets_on_a_worker_is_there(start_server: Starter) -> None:
    config = """
preload_app = True
def pre_fork(server, worker):
    worker.colour = "red"
def post_fork(server, worker):
    worker.log.info("colour %s, pid %s", worker.colour, worker.ppid == server.pid)
"""
    server = start_server(APP, config=config)
    server.log.wait_for("colour red, pid True")


HOOKS = """
preload_app = True
refork = 10
def before_refork(server, worker):
    server.log.info("before refork, %d requests", worker.nr)
def after_refork(server, worker):
    server.log.info("after refork, number %d", worker.number)
"""


@pytest.mark.effect("refork", "before_refork", "after_refork")
def test_warm_worker_becomes_the_template_of_the_others(start_server: Starter) -> None:
    server = start_server("lazy:app", config=HOOKS, workers=3)
    (cold,) = templates(server)
    before = server.worker_pids()
    wait_until(lambda: warm_up(server), "ten requests to one worker")
    server.log.wait_for("before refork, ")
    server.log.wait_for("Refork complete")
    workers = server.wait_for_workers(3, without=before)
    wait_until(lambda: not processes.alive(cold), "the cold template has gone")
    (warm,) = templates(server)
    assert warm in before
    # Whoever answers has what the warm one had filled lazily.
    answers = {server.get("/").text for _ in range(12)}
    assert {answer.split()[1] for answer in answers} == {str(warm)}
    assert {int(answer.split()[0]) for answer in answers} <= set(workers)
    assert len(server.log.lines("after refork, number")) >= 3
    # It is done once, and a replacement comes from the warm template too.
    os.kill(workers[0], signal.SIGKILL)
    server.wait_for_workers(3, without=workers[:1])
    assert len(server.log.lines("is warm and becomes the template")) == 1


def warm_up(server: RunningServer) -> bool:
    server.get("/")
    return bool(server.log.lines("is warm and becomes the template"))


def test_reload_after_a_refork_brings_new_code_and_may_refork_again(
    start_server: Starter,
) -> None:
    server = start_server("lazy:app", config=HOOKS, workers=2)
    for round_ in range(1, 3):
        wait_until(
            lambda count=round_: (
                server.get("/").status == 200
                and len(server.log.lines("is warm and becomes the template")) >= count
            ),
            "ten requests to one worker",
        )
        server.log.wait_for("Refork complete", count=round_)
        server.signal("reload")
        server.log.wait_for("Reload complete", count=round_)
    wait_until(lambda: len(templates(server)) == 1, "one template is left")


def test_hook_that_fails_before_a_refork_costs_a_worker_and_nothing_else(
    start_server: Starter,
) -> None:
    config = "preload_app = True\nrefork = 5\ndef before_refork(server, worker): 1 / 0\n"
    server = start_server("lazy:app", config=config, workers=2)
    server.expect_alarm("ZeroDivisionError")
    wait_until(lambda: warm_up(server), "five requests to one worker")
    server.log.wait_for("the hook before_refork failed")
    server.log.wait_for("there is no refork")
    server.wait_for_workers(2)
    assert server.get("/").status == 200
