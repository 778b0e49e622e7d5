"""boot_timeout, max_rss, and how many replacements at a time.

Runs in: cli
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.waiting import wait_until

APP = "supervised:app"


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "module"
    path.write_text("")
    return path


@pytest.mark.effect("boot_timeout")
def test_first_import_that_hangs_ends_the_server_and_says_where(
    start_server: Starter, module: Path
) -> None:
    module.write_text("hang")
    env = {"SUPERVISED_FILE": str(module)}
    server = start_server(APP, "--boot-timeout", "0.5", ready=False, env=env)
    assert server.wait_exit(15) == 3
    text = server.log.text()
    assert "Worker has loaded the application for more than boot_timeout, 0.5 s" in text
    assert "while serving: no request, it loads the application" in text
    assert "time.sleep(FOREVER)" in text
    assert "Reason: Worker failed to boot." in text


def test_replacement_that_hangs_in_its_import_ends_the_reload(
    start_server: Starter, module: Path
) -> None:
    env = {"SUPERVISED_FILE": str(module)}
    server = start_server(APP, "--boot-timeout", "0.5", workers=2, env=env)
    before = server.worker_pids()
    module.write_text("hang")
    server.signal("reload")
    server.log.wait_for("Reload ended: the replacement did not start")
    assert server.wait_for_workers(2) == before
    assert server.get("/pid").status == 200


def test_later_import_that_hangs_is_tried_again_with_patience(
    start_server: Starter, module: Path
) -> None:
    env = {"SUPERVISED_FILE": str(module)}
    server = start_server(APP, "--boot-timeout", "0.3", workers=2, env=env)
    module.write_text("hang")
    victim, other = server.worker_pids()
    os.kill(victim, signal.SIGKILL)
    server.log.wait_for("more than boot_timeout", count=2)
    server.log.wait_for("Workers die soon after their start; the next one starts in 0.2 s")
    assert server.get("/pid").text == str(other)
    module.write_text("")
    server.wait_for_workers(2, without=[victim])
    server.log.wait_for("Worker ready", count=3, timeout=20)


@pytest.mark.effect("max_rss")
def test_worker_that_has_grown_is_replaced_without_a_gap(start_server: Starter) -> None:
    server = start_server("growing:app", "--max-rss", "150M", workers=1)
    (before,) = server.worker_pids()
    client = server.connect()
    assert client.request("GET", "/grow/200").text == str(before)
    server.log.wait_for("more than max_rss; it serves until its replacement is ready")
    server.log.wait_for("Worker ready", count=2)
    # The kept connection is served once more, and told.
    server.wait_for_workers(1, without=[before])
    assert server.get("/grow/0").text == str(server.worker_pids()[0])


def test_limit_below_what_the_application_needs_does_not_fork_without_end(
    start_server: Starter,
) -> None:
    server = start_server(APP, "--max-rss", "1M")
    server.log.wait_for(
        "Workers are above max_rss soon after their start; the next one starts in 0.2"
    )
    assert server.get("/pid").status == 200
    assert len(server.log.lines("Worker ready")) < 6


@pytest.mark.effect("reload_parallel")
def test_two_replacements_at_a_time_if_asked(start_server: Starter, module: Path) -> None:
    env = {"SUPERVISED_FILE": str(module)}
    server = start_server(APP, "--reload-parallel", "2", workers=4, env=env)
    before = server.worker_pids()
    module.write_text("hang")
    server.signal("reload")
    six = server.wait_for_workers(6)
    assert six[:4] == before
    module.write_text("")
    for pid in set(six) - set(before):
        os.kill(pid, signal.SIGKILL)
    server.log.wait_for("Reload ended")
    server.signal("reload")
    server.log.wait_for("Reload complete")
    wait_until(lambda: not set(server.worker_pids()) & set(before), "all are new")
