"""Workers that die: replaced, told of in words, slower when it goes on and on."""

from __future__ import annotations

import os
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
    """What the application does when it is imported: raise, exit N, hang, or nothing."""
    path = tmp_path / "module"
    path.write_text("")
    return path


def start(start_server: Starter, module: Path, *options: str, **more: object) -> RunningServer:
    return start_server(APP, *options, env={"SUPERVISED_FILE": str(module)}, **more)


def test_killed_worker_is_replaced_and_its_end_put_in_words(start_server: Starter) -> None:
    server = start_server(APP)
    (victim,) = server.worker_pids()
    os.kill(victim, signal.SIGKILL)
    server.log.wait_for(
        f"Worker was killed by SIGKILL (Killed); perhaps out of memory (pid: {victim})"
    )
    server.wait_for_workers(1, without=[victim])
    assert server.get("/pid").status == 200


def test_death_in_a_request_names_the_request(start_server: Starter) -> None:
    server = start_server(APP)
    (victim,) = server.worker_pids()
    server.connect().send_request(target="/block?a=1")
    server.log.wait_for("The application gets /block")
    os.kill(victim, signal.SIGKILL)
    server.log.wait_for(f"(pid: {victim}) while serving: GET /block?a=1 HTTP/1.1")


def test_young_worker_that_is_told_to_go_is_no_crash(start_server: Starter) -> None:
    server = start_server(APP)
    for count in range(2, 4):
        os.kill(server.worker_pids()[0], signal.SIGTERM)
        server.log.wait_for("Worker ready", count=count)
        server.wait_for_workers(1)
    assert "soon after their start" not in server.log.text()


def test_worker_that_exits_by_itself_is_replaced(start_server: Starter) -> None:
    server = start_server(APP)
    (victim,) = server.worker_pids()
    server.connect().send_request(target="/exit/7")
    server.log.wait_for(f"Worker exited with code 7 (pid: {victim})")
    server.wait_for_workers(1, without=[victim])


@pytest.mark.parametrize(
    ("app", "code", "reason"),
    [
        (APP, 3, "refused on purpose"),
        ("supervised:no_such_name", 4, "has no attribute 'no_such_name'"),
    ],
)
@pytest.mark.parametrize("preload", [[], ["--preload"]])
def test_first_boot_that_fails_ends_the_server(
    start_server: Starter, module: Path, app: str, code: int, reason: str, preload: list[str]
) -> None:
    if code == 3:
        module.write_text("raise")
    server = start_server(
        app, *preload, workers=2, ready=False, env={"SUPERVISED_FILE": str(module)}
    )
    if code == 3:
        server.expect_alarm(reason)
    assert server.wait_exit() == code
    last = server.log.text().splitlines()[-1]
    if code == 3:  # what has no such name is refused before there is a log
        assert "[ERROR] Stopped (exit code 3): " in last
    assert reason in last


def test_traceback_of_a_failed_boot_is_the_users_and_comes_before_the_reason(
    start_server: Starter, module: Path
) -> None:
    module.write_text("raise")
    server = start(start_server, module, ready=False)
    server.expect_alarm("refused on purpose")
    assert server.wait_exit() == 3
    text = server.log.text()
    assert text.index("supervised.py") < text.index("Reason: Worker failed to boot.")
    assert "importlib" not in text
    assert "fastfork/workers" not in text


def test_boot_that_fails_later_does_not_end_the_server(start_server: Starter, module: Path) -> None:
    server = start(start_server, module, workers=2)
    server.expect_alarm("refused on purpose")
    module.write_text("raise")
    victim, other = server.worker_pids()
    os.kill(victim, signal.SIGKILL)
    server.log.wait_for("Workers die soon after their start; the next one starts in 0.4 s")
    assert server.get("/pid").text == str(other)
    module.write_text("")
    server.log.wait_for("Worker ready", count=3)
    server.wait_for_workers(2, without=[victim])


def test_crash_loop_is_slowed_down_and_told_once_a_level(
    start_server: Starter, module: Path
) -> None:
    server = start(start_server, module, workers=2)
    module.write_text("exit 7")
    for pid in server.worker_pids():
        os.kill(pid, signal.SIGKILL)
    for seconds in ("0.1", "0.2", "0.4", "0.8"):
        server.log.wait_for(f"the next one starts in {seconds} s")
    assert len(server.log.lines("the next one starts in 0.4 s")) == 1
    module.write_text("")
    server.wait_for_workers(2)


def test_reload_does_not_wait_for_the_back_off(start_server: Starter, module: Path) -> None:
    server = start(start_server, module)
    module.write_text("exit 7")
    os.kill(server.worker_pids()[0], signal.SIGKILL)
    server.log.wait_for("the next one starts in 1.6 s")
    module.write_text("")
    server.signal("reload")
    server.log.wait_for("Worker ready", count=2, timeout=1.4)


def test_stop_is_not_held_up_by_the_back_off(start_server: Starter, module: Path) -> None:
    server = start(start_server, module)
    module.write_text("exit 7")
    os.kill(server.worker_pids()[0], signal.SIGKILL)
    server.log.wait_for("the next one starts in 1.6 s")
    server.signal("TERM")
    assert server.wait_exit(1.4) == 0


def test_worker_killed_while_it_loads_is_tried_again(start_server: Starter, module: Path) -> None:
    module.write_text("hang")
    server = start(start_server, module, ready=False)
    server.log.wait_for("Using worker")
    (victim,) = server.wait_for_workers(1)
    module.write_text("")
    os.kill(victim, signal.SIGKILL)
    server.log.wait_for("Worker ready")


def test_server_whose_application_hangs_while_it_loads_can_be_stopped(
    start_server: Starter, module: Path
) -> None:
    module.write_text("hang")
    server = start(start_server, module, "--graceful-timeout", "60", workers=2, ready=False)
    server.log.wait_for("Using worker")
    server.wait_for_workers(2)
    server.signal("TERM")
    assert server.wait_exit(5) == 0
    assert "Traceback" not in server.log.text()


def test_workers_of_a_killed_arbiter_finish_by_themselves(start_server: Starter) -> None:
    server = start_server(APP, workers=2)
    server.signal("KILL")
    server.wait_exit()
    wait_until(lambda: not processes.in_session(server.pid), "the workers are gone")


def test_worker_that_served_enough_is_replaced_before_it_has_gone(start_server: Starter) -> None:
    server = start_server(APP, "--max-requests", "1")
    for _ in range(4):
        (worker,) = server.worker_pids()
        assert server.get("/pid").text == str(worker)
        server.wait_for_workers(1, without=[worker])
    assert "soon after their start" not in server.log.text()


def test_exit_handlers_of_the_application_run(start_server: Starter, tmp_path: Path) -> None:
    farewell = tmp_path / "farewell"
    server = start_server(APP, workers=2, env={"SUPERVISED_FAREWELL": str(farewell)})
    pids = server.worker_pids()
    server.signal("TERM")
    assert server.wait_exit() == 0
    assert sorted(farewell.read_text().split()) == sorted(str(pid) for pid in pids)


def test_each_worker_has_random_numbers_of_its_own(start_server: Starter) -> None:
    server = start_server(APP, "--preload", "--max-requests", "1")
    drawn = set()
    for _ in range(4):
        (worker,) = server.worker_pids()
        drawn.add(server.get("/random").text)
        server.wait_for_workers(1, without=[worker])
    assert len(drawn) == 4


def test_orphan_of_the_application_is_reaped_in_silence(start_server: Starter) -> None:
    server = start_server(APP)
    assert server.get("/pid").status == 200
    assert processes.children(server.pid) == server.worker_pids()
