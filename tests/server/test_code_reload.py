"""`reload`: the workers follow the code, and a mistake in it is shown until it is mended."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit import processes
from tests.kit.programs import library
from tests.kit.server import RunningServer
from tests.kit.waiting import wait_until

ANSWER = (
    "def app(environ, start_response):\n    start_response('200 OK', [])\n    return [{answer}]\n"
)


@pytest.fixture(params=["poll", "inotify"])
def engine(request: pytest.FixtureRequest) -> str:
    if request.param == "inotify":
        library("watchfiles")
    return str(request.param)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    path = tmp_path / "shop.py"
    save(path, "b'one'")
    return path


def save(path: Path, answer: str, at: int | None = None) -> None:
    """As an editor does: the new file beside, and moved over the old one.  at: its time, ns."""
    beside = path.with_suffix(".new")
    beside.write_text(ANSWER.format(answer=answer))
    if at is not None:
        os.utime(beside, ns=(at, at))
    beside.replace(path)


def start(start_server: Starter, code: Path, *options: str, **more: object) -> RunningServer:
    server = start_server(
        "shop:app", "--reload", "--pythonpath", str(code.parent), *options, **more
    )
    server.log.wait_for("Watching the code for changes")
    # It watches directories only when a worker has told it which, so it opens more later on.
    server.forget_descriptors(watcher_of(server))
    return server


def wait_for_answer(server: RunningServer, text: str) -> None:
    def answered() -> bool:
        return server.get("/").text == text

    wait_until(answered, f"the answer {text!r}")


def watcher_of(server: RunningServer) -> int:
    """The arbiter's child that serves nobody: its log line says which it is."""
    return int(server.log.lines("Watching the code")[-1].split("] [")[1].split("]")[0])


@pytest.mark.effect("reload", "reload_engine")
def test_workers_follow_the_code(start_server: Starter, code: Path, engine: str) -> None:
    server = start(start_server, code, "--reload-engine", engine)
    told = "watchfiles" if engine == "inotify" else "every 0.5 s"
    assert told in server.log.wait_for("Watching the code for changes")
    assert server.get("/").text == "one"
    save(code, "b'two'")
    wait_for_answer(server, "two")
    assert f"Code changed ({code}); workers are replaced" in server.log.text()
    save(code, "b'three'")
    wait_for_answer(server, "three")


def test_second_save_in_the_same_second_is_not_taken_for_the_first(
    start_server: Starter, code: Path, engine: str
) -> None:
    """Compiled modules are told apart by seconds and size, which are the same here."""
    second = (int(time.time()) + 60) * 10**9  # still to come: no change is too old to count
    os.utime(code, ns=(second, second))
    may_write = {"PYTHONDONTWRITEBYTECODE": ""}
    server = start(start_server, code, "--reload-engine", engine, env=may_write)
    assert server.get("/").text == "one"
    save(code, "b'two'", at=second + 1)
    wait_for_answer(server, "two")


def test_mistake_is_shown_and_mended_by_the_next_save(
    start_server: Starter, code: Path, engine: str
) -> None:
    server = start(start_server, code, "--reload-engine", engine)
    server.expect_alarm("NameError")
    code.write_text("answer = <b>'\n")
    wait_until(lambda: "SyntaxError" in server.get("/").text, "the syntax error is shown")
    server.log.wait_for("Worker exited")  # the one with the old code answers no more
    page = server.get("/")
    assert page.status == 500
    assert "answer = &lt;b&gt;" in page.text
    code.write_text("import os\nno_such_name\n")
    wait_until(lambda: "NameError: name" in server.get("/").text, "the next one is shown")
    save(code, "b'two'")
    wait_for_answer(server, "two")


def test_application_may_be_broken_from_the_start(start_server: Starter, code: Path) -> None:
    code.write_text("def (\n")
    server = start(start_server, code)
    assert server.get("/").status == 500
    save(code, "b'two'")
    wait_for_answer(server, "two")


def test_module_that_is_missing_is_found_when_it_comes(start_server: Starter, code: Path) -> None:
    code.write_text("from parts import app\n")
    server = start(start_server, code)
    server.expect_alarm("No module named 'parts'")
    assert "No module named &#x27;parts&#x27;" in server.get("/").text
    save(code.with_name("parts.py"), "b'two'")
    wait_for_answer(server, "two")


def test_module_imported_by_a_request_is_watched_too(start_server: Starter, code: Path) -> None:
    late = code.with_name("late.py")
    late.write_text("TEXT = b'one'\n")
    save(code, "__import__('late').TEXT")
    server = start(start_server, code)
    assert server.get("/").text == "one"

    def saved_and_followed() -> bool:
        # Told in the worker's next tick; a save before that is seen by its time.
        return server.get("/").text == "two"

    late.write_text("TEXT = b'two'\n")
    wait_until(saved_and_followed, "the late module is followed")


@pytest.mark.effect("reload_extra_files")
def test_extra_files_and_globs_are_watched(start_server: Starter, code: Path) -> None:
    pages = code.parent / "pages"
    pages.mkdir()
    text = pages / "a.html"
    text.write_text("one")
    save(code, f"open({str(text)!r}, 'rb').read()[:1] + open({str(text)!r}, 'rb').read()[1:]")
    server = start(start_server, code, "--reload-extra-file", str(pages / "*.html"))
    text.write_text("two")
    server.log.wait_for(f"Code changed ({text})")
    new = pages / "b.html"
    new.write_text("new")
    server.log.wait_for(f"Code changed ({new})")


def test_without_reload_a_mistake_ends_the_start(start_server: Starter, code: Path) -> None:
    code.write_text("no_such_name\n")
    server = start_server("shop:app", "--pythonpath", str(code.parent), ready=False)
    server.expect_alarm("NameError")
    assert server.wait_exit() == 3


def test_worker_that_dies_in_the_import_ends_the_replacement(
    start_server: Starter, code: Path
) -> None:
    server = start(start_server, code)
    code.write_text("import os\nos._exit(9)\n")
    server.log.wait_for("Reload ended: the replacement did not start")
    assert server.get("/").text == "one"
    save(code, "b'two'")
    wait_for_answer(server, "two")


def test_watcher_that_dies_is_replaced_and_is_no_worker(start_server: Starter, code: Path) -> None:
    server = start(start_server, code)
    watcher = watcher_of(server)
    (worker,) = set(server.worker_pids()) - {watcher}
    os.kill(watcher, signal.SIGKILL)
    server.log.wait_for("The watcher was killed by SIGKILL")
    server.log.wait_for("Watching the code for changes", count=2)
    assert set(server.worker_pids()) == {worker, watcher_of(server)}
    save(code, "b'two'")
    wait_for_answer(server, "two")


def test_watcher_dies_with_the_arbiter(start_server: Starter, code: Path) -> None:
    server = start(start_server, code)
    pids = server.worker_pids()
    server.signal("KILL")
    server.wait_exit()
    wait_until(lambda: not [pid for pid in pids if processes.alive(pid)], "all are gone")


def test_watcher_does_not_keep_the_sockets(start_server: Starter, code: Path) -> None:
    server = start(start_server, code)
    opened = processes.descriptors(watcher_of(server))
    inodes = {entry for entry in processes.descriptors(server.pid) if "socket:" in entry}
    listening = [entry for entry in inodes if entry in opened]
    # What is left is the arbiter's doorbell.
    assert len(listening) <= 1


def test_signals_for_the_whole_group_do_not_end_the_watcher(
    start_server: Starter, code: Path
) -> None:
    server = start(start_server, code)
    watcher = watcher_of(server)
    os.killpg(server.pid, signal.SIGHUP)
    server.log.wait_for("Reload complete")
    assert processes.alive(watcher)
    os.killpg(server.pid, signal.SIGINT)  # as Ctrl-C
    assert server.wait_exit() == 0
    assert "The watcher" not in server.log.text()
