"""`fastfork.testing` in programs of other people: under pytest, under mypy, killed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fastfork
from tests.kit import processes
from tests.kit.server import environment
from tests.kit.waiting import wait_until

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "test-with-a-real-server.md"
CONSUMER = """\
from wsgiref.types import StartResponse, WSGIEnvironment
from collections.abc import Iterable

import fastfork
from fastfork.testing import RunningServer, running_server


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return []


def use() -> tuple[str, int, list[int], str]:
    with running_server(app, workers=2, start_timeout=5) as server:
        same: RunningServer = server
        return same.url, server.port, server.pids(), server.log


if __name__ == "__main__":
    fastfork.serve(app, bind=["127.0.0.1:0"])
    fastfork.serve("shop:app")
"""
MISTAKES = """
fastfork.serve(3)
with running_server(app, start_timeout="long") as server:
    server.prot
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.mark.parametrize("options", [["-s"], ["--capture=sys"], ["-W", "error"]])
def test_example_of_the_page_passes_under_pytest(tmp_path: Path, options: list[str]) -> None:
    blocks = re.findall(r"^```python\n# (\S+)\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    for name, text in blocks:
        (tmp_path / name).write_text(text)
    assert "2 passed" in run(tmp_path, "-m", "pytest", "-p", "no:cacheprovider", *options).stdout


def test_both_are_typed_for_whoever_uses_them(tmp_path: Path) -> None:
    """mypy --strict on a file of somebody's own, against the package with its py.typed."""
    (tmp_path / "good.py").write_text(CONSUMER)
    (tmp_path / "bad.py").write_text(CONSUMER + MISTAKES)
    where = {"MYPYPATH": "", "PYTHONPATH": str(Path(fastfork.__file__).parents[1])}
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache")]

    def check(name: str) -> str:
        done = subprocess.run(
            [*command, name],
            cwd=tmp_path,
            env={**os.environ, **where},
            capture_output=True,
            text=True,
            timeout=100,
        )
        return done.stdout + done.stderr

    assert check("good.py") == "Success: no issues found in 1 source file\n"
    said = check("bad.py")
    assert 'Argument 1 to "serve" has incompatible type "int"' in said
    assert 'Argument "start_timeout" to "running_server" has incompatible type "str"' in said
    assert '"RunningServer" has no attribute "prot"' in said


def test_exit_handlers_of_the_tests_do_not_run_in_the_server(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(
        "import atexit, os\n"
        "from fastfork.testing import running_server\n"
        "atexit.register(lambda: print('exit of', os.getpid()))\n"
        "with running_server(lambda environ, start_response: []) as server:\n"
        "    log = server.log\n"
        "print(os.getpid(), 'exit of' in log)\n"
    )
    done = run(tmp_path, "run.py")
    own = done.stdout.split()[0]
    assert done.stdout.splitlines() == [f"{own} False", f"exit of {own}"]


def test_server_ends_when_the_tests_are_killed(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(
        "from fastfork.testing import running_server\n"
        "with running_server('fastfork.demo:app') as server:\n"
        "    print(server.pid, *server.pids(), flush=True)\n"
        "    input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "run.py"],
        cwd=tmp_path,
        env=environment({}),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as tests:
        assert tests.stdout
        pids = [int(word) for word in tests.stdout.readline().split()]
        assert len(pids) == 2
        tests.kill()
    wait_until(lambda: not any(processes.alive(pid) for pid in pids), "the server ends")
