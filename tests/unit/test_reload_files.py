"""Which files are watched, and what counts as a change."""

from __future__ import annotations

import os
import sys
import sysconfig
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fastfork.arbiter.helpers import reload_process
from fastfork.arbiter.helpers.reload_files import WatchedFiles, is_watched
from fastfork.arbiter.helpers.reload_process import EventWaiter, waiter
from fastfork.config import Config
from fastfork.config.checks.table import CHECKS
from fastfork.errors import AppImportFailed
from fastfork.ipc import ModuleList
from fastfork.workers.sources import SourceReport, files_of_error, files_of_modules
from fastfork.wsgi.failed import app_that_tells

LATE = 2**62  # nanoseconds; later than any file's time


@pytest.fixture
def modules() -> Iterator[ModuleList]:
    modules = ModuleList()
    yield modules
    modules.close()


@pytest.fixture
def code(tmp_path: Path) -> Path:
    path = tmp_path / "shop.py"
    path.write_text("one")
    return path


def touch(path: Path, text: str) -> None:
    """Save, with a time of its own: a coarse clock must not hide it."""
    path.write_text(text)
    found = path.stat()
    os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns + 1_000_000_000))


def test_paths_are_remembered_with_the_time_of_the_first(modules: ModuleList) -> None:
    modules.add(["/a b.py", "/c.py"], 7)
    modules.add(["/c.py", "/ä.py", "/line\nend.py"], 9)
    assert modules.read() == {"/a b.py": 7, "/c.py": 7, "/ä.py": 9}


def test_later_time_counts(modules: ModuleList) -> None:
    modules.add(["/a.py"], 7)
    modules.note(["/a.py"], 9)
    modules.note(["/a.py"], 8)
    assert modules.read() == {"/a.py": 9}


def test_what_an_application_writes_over_the_list_is_left_out(modules: ModuleList) -> None:
    os.write(modules._fd, b"\xff\n\n x\n12\nnonsense /a\n")
    modules.add(["/b.py"], 1)
    assert modules.read() == {"/b.py": 1}


def test_list_has_a_limit(modules: ModuleList, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastfork.ipc.modules.MOST_BYTES", 20)
    modules.add(["/a.py"], 1)
    modules.add([f"/{number}.py" for number in range(100)], 1)
    assert modules.read() == {"/a.py": 1}


def test_saved_file_has_changed_once(code: Path) -> None:
    watch = WatchedFiles(lambda: {str(code): LATE}, [], "/")
    assert watch.changed() == []
    touch(code, "two")
    assert watch.changed() == [str(code)]
    assert watch.changed() == []


def test_file_saved_before_the_first_look_has_changed(code: Path) -> None:
    """The worker has read it, and it was saved before the watcher came round."""
    watch = WatchedFiles(lambda: {str(code): code.stat().st_mtime_ns - 1}, [], "/")
    assert watch.changed() == [str(code)]


def test_file_that_is_replaced_has_changed_when_it_is_back(code: Path) -> None:
    watch = WatchedFiles(lambda: {str(code): LATE}, [], "/")
    watch.changed()
    code.unlink()
    assert watch.changed() == []
    code.write_text("two")
    assert watch.changed() == [str(code)]


def test_file_that_was_missing_has_changed_when_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "missing.py"
    watch = WatchedFiles(lambda: {str(path): LATE}, [], "/")
    assert watch.changed() == []
    path.write_text("now")
    assert watch.changed() == [str(path)]


def test_extra_files_and_globs_start_in_the_directory(code: Path, tmp_path: Path) -> None:
    (tmp_path / "templates" / "deep").mkdir(parents=True)
    page = tmp_path / "templates" / "deep" / "page.html"
    page.write_text("one")
    watch = WatchedFiles(dict, ["shop.py", "templates/**/*.html"], str(tmp_path))
    assert watch.changed() == []
    touch(page, "two")
    touch(code, "two")
    assert sorted(watch.changed()) == sorted([str(page), str(code)])
    new = tmp_path / "templates" / "new.html"
    new.write_text("one")
    assert watch.changed() == [str(new)]


def test_globs_leave_caches_out(tmp_path: Path) -> None:
    for folder in ("node_modules", ".git", "__pycache__", "templates"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.html").touch()
    watch = WatchedFiles(dict, ["**/*.html"], str(tmp_path))
    watch.changed()
    assert watch.folders() == {str(tmp_path / "templates")}


def test_code_of_others_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    assert not is_watched(str(tmp_path / "env" / "lib" / "python3" / "x.py"))
    assert not is_watched(str(tmp_path / "env" / "lib" / "python3" / "site-packages" / "x.py"))
    assert not is_watched(f"{sysconfig.get_paths()['stdlib']}/json/__init__.py")
    assert is_watched(str(tmp_path / "shop" / "x.py"))
    # A virtualenv that was made in the project's own directory.
    (tmp_path / "pyvenv.cfg").touch()
    assert is_watched(str(tmp_path / "shop" / "views" / "x.py"))


def test_changes_are_collected_until_it_is_quiet(code: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.py"
    other.write_text("one")
    watch = WatchedFiles(lambda: {str(code): LATE, str(other): LATE}, [], "/")
    watch.changed()
    touch(code, "two")
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 1:
            touch(other, "two")

    assert watch.settled(watch.changed(), pause) == [str(code), str(other)]
    assert len(pauses) == 2


def test_engine_is_what_is_asked_for_and_there(monkeypatch: pytest.MonkeyPatch) -> None:
    assert waiter("poll") is reload_process._pause
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert waiter("auto") is reload_process._pause
    told = [found.text for check in CHECKS for found in check(Config(reload_engine="inotify"))]
    assert told == ["'inotify' needs watchfiles; pip install fastfork[reload], or use poll"]


def test_events_are_asked_for_again_when_there_are_new_directories(tmp_path: Path) -> None:
    asked: list[tuple[str, ...]] = []

    def events(*folders: str, **_options: Any) -> Iterator[set[object]]:
        asked.append(folders)
        while True:
            yield set()

    known: dict[str, int] = {str(tmp_path / "a.py"): LATE}
    watch = WatchedFiles(lambda: known, [], "/")
    wait = EventWaiter(events)
    watch.changed()
    wait(watch)
    wait(watch)
    (tmp_path / "deep").mkdir()
    known[str(tmp_path / "deep" / "b.py")] = LATE
    watch.changed()
    wait(watch)
    assert asked == [(str(tmp_path),), (str(tmp_path), str(tmp_path / "deep"))]


def test_events_that_cannot_be_had_are_no_end(code: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)

    def events(*_folders: str, **_options: Any) -> Iterator[set[object]]:
        raise OSError(28, "inotify watch limit reached")

    watch = WatchedFiles(lambda: {str(code): LATE}, [], "/")
    watch.changed()
    EventWaiter(events)(watch)
    assert pauses == [reload_process.POLL_SECONDS]


def test_reload_and_preload_exclude_each_other() -> None:
    told = [p.text for check in CHECKS for p in check(Config(reload=True, preload_app=True))]
    assert told == ["and preload_app exclude each other; leave one of them out"]


def test_modules_of_this_process_are_told_when_there_are_new_ones(
    modules: ModuleList, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = SourceReport(modules)
    report.tell()
    assert __file__ in modules.read() or __name__ not in sys.modules
    module = types.ModuleType("shop_late")
    module.__file__ = "/nowhere/late.py"
    monkeypatch.setitem(sys.modules, "shop_late", module)
    report.tell()
    assert "/nowhere/late.py" in modules.read()
    SourceReport(None).tell()


def test_compiled_module_is_told_by_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("shop_compiled")
    module.__file__ = f"/nowhere/__pycache__/shop.{sys.implementation.cache_tag}.pyc"
    monkeypatch.setitem(sys.modules, "shop_compiled", module)
    assert "/nowhere/shop.py" in files_of_modules()


def failed(code: Path, text: str) -> BaseException:
    try:
        exec(compile(text, str(code), "exec"), {})
    except Exception as error:
        try:
            raise AppImportFailed("it failed") from error
        except AppImportFailed as outer:
            return outer
    raise AssertionError("it must fail")


@pytest.mark.parametrize("text", ["1/0", "def (", "import no_such_module_here"])
def test_error_names_the_file_that_mends_it(code: Path, text: str) -> None:
    assert str(code) in files_of_error(failed(code, text)) or text == "def ("


def test_missing_module_is_looked_for_where_it_would_be(
    code: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(code.parent))
    found = files_of_error(failed(code, "import shop_parts.missing"))
    assert str(code.parent / "shop_parts.py") in found
    assert str(code.parent / "shop_parts" / "__init__.py") in found


def test_page_shows_the_text_and_runs_nothing_of_it() -> None:
    told: list[Any] = []
    start: Callable[..., Any] = lambda *arguments: told.append(arguments)  # noqa: E731
    (page,) = app_that_tells("Traceback <script>alert('x')</script> & so on")({}, start)
    assert b"&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt; &amp; so on" in page
    ((status, fields),) = told
    assert status.startswith("500 ")
    assert dict(fields)["Content-Length"] == str(len(page))
    assert dict(fields)["Content-Type"] == "text/html; charset=utf-8"
