"""What may be asked of a running server over the Unix socket of `admin_bind`, and nowhere else."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.admin import ADMIN, admin_pid, ask, endpoint, facts, samples
from tests.kit.client import RawClient
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until


def start(starter: Starter) -> RunningServer:
    bind = ("--admin-bind", "unix:admin.sock")
    return starter("held:app", *ADMIN, *bind, config="workers = 1")


@pytest.fixture
def controlled(start_server: Starter) -> RunningServer:
    return start(start_server)


@pytest.fixture
def obstinate(borrow_server: Starter) -> RunningServer:
    """One that refuses whatever the tests ask of it."""
    return start(borrow_server)


def control(server: RunningServer) -> str:
    return str(server.files / "admin.sock")


@pytest.mark.effect("admin_bind")
def test_socket_file_is_for_its_owner_only_and_goes_with_the_server(
    controlled: RunningServer,
) -> None:
    path = Path(control(controlled))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert ask(str(path), "/livez").status == 200
    controlled.signal("stop")
    controlled.wait_exit()
    assert not path.exists()


def test_number_of_workers_is_set_through_the_unix_socket(controlled: RunningServer) -> None:
    where = control(controlled)
    answer = ask(where, "/scale?workers=3", "POST")
    assert (answer.status, answer.text) == (202, "scale 3: asked for\n")
    wait_until(lambda: samples(where)['fastfork_workers{state="ready"}'] == 3, "three workers")
    assert ask(where, "/scale?workers=1", "POST").status == 202
    wait_until(lambda: len(facts(where)["workers"]) == 1, "one worker")


@pytest.mark.parametrize("count", ["", "0", "-1", "many", "999999999999", "²"])
def test_number_that_cannot_be_is_refused_with_advice(obstinate: RunningServer, count: str) -> None:
    with RawClient(control(obstinate)) as client:
        body = f"workers={count}".encode()
        client.send(
            b"POST /scale HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        answer = client.read_response()
    assert answer.status == 400
    assert "POST /scale?workers=4" in answer.text


def test_reload_reopen_and_drain_are_asked_for(controlled: RunningServer) -> None:
    where = control(controlled)
    before = facts(where)["workers"][0]["pid"]
    assert ask(where, "/reopen", "POST").status == 202
    controlled.log.wait_for("Asked through the admin socket: reopen")
    assert ask(where, "/reload", "POST").status == 202
    wait_until(
        lambda: [w["pid"] for w in facts(where)["workers"] if w["pid"] != before], "a new worker"
    )
    wait_until(lambda: samples(where)["fastfork_reloads_total"] == 1, "the reload is counted")
    assert ask(where, "/drain", "POST").status == 202
    assert controlled.wait_exit() == 0


@pytest.mark.parametrize("target", ["/scale?workers=2", "/reload", "/reopen", "/drain"])
def test_nothing_is_controlled_over_tcp(obstinate: RunningServer, target: str) -> None:
    for method in ("POST", "GET", "PUT"):
        assert ask(endpoint(obstinate), target, method).status == 404
    assert ask(control(obstinate), target, "GET").status == 405
    assert "Asked through" not in obstinate.log.text()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"])
def test_pages_are_only_for_reading(obstinate: RunningServer, method: str) -> None:
    for where in (endpoint(obstinate), control(obstinate)):
        answer = ask(where, "/status.json", method)
        assert (answer.status, answer.get("Allow")) == (405, "GET, HEAD")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_admin_process_is_the_workers_user_and_can_still_control(
    start_server: Starter, server_files: Path
) -> None:
    server_files.chmod(0o755)
    path = f"{server_files}/admin.sock"
    server = start_server(
        "unprivileged:app", *ADMIN, "--admin-bind", f"unix:{path}", "-u", "nobody"
    )
    owner = pwd.getpwnam("nobody").pw_uid
    assert Path(f"/proc/{admin_pid(server)}").stat().st_uid == owner
    assert Path(path).stat().st_uid == 0
    assert ask(path, "/scale?workers=2", "POST").status == 202
    wait_until(lambda: len(facts(path)["workers"]) == 2, "two workers")
