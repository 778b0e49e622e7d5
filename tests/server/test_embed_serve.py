"""`fastfork.serve`: a server as part of somebody's script."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.kit import processes
from tests.kit.client import RawClient
from tests.kit.log import Log
from tests.kit.server import environment
from tests.kit.waiting import wait_until

APP = """\
def app(environ, start_response):
    body = b"WORD"
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
"""


class Script:
    """A script that serves; `end()` must find that it left nothing."""

    def __init__(self, folder: Path, name: str, *words: str, env: dict[str, str]) -> None:
        self.log = Log(folder / "script.log")
        env = environment(env)
        env.pop("PYTHONSAFEPATH", None)  # `python run.py` is how people start it
        with self.log.path.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, name, *words],
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def get(self, target: str = "/", *, ready: int = 1) -> str:
        self.log.wait_for("Worker ready", count=ready)
        found = re.search(r"http://([\d.]+):(\d+)", self.log.text())
        assert found
        with RawClient((found[1], int(found[2]))) as client:
            return client.request("GET", target, [("Connection", "close")]).text

    def wait(self) -> int:
        return self.process.wait(20)

    def stop(self) -> int:
        self.process.terminate()
        return self.wait()

    def end(self) -> None:
        for pid in processes.in_session(self.process.pid):
            os.kill(pid, signal.SIGKILL)
        self.process.wait(20)


Starts = Callable[..., Script]


@pytest.fixture
def script(tmp_path: Path) -> Iterator[Starts]:
    """Write files and run the first of them: `script({"run.py": text}, words)`."""
    started: list[Script] = []

    def run(files: dict[str, str], *words: str, env: dict[str, str] | None = None) -> Script:
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        started.append(Script(tmp_path, next(iter(files)), *words, env=env or {}))
        return started[-1]

    yield run
    for one in started:
        left = one.process.poll() is not None and processes.in_session(one.process.pid)
        one.end()
        assert not left


def serving(call: str, before: str = "", after: str = "", app: str = APP) -> str:
    body = f"{before}\n{call}\n{after}\n".replace("\n", "\n    ")
    return f"import fastfork, os, signal, sys\n{app}\nif __name__ == '__main__':\n    {body}\n"


def test_object_is_served_until_told_to_stop_and_the_process_is_as_before(script: Starts) -> None:
    title = "open('/proc/self/cmdline').read().replace('\\0', ' ').split()"
    state = f"([signal.getsignal(n) for n in range(1, 32)], os.getcwd(), sys.path[:], {title})"
    one = script(
        {
            "run.py": serving(
                "fastfork.serve(app, bind='127.0.0.1:0', workers=2, chdir='/')",
                before=f"signal.signal(signal.SIGTERM, print)\nbefore = {state}",
                after=f"assert before == {state}\nprint('went on', signal.set_wakeup_fd(-1))",
            )
        }
    )
    assert one.get(ready=2) == "WORD"
    assert one.stop() == 0
    assert one.log.text().endswith("went on -1\n")


def test_exit_handlers_and_temporary_directories_of_the_script_are_not_the_workers(
    script: Starts,
) -> None:
    one = script(
        {
            "run.py": serving(
                "fastfork.serve('shop:app', bind='127.0.0.1:0', reload=True)",
                before="import tempfile, atexit\nplace = tempfile.TemporaryDirectory()\n"
                "atexit.register(lambda: print('exit of', os.getpid()))",
                after="assert os.path.exists(place.name)",
            ),
            "shop.py": f"import atexit\natexit.register(print, 'exit handler of a worker')\n{APP}",
        }
    )
    one.get()
    for child in processes.children(one.process.pid):  # the worker, and who watches the files
        os.kill(child, signal.SIGTERM)
    one.get(ready=2)
    assert one.stop() == 0
    assert one.log.lines("exit of") == [f"exit of {one.process.pid}"]
    assert len(one.log.lines("exit handler of a worker")) == 2


def test_name_is_loaded_anew_by_a_reload(script: Starts, tmp_path: Path) -> None:
    one = script(
        {
            "run.py": serving("fastfork.serve('shop:app', bind='127.0.0.1:0')", app=""),
            "shop.py": APP,
        }
    )
    assert one.get() == "WORD"
    (tmp_path / "shop.py").write_text(APP.replace("WORD", "LONGER"))
    one.process.send_signal(signal.SIGHUP)
    one.log.wait_for("Worker exited")
    assert one.get(ready=2) == "LONGER"
    assert "Only the settings are new" not in one.log.text()
    assert one.stop() == 0


@pytest.mark.parametrize(
    ("what", "why"),
    [
        ("app", "the application is an object of the program that serves it"),
        ("'shop:app'", "the program that serves it has imported shop already"),
    ],
)
def test_reload_of_what_cannot_be_loaded_anew_takes_the_settings_and_says_so(
    script: Starts, tmp_path: Path, what: str, why: str
) -> None:
    call = f"import shop\nfastfork.serve({what}, bind='127.0.0.1:0', config='c.py')"
    one = script({"run.py": serving(call), "shop.py": APP, "c.py": "workers = 1\n"})
    one.get()
    (tmp_path / "c.py").write_text("workers = 2\n")
    one.process.send_signal(signal.SIGHUP)
    one.log.wait_for("Reload complete")
    assert f"Only the settings are new: {why}; restart the program" in one.log.text()
    wait_until(lambda: len(processes.children(one.process.pid)) == 2, "the number of the file")
    assert one.get() == "WORD"
    assert one.stop() == 0


def test_upgrade_starts_the_script_again(script: Starts) -> None:
    one = script({"run.py": serving("fastfork.serve(app, bind='127.0.0.1:0')")})
    one.get()
    one.process.send_signal(signal.SIGUSR2)
    new = int(one.log.wait_for("Upgrading; the new arbiter is process").split()[-1])
    one.log.wait_for("Worker ready", count=2)
    assert one.stop() == 0
    one.log.wait_for("this one takes its place")
    assert one.get(ready=2) == "WORD"
    os.kill(new, signal.SIGTERM)
    wait_until(lambda: not processes.in_session(one.process.pid), "the new one ends")


def test_environment_sets_what_the_call_does_not(script: Starts) -> None:
    one = script(
        {"run.py": serving("fastfork.serve(app, bind='127.0.0.1:0')")},
        env={"FASTFORK_CMD_ARGS": "--workers 2 --bind 127.0.0.1:1"},
    )
    assert one.get(ready=2) == "WORD"
    assert one.stop() == 0


def test_config_file_of_the_directory_is_not_looked_for(script: Starts) -> None:
    one = script(
        {
            "run.py": serving("fastfork.serve(app, bind='127.0.0.1:0')"),
            "fastfork.conf.py": "1 / 0\n",
        }
    )
    assert one.get() == "WORD"
    assert one.stop() == 0


def test_module_that_serves_without_a_guard_is_refused_in_the_worker(script: Starts) -> None:
    call = "fastfork.serve('shop:app', bind='127.0.0.1:0')"
    one = script({"shop.py": f"import fastfork\n{APP}{call}\n"})
    assert one.wait() == 1
    text = one.log.text()
    assert "put the call below `if __name__ == '__main__':`" in text
    assert "fastfork.errors.ServerFailed: the server ended with exit code 3" in text


def test_module_that_serves_without_a_guard_is_refused_by_the_command_too(tmp_path: Path) -> None:
    (tmp_path / "shop.py").write_text(f"import fastfork\n{APP}fastfork.serve(app)\n")
    done = subprocess.run(
        [sys.executable, "-m", "fastfork", "--bind", "127.0.0.1:0", "shop:app"],
        cwd=tmp_path,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert done.returncode == 3
    assert "shop cannot be imported: StartError: serve() is called in a process" in done.stderr


def test_call_in_a_thread_is_refused(script: Starts) -> None:
    call = "fastfork.serve(app, bind='127.0.0.1:0')"
    one = script(
        {
            "run.py": serving(
                "import threading\n"
                f"try_it = lambda: {call}\n"
                "thread = threading.Thread(target=try_it)\nthread.start()\nthread.join()"
            )
        }
    )
    assert one.wait() == 0
    assert "which only the main thread can; tests use fastfork.testing" in one.log.text()


def test_server_that_cannot_start_raises_with_the_exit_code_of_the_command(script: Starts) -> None:
    one = script(
        {
            "run.py": serving(
                "try:\n    fastfork.serve('shop:app', bind='127.0.0.1:0')\n"
                "except fastfork.errors.ServerFailed as error:\n    sys.exit(error.exit_code)",
                before="import fastfork.errors",
            ),
            "shop.py": "1 / 0\n",
        }
    )
    assert one.wait() == 3
    assert "shop cannot be imported: ZeroDivisionError" in one.log.text()
