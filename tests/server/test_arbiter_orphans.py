"""Workers whose arbiter was killed: they finish and go, whatever they are doing."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

APP = "supervised:app"

needs_parent_death_signal = pytest.mark.skipif(
    not Path("/proc/self/comm").exists(), reason="prctl(PR_SET_PDEATHSIG) is Linux's"
)


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "module"
    path.write_text("")
    return path


def kill_arbiter(server: RunningServer) -> None:
    server.signal("KILL")
    server.wait_exit()


def wait_until_gone(server: RunningServer, seconds: float) -> None:
    wait_until(lambda: not processes.in_session(server.pid), "the workers are gone", seconds)


def test_idle_orphans_go_at_once(start_server: Starter) -> None:
    server = start_server(APP, workers=2)
    kill_arbiter(server)
    wait_until_gone(server, 2)
    assert server.log.lines("The arbiter is gone; worker")


@needs_parent_death_signal
def test_orphan_that_still_loads_just_exits(start_server: Starter, module: Path) -> None:
    module.write_text("hang")
    server = start_server(APP, ready=False, env={"SUPERVISED_FILE": str(module)})
    server.log.wait_for("Using worker")
    server.wait_for_workers(1)
    kill_arbiter(server)
    wait_until_gone(server, 2)


@needs_parent_death_signal
@pytest.mark.effect("graceful_timeout")
def test_orphan_that_does_not_finish_ends_with_its_stacks_in_the_log(
    start_server: Starter,
) -> None:
    server = start_server(APP, "--graceful-timeout", "0.5")
    server.connect().send_request(target="/block")
    server.log.wait_for("The application gets /block")
    kill_arbiter(server)
    wait_until_gone(server, 4)
    text = server.log.text()
    assert "Timeout (" in text
    assert "in block" in text


@needs_parent_death_signal
def test_orphan_answers_the_request_that_it_has(start_server: Starter, module: Path) -> None:
    module.write_text("wait")
    server = start_server(APP, env={"SUPERVISED_FILE": str(module)})
    client = server.connect()
    client.send_request(target="/wait")
    server.log.wait_for("The application gets /wait")
    kill_arbiter(server)
    server.log.wait_for("The arbiter is gone; worker")
    module.write_text("go")
    assert client.read_response().status == 200
    client.close()
    wait_until_gone(server, 2)


def test_orphan_does_not_wait_for_ever_for_a_thread_of_the_application(
    start_server: Starter,
) -> None:
    server = start_server(APP, "--graceful-timeout", "0.5")
    assert server.get("/thread").status == 200
    kill_arbiter(server)
    wait_until_gone(server, 4)
    assert "Timeout (" in server.log.text()


def test_drain_lasts_as_long_as_the_arbiter_lets_it(start_server: Starter) -> None:
    server = start_server(APP, "--graceful-timeout", "0.5")
    server.connect().send_request(target="/block")
    server.log.wait_for("The application gets /block")
    server.signal("stop")
    assert server.wait_exit() == 0
    text = server.log.text()
    assert "Worker did not finish in time; killing it" in text
    assert "Timeout (" not in text
