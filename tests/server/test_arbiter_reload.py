"""SIGHUP: new settings, new workers, nobody noticing."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Starter
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
    return start_server(APP, workers=2, config="raw_env = ['COLOUR=red']\n", env=env)


def test_every_worker_is_replaced_by_one_with_the_new_settings_and_code(
    server: RunningServer, module: Path
) -> None:
    before = server.worker_pids()
    assert server.get("/environ/COLOUR").text == "red"
    server.write_config("raw_env = ['COLOUR=blue']\n")
    module.write_text("second")
    server.signal("reload")
    server.log.wait_for("Reload complete")
    server.wait_for_workers(2, without=before)
    assert server.get("/environ/COLOUR").text == "blue"
    assert server.get("/module").text == "second"


def test_variable_that_is_dropped_from_the_settings_is_gone(server: RunningServer) -> None:
    server.write_config("")
    server.signal("reload")
    server.log.wait_for("Reload complete")
    server.wait_for_workers(2)
    assert server.get("/environ/COLOUR").text == "-"


def test_old_worker_goes_only_when_its_replacement_is_ready(
    server: RunningServer, module: Path
) -> None:
    before = server.worker_pids()
    module.write_text("hang")
    server.signal("reload")
    (replacement,) = set(server.wait_for_workers(3)) - set(before)
    assert server.get("/module").text == "first"
    os.kill(replacement, signal.SIGKILL)
    server.log.wait_for("Reload ended: the replacement did not start")
    assert server.wait_for_workers(2) == before


def test_broken_settings_are_refused_and_the_old_ones_stay(server: RunningServer) -> None:
    before = server.worker_pids()
    server.write_config("timeout = 'soon'")
    server.signal("reload")
    server.log.wait_for("reload refused: timeout: 'soon'")
    server.write_config("raw_env = ['COLOUR=blue']\n1 / 0")
    server.signal("reload")
    server.log.wait_for("reload refused", count=2)
    server.expect_alarm("ZeroDivisionError")
    assert server.worker_pids() == before
    assert server.get("/environ/COLOUR").text == "red"


def test_replacement_that_fails_to_boot_ends_the_reload_and_the_old_workers_serve_on(
    server: RunningServer, module: Path
) -> None:
    before = server.worker_pids()
    server.expect_alarm("refused on purpose")
    server.write_config("raw_env = ['COLOUR=blue']")
    module.write_text("raise")
    server.signal("reload")
    server.log.wait_for("Reload ended: the replacement did not start")
    assert server.worker_pids() == before
    assert len(server.log.lines("[ERROR] Worker exited with code 3")) == 1
    # The old settings are in force again: also for whoever replaces a worker from now on.
    module.write_text("third")
    os.kill(before[0], signal.SIGKILL)
    server.log.wait_for("Worker ready", count=3)
    os.kill(before[1], signal.SIGKILL)
    server.log.wait_for("Worker ready", count=4)
    assert server.get("/environ/COLOUR").text == "red"
    assert server.get("/module").text == "third"


def test_replacement_that_hangs_in_its_import_does_not_hold_up_the_next_reload(
    server: RunningServer, module: Path
) -> None:
    before = server.worker_pids()
    module.write_text("hang")
    server.signal("reload")
    (hanging,) = set(server.wait_for_workers(3)) - set(before)
    module.write_text("second")
    server.signal("reload")
    server.log.wait_for("Reloading again; the reload under way starts over")
    server.log.wait_for("Reload complete")
    server.wait_for_workers(2, without=[*before, hanging])
    assert server.get("/module").text == "second"
    assert len(server.log.lines("Reload complete")) == 1


def test_reload_that_fails_half_way_takes_back_the_workers_it_had_replaced(
    server: RunningServer, module: Path
) -> None:
    server.expect_alarm("refused on purpose")
    before = server.worker_pids()
    server.write_config("raw_env = ['COLOUR=blue']")
    module.write_text("once")
    server.signal("reload")
    server.log.wait_for("Reload ended: the replacement did not start")
    line = server.log.wait_for("Workers that have the new settings are replaced by some with the")
    converted = int(line.rpartition("(pid: ")[2].rstrip(")"))
    assert converted not in before
    module.write_text("third")
    server.wait_for_workers(2, without=[converted])
    assert before[1] in server.worker_pids()
    assert {server.get("/environ/COLOUR").text for _ in range(6)} == {"red"}


def test_number_made_with_a_signal_outlives_a_reload_that_fails(
    server: RunningServer, module: Path
) -> None:
    before = server.worker_pids()
    module.write_text("hang")
    server.signal("reload")
    (replacement,) = set(server.wait_for_workers(3)) - set(before)
    server.signal("more")
    server.log.wait_for("Workers wanted: 3 (before: 2)")
    module.write_text("second")
    os.kill(replacement, signal.SIGKILL)
    server.log.wait_for("Reload ended: the replacement did not start")
    assert set(before) < set(server.wait_for_workers(3))


def test_config_file_that_interrupts_does_not_end_the_server(server: RunningServer) -> None:
    before = server.worker_pids()
    server.expect_alarm("KeyboardInterrupt")
    server.write_config("raise KeyboardInterrupt")
    server.signal("reload")
    server.log.wait_for("reload refused: KeyboardInterrupt()")
    server.write_config("raise GeneratorExit")
    server.signal("reload")
    server.log.wait_for("reload refused: ", count=2)
    assert server.worker_pids() == before


def test_number_made_with_a_signal_outlives_a_reload(server: RunningServer) -> None:
    server.signal("more")
    server.wait_for_workers(3)
    server.log.wait_for("Worker ready", count=3)
    before = server.worker_pids()
    server.signal("reload")
    server.log.wait_for("Reload complete")
    wait_until(
        lambda: len(set(server.worker_pids()) - set(before)) == 3, "three workers, all of them new"
    )


def test_stop_during_a_reload_is_a_stop(server: RunningServer, module: Path) -> None:
    module.write_text("hang")
    server.signal("reload")
    server.wait_for_workers(3)
    server.signal("TERM")
    assert server.wait_exit(10) == 0


def test_setting_that_needs_a_restart_is_kept_and_named(
    start_server: Starter, server_files: Path
) -> None:
    server = start_server(APP, config="proc_name = 'one'")
    before = server.worker_pids()
    server.write_config("proc_name = 'two'")
    server.signal("reload")
    server.log.wait_for("proc_name changed; restart the server for it: a reload keeps one")
    server.wait_for_workers(1, without=before)


def test_reload_is_quick_because_a_ready_worker_wakes_the_arbiter(server: RunningServer) -> None:
    server.signal("reload")
    server.log.wait_for("Reload complete", timeout=3)


def test_requests_during_reloads_are_all_answered(server: RunningServer) -> None:
    def complete(count: int) -> bool:
        assert server.get("/pid").status == 200
        return len(server.log.lines("Reload complete")) >= count

    for count in range(1, 4):
        server.signal("reload")
        wait_until(partial(complete, count), "the reload is complete")


def test_good_reload_works_after_every_kind_of_bad_one(server: RunningServer, module: Path) -> None:
    server.expect_alarm("refused on purpose")
    before = server.worker_pids()
    server.write_config("1 / 0\n")
    server.signal("reload")
    server.log.wait_for("ZeroDivisionError")
    server.write_config("worker = 3\n")  # a slip of the pen is told, and nothing is guessed
    server.signal("reload")
    server.log.wait_for("worker is not a setting; did you mean workers?")
    server.log.wait_for("Reload complete")
    server.write_config("timeout = 'soon'\n")
    server.signal("reload")
    server.log.wait_for("reload refused: timeout: 'soon' is not a duration; write seconds")
    assert server.get("/environ/COLOUR").text in ("red", "-")
    module.write_text("raise")
    server.write_config("raw_env = ['COLOUR=green']\n")
    server.signal("reload")
    server.log.wait_for("Reload ended: the replacement did not start")
    assert server.get("/environ/COLOUR").text in ("red", "-")
    module.write_text("second")
    server.write_config("raw_env = ['COLOUR=blue']\n")
    complete = len(server.log.lines("Reload complete"))
    server.signal("reload")
    server.log.wait_for("Reload complete", count=complete + 1)
    server.wait_for_workers(2, without=before)
    assert server.get("/environ/COLOUR").text == "blue"
    assert server.get("/module").text == "second"
