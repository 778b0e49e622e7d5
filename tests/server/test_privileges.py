"""Workers that run as another user, and the permissions of what is made for them."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.processes import alive
from tests.kit.waiting import wait_until

APP = "unprivileged:app"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")


def ids(pid: int) -> dict[str, list[int]]:
    """Uid, Gid (real, effective, saved, of files) and Groups of a process (proc(5))."""
    found = {}
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, values = line.partition(":")
        if name in ("Uid", "Gid", "Groups"):
            found[name] = [int(value) for value in values.split()]
    return found


@pytest.fixture
def nobody() -> pwd.struct_passwd:
    return pwd.getpwnam("nobody")


@pytest.fixture(autouse=True)
def open_files(server_files: Path) -> Path:
    """The directory of the test's files; another user may look into it."""
    server_files.chmod(0o755)
    return server_files


@pytest.mark.effect("user")
def test_worker_runs_as_the_user_in_its_primary_group_only(
    start_server: Starter, nobody: pwd.struct_passwd
) -> None:
    server = start_server(APP, "--user", "nobody", workers=2)
    for pid in server.worker_pids():
        assert ids(pid) == {
            "Uid": [nobody.pw_uid] * 4,
            "Gid": [nobody.pw_gid] * 4,
            "Groups": [],
        }
    assert ids(server.pid)["Uid"] == [0] * 4
    assert server.get("/pid").status == 200


def test_user_and_group_may_be_numbers(start_server: Starter) -> None:
    server = start_server(APP, "-u", "12345", "-g", "23456")
    (pid,) = server.worker_pids()
    assert ids(pid) == {"Uid": [12345] * 4, "Gid": [23456] * 4, "Groups": []}


@pytest.mark.effect("group")
def test_group_alone_changes_the_group(start_server: Starter) -> None:
    server = start_server(APP, "--group", "23456")
    (pid,) = server.worker_pids()
    assert ids(pid) == {"Uid": [0] * 4, "Gid": [23456] * 4, "Groups": []}


@pytest.mark.effect("initgroups")
def test_initgroups_gives_the_groups_of_the_user(
    start_server: Starter, nobody: pwd.struct_passwd
) -> None:
    server = start_server(APP, "--user", "nobody", "--initgroups")
    (pid,) = server.worker_pids()
    assert ids(pid)["Groups"] == sorted(os.getgrouplist("nobody", nobody.pw_gid))


def test_application_is_loaded_as_the_user(start_server: Starter, open_files: Path) -> None:
    (open_files / "whoami.py").write_text(
        "import os\nME = str(os.geteuid()).encode()\n"
        "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [ME]\n"
    )
    server = start_server("whoami:app", "--user", "nobody", "--pythonpath", str(open_files))
    assert int(server.get("/").text) == pwd.getpwnam("nobody").pw_uid


def test_hooks_around_the_change_see_both_users(start_server: Starter, open_files: Path) -> None:
    config = (
        "import os\n"
        "def post_fork(server, worker): server.log.info('before: %d', os.geteuid())\n"
        "def post_worker_init(worker): worker.log.info('after: %d', os.geteuid())\n"
    )
    server = start_server(APP, "--user", "nobody", config=config)
    assert "before: 0" in server.log.text()
    assert f"after: {pwd.getpwnam('nobody').pw_uid}" in server.log.text()


def test_worker_of_another_user_notices_that_the_arbiter_died(start_server: Starter) -> None:
    server = start_server(APP, "--user", "nobody")
    (pid,) = server.worker_pids()
    server.signal("KILL")
    server.wait_exit()
    wait_until(lambda: not alive(pid), "the worker is gone", 2.0)


def test_logs_can_be_reopened_by_the_user(start_server: Starter, open_files: Path) -> None:
    errors, access = open_files / "error.txt", open_files / "access.txt"
    server = start_server(
        APP, "--user", "nobody", "--error-logfile", str(errors), "--access-logfile", str(access),
        ready=False,
    )  # fmt: skip
    wait_until(lambda: errors.exists() and "Worker ready" in errors.read_text(), "ready")
    server.endpoint = ("127.0.0.1", int(errors.read_text().split("127.0.0.1:")[1].split()[0]))
    uid = pwd.getpwnam("nobody").pw_uid
    assert [path.stat().st_uid for path in (errors, access)] == [uid, uid]
    assert server.get("/first").status == 200
    wait_until(lambda: "/first" in access.read_text(), "the access log")
    for path in (errors, access):
        path.rename(f"{path}.1")
    server.signal("reopen")
    wait_until(lambda: errors.exists() and access.exists(), "both files are made again")

    def moved_on() -> bool:
        assert server.get("/second").status == 200
        return "/second" in access.read_text()

    wait_until(moved_on, "the worker writes to the new file")
    assert [path.stat().st_uid for path in (errors, access)] == [uid, uid]
    assert "cannot open" not in errors.read_text()


def test_log_behind_a_link_is_not_given_away(start_server: Starter, open_files: Path) -> None:
    target = open_files / "precious"
    target.touch()
    target.chmod(0o666)
    (open_files / "access.txt").symlink_to(target)
    start_server(APP, "--user", "nobody", "--access-logfile", str(open_files / "access.txt"))
    assert target.stat().st_uid == 0


@pytest.mark.effect("umask")
def test_socket_file_belongs_to_the_user(
    start_server: Starter, open_files: Path, nobody: pwd.struct_passwd
) -> None:
    path = open_files / "app.sock"
    server = start_server(APP, "-b", f"unix:{path}", "--user", "nobody", "--umask", "007")
    found = path.stat()
    assert (found.st_uid, found.st_gid) == (nobody.pw_uid, nobody.pw_gid)
    assert stat.S_IMODE(found.st_mode) == 0o770
    assert server.get("/pid").status == 200


@pytest.mark.effect("socket_mode", "socket_owner")
def test_socket_file_has_the_owner_and_mode_that_are_set(
    start_server: Starter, open_files: Path
) -> None:
    path = open_files / "app.sock"
    group = grp.getgrgid(33).gr_name if any(g.gr_gid == 33 for g in grp.getgrall()) else "33"
    start_server(
        APP, "-b", f"unix:{path}", "--user", "nobody", "--socket-owner", f"root:{group}",
        "--socket-mode", "0640",
    )  # fmt: skip
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (0, 33, 0o640)


def test_directory_that_the_user_may_not_enter_is_stayed_in(
    start_server: Starter, open_files: Path
) -> None:
    """As with gunicorn, whose workers inherit the directory: root may have started it at home."""
    open_files.chmod(0o700)
    server = start_server(APP, "--user", "nobody")
    assert server.get("/pid").status == 200


def test_watcher_of_the_code_runs_as_the_user_too(
    start_server: Starter, nobody: pwd.struct_passwd
) -> None:
    # Poll: watchfiles imports more later, and this Python may be in a home of root's.
    server = start_server(APP, "--user", "nobody", "--reload", "--reload-engine", "poll")
    line = server.log.wait_for("Watching the code for changes")
    watcher = int(line.split("] [")[1].split("]")[0])
    assert ids(watcher) == {"Uid": [nobody.pw_uid] * 4, "Gid": [nobody.pw_gid] * 4, "Groups": []}


def test_unknown_user_is_refused_at_the_start(start_server: Starter) -> None:
    server = start_server(APP, "--user", "no-such-user", ready=False)
    assert server.wait_exit() == 1
    assert "user: 'no-such-user' is unknown: there is no user" in server.log.text()
