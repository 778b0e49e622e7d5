"""`fastfork status`: the same facts in a terminal."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.admin import ADMIN, ask, endpoint, facts
from tests.kit.server import RunningServer, environment
from tests.kit.waiting import DEADLINE, wait_until


def status(*words: str, folder: Path, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    """(exit code, standard output, standard error)."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "fastfork", "status", *words],
        cwd=folder,
        env=environment({"COLUMNS": "140", **(env or {})}),
        capture_output=True,
        text=True,
        timeout=DEADLINE * 2,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def busy(start_server: Starter) -> RunningServer:
    """Two workers, one of them busy."""
    server = start_server("held:app", *ADMIN, workers=2)
    client = server.connect(timeout=30)
    client.send_request("GET", "/hold")
    wait_until(lambda: any(w["serving"] for w in facts(endpoint(server))["workers"]), "it is busy")
    return server


def where(server: RunningServer) -> str:
    host, port = endpoint(server)
    return f"{host}:{port}"


def test_status_is_a_table_of_the_workers(busy: RunningServer) -> None:
    code, out, said = status("--admin-bind", where(busy), folder=busy.files)
    assert (code, said) == (0, "")
    assert "held:app: ready, 2/2 workers, 0 wait to be accepted" in out
    for worker in facts(endpoint(busy))["workers"]:
        assert f" {worker['pid']} " in out
    assert "GET /hold HTTP/1.1 (" in out
    (busy.files / "go").touch()


def test_status_as_json_is_what_the_server_says(busy: RunningServer) -> None:
    code, out, _said = status("--json", "--admin-bind", where(busy), folder=busy.files)
    assert code == 0
    assert json.loads(out).keys() == facts(endpoint(busy)).keys()
    (busy.files / "go").touch()


def test_address_is_taken_from_the_config_file(start_server: Starter, tmp_path: Path) -> None:
    bind = f"unix:{tmp_path}/admin.sock"
    server = start_server("held:app", config=f"admin_bind = {bind!r}")
    wait_until((tmp_path / "admin.sock").exists, "the socket is there")
    code, out, _said = status(folder=server.files)
    assert code == 0
    assert "held:app: ready, 1/1 workers" in out


def test_watch_goes_on_until_it_is_interrupted(busy: RunningServer) -> None:
    """In a terminal, since that is what it draws for."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "fastfork", "status", "--watch", "--admin-bind", where(busy)],
        cwd=busy.files,
        env=environment({"COLUMNS": "140", "TERM": "xterm"}),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
    )
    os.close(slave)
    shown = b""

    def show() -> bytes:
        nonlocal shown
        shown += os.read(master, 65536)
        return shown

    try:
        wait_until(lambda: show().count(b"held:app: ready, 2/2 workers") >= 2, "it is shown twice")
        (busy.files / "go").touch()
        wait_until(lambda: b"GET /hold" not in show()[-1500:], "the request has ended")
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE) == 0
        assert b"Traceback" not in shown
    finally:
        process.kill()
        process.wait()
        os.close(master)


@pytest.mark.parametrize(
    ("words", "code", "line"),
    [
        ([], 1, "admin_bind: not set here; write fastfork status ADDRESS"),
        (["127.0.0.1:1"], 1, "fastfork: http://127.0.0.1:1: Connection refused"),
        (["127.0.0.1:1", "--admin-bind", "127.0.0.1:1"], 2, "the address is written once"),
        (["--admin-bind", "127.0.0.1:1"], 1, "fastfork: http://127.0.0.1:1: Connection refused"),
        (["--admin-bind", "unix:none.sock"], 1, "No such file or directory; does the server run?"),
        (["--admin-bind", "fd://3"], 2, "cannot be asked; write HOST:PORT or unix:PATH"),
        (["--admin-bind", "127.0.0.1:many"], 2, "the address of status: "),
        (["--wach"], 2, "unrecognized arguments: --wach"),
    ],
)
def test_mistake_gets_a_line_and_no_traceback(
    tmp_path: Path, words: list[str], code: int, line: str
) -> None:
    found, out, said = status(*words, folder=tmp_path)
    assert (found, out) == (code, "")
    assert line in said
    assert "Traceback" not in said


def test_server_that_is_no_admin_page_is_said_to_be_none(start_server: Starter) -> None:
    server = start_server("held:app")
    bind = server.url.removeprefix("http://")
    code, _out, said = status("--admin-bind", bind, folder=server.files)
    assert code == 1
    assert said.endswith("answers, but is no admin_bind of fastfork\n")


def test_without_rich_the_table_is_plain(busy: RunningServer, tmp_path: Path) -> None:
    hidden = tmp_path / "sitecustomize.py"
    hidden.write_text("import sys; sys.modules['rich'] = sys.modules['rich.console'] = None\n")
    env = environment({})
    path = os.pathsep.join([str(tmp_path), env["PYTHONPATH"]])
    code, out, said = status(where(busy), folder=busy.files, env={"PYTHONPATH": path})
    assert (code, said) == (0, "")
    headline, empty, head, *rows = out.splitlines()
    assert headline.startswith("held:app: ready, 2/2 workers")
    assert empty == ""
    assert " ".join(head.split()) == "worker pid state busy connections requests memory serves"
    workers = facts(endpoint(busy))["workers"]
    assert [row.split()[:2] for row in rows] == [[str(w["nr"]), str(w["pid"])] for w in workers]
    assert sum("GET /hold" in row for row in rows) == 1
    (busy.files / "go").touch()


def test_without_prometheus_client_metrics_say_how_to_get_it(
    start_server: Starter, tmp_path: Path
) -> None:
    hidden = tmp_path / "sitecustomize.py"
    hidden.write_text("import sys; sys.modules['prometheus_client'] = None\n")
    env = environment({})
    path = os.pathsep.join([str(tmp_path), env["PYTHONPATH"]])
    server = start_server("held:app", *ADMIN, env={"PYTHONPATH": path})
    answer = ask(endpoint(server), "/metrics")
    assert (answer.status, answer.text.count("\n")) == (501, 1)
    assert "pip install fastfork[metrics]" in answer.text
    assert ask(endpoint(server), "/readyz").status == 200
    server.log.wait_for("/metrics needs prometheus-client")
