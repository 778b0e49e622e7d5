"""What comes before the application is loaded, and the name of the process."""

from __future__ import annotations

import importlib
import importlib.util
import os
import subprocess
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastfork.errors import AppImportFailed, AppNotFound, BootError, ConfigError
from fastfork.process import boot, title
from tests.kit.server import environment


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["/first"])


def test_directory_comes_into_the_path_behind_pythonpath(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    boot.enter(str(tmp_path), "lib, /elsewhere", ())
    assert sys.path == ["/elsewhere", str(tmp_path / "lib"), str(tmp_path), "/first"]


def test_entering_twice_is_entering_once(tmp_path: Path) -> None:
    boot.enter(str(tmp_path), "/elsewhere", ())
    once = list(sys.path)
    boot.enter(str(tmp_path), "/elsewhere", ())
    assert sys.path == once


def test_directory_that_is_in_the_path_already_comes_to_its_front(tmp_path: Path) -> None:
    sys.path += [str(tmp_path), "/elsewhere"]
    boot.enter(str(tmp_path), "/elsewhere", ())
    assert sys.path == ["/elsewhere", str(tmp_path), "/first"]


def test_module_that_has_come_into_a_folder_of_the_same_age_is_found(tmp_path: Path) -> None:
    boot.enter(str(tmp_path), None, [])
    age = (1_700_000_000, 1_700_000_000)
    (tmp_path / "boot_spaces").mkdir()
    for folder in (tmp_path / "boot_spaces", tmp_path):
        os.utime(folder, age)
    spaces = importlib.import_module("boot_spaces")
    for name in ("boot_late", "boot_spaces.late"):
        assert importlib.util.find_spec(name) is None
    (tmp_path / "boot_late.py").touch()
    (tmp_path / "boot_spaces" / "late.py").touch()
    for folder in (tmp_path / "boot_spaces", tmp_path):
        os.utime(folder, age)
    assert importlib.util.find_spec("boot_late") is None
    boot.enter(str(tmp_path), None, [])
    assert importlib.util.find_spec("boot_late") is not None
    assert importlib.util.find_spec("boot_spaces.late") is not None
    del sys.modules[spaces.__name__]


def test_finders_of_others_look_again_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    called: list[str] = []
    finder = types.SimpleNamespace(
        invalidate_caches=lambda: called.append("caches"), find_spec=lambda *_: None
    )
    monkeypatch.setattr(sys, "meta_path", [object(), finder, *sys.meta_path])
    boot.enter(str(tmp_path), None, [])
    assert called == ["caches"]


def test_entering_imports_nothing(tmp_path: Path) -> None:
    """importlib.invalidate_caches() imports importlib.metadata since Python 3.13."""
    code = (
        "import sys; from fastfork.process import boot; before = set(sys.modules)\n"
        "boot.enter(sys.argv[1], None, []); print(*set(sys.modules) - before)"
    )
    argv = [sys.executable, "-c", code, str(tmp_path)]
    ran = subprocess.run(argv, capture_output=True, text=True, check=True, env=environment({}))
    assert ran.stdout.split() == []


def test_environment_is_set_up_to_the_first_equals_sign(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLOUR", "red")
    boot.enter(".", None, ["COLOUR=blue=green"])
    assert os.environ["COLOUR"] == "blue=green"


def test_missing_directory_is_one_clear_line() -> None:
    with pytest.raises(ConfigError, match=r"^chdir: /no/such: No such file or directory$"):
        boot.enter("/no/such", None, ())


def test_boot_errors_pass_as_they_are() -> None:
    error = AppNotFound("no such name")

    def fails() -> None:
        raise error

    with pytest.raises(AppNotFound) as raised:
        boot.load(fails)
    assert raised.value is error
    assert boot.describe(error) == "no such name"


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit("boom")])
def test_anything_else_is_a_failed_import_with_its_traceback(error: BaseException) -> None:
    def fails() -> None:
        raise error

    with pytest.raises(AppImportFailed) as raised:
        boot.load(fails)
    assert "boom" in str(raised.value)
    assert boot.describe(raised.value).count("\n") >= 3
    assert isinstance(raised.value, BootError)


@pytest.fixture
def fresh_title() -> Iterator[None]:
    """What a process remembers of its title is forgotten."""

    def forget() -> None:
        title._setproctitle.cache_clear()
        title._set_short_name.cache_clear()
        title._shown.clear()

    forget()
    yield
    forget()


@pytest.mark.usefixtures("fresh_title")
def test_title_without_setproctitle_is_the_short_name(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "setproctitle", None)
    monkeypatch.setattr(title, "COMM", tmp_path / "comm")
    title.set_title("worker", None, "shop:app")
    assert not (tmp_path / "comm").exists()
    title.set_title("worker", "shop", "shop:app", "idle")
    assert (tmp_path / "comm").read_bytes() == b"shop"


@pytest.mark.parametrize(
    ("name", "app", "state", "shown"),
    [
        ("shop", "shop:app", "", "fastfork: arbiter [shop]"),
        (None, "shop:app", "2/2 ready", "fastfork: arbiter [shop:app] 2/2 ready"),
        (None, None, "", "fastfork: arbiter"),
    ],
)
@pytest.mark.usefixtures("fresh_title")
def test_title_with_setproctitle(
    monkeypatch: pytest.MonkeyPatch, name: str | None, app: str | None, state: str, shown: str
) -> None:
    titles: list[str] = []
    module = types.SimpleNamespace(setproctitle=titles.append, getproctitle=lambda: titles[-1])
    monkeypatch.setitem(sys.modules, "setproctitle", module)  # type: ignore[arg-type]
    title.set_title("arbiter", name, app, state)
    assert titles == [shown]


@pytest.mark.usefixtures("fresh_title")
def test_title_that_somebody_else_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    titles = ["python"]
    module = types.SimpleNamespace(setproctitle=titles.append, getproctitle=lambda: titles[-1])
    monkeypatch.setitem(sys.modules, "setproctitle", module)  # type: ignore[arg-type]
    title.set_title("worker 0", None, None, "loading")
    title.set_title("worker 0", None, None, "idle")
    titles.append(f"[ready] {titles[-1]}")
    title.set_title("worker 0", None, None, "busy")
    assert titles[-1] == "[ready] fastfork: worker 0 idle"
    title.set_title("template", None, None)  # another process, or another life of this one
    assert titles[-1] == "fastfork: template"
