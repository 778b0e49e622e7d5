"""`import gunicorn` in a config file, where there is no gunicorn."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

from fastfork.config import Config, Loaded, load
from fastfork.config.gunicorn import compat
from fastfork.config.kinds.workerclass import GeventWorker, ThreadWorker
from fastfork.errors import ConfigError

GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "migrate-from-gunicorn.md"


def load_text(folder: Path, text: str) -> Loaded:
    (folder / "fastfork.conf.py").write_text(text)
    return load({}, {}, folder)


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(ConfigError) as refused:
        load_text(folder, text)
    return str(refused.value)


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, name) for module, names in compat.NAMES.items() for name in names],
)
def test_each_name_can_be_imported_in_each_way(tmp_path: Path, module: str, name: str) -> None:
    text = f"from {module} import {name} as one\nimport {module}\nassert {module}.{name} is one\n"
    assert load_text(tmp_path, text).notices == []


def test_nothing_is_left_after_the_load(tmp_path: Path) -> None:
    finders = list(sys.meta_path)
    load_text(tmp_path, "import gunicorn.workers.sync, gunicorn\n")
    assert [name for name in sys.modules if name.partition(".")[0] == "gunicorn"] == []
    assert sys.meta_path == finders


def test_nothing_is_left_after_a_file_that_fails(tmp_path: Path) -> None:
    finders = list(sys.meta_path)
    complaint(tmp_path, "import gunicorn\n1 / 0\n")
    assert "gunicorn" not in sys.modules
    assert sys.meta_path == finders


def test_gunicorn_that_was_imported_before_is_back_after_the_load(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = {name: ModuleType(name) for name in ("gunicorn", "gunicorn.glogging")}
    for name, module in real.items():
        monkeypatch.setitem(sys.modules, name, module)
    load_text(tmp_path, "import gunicorn\nassert gunicorn.SERVER == 'gunicorn'\n")
    assert all(sys.modules[name] is module for name, module in real.items())


def test_module_that_the_file_imports_finds_the_names_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    module = "settings_that_import_gunicorn"
    (tmp_path / f"{module}.py").write_text("from gunicorn.arbiter import Arbiter\nworkers = 3\n")
    assert load_text(tmp_path, f"from {module} import *\n").config.workers == 3
    del sys.modules[module]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("import gunicorn.app.base", "gunicorn.app"),
        ("from gunicorn.app.base import BaseApplication", "gunicorn.app"),
        ("from gunicorn import nothing", "gunicorn.nothing"),
        ("from gunicorn.workers.sync import Nothing", "gunicorn.workers.sync.Nothing"),
        ("import gunicorn; gunicorn.nothing", "gunicorn.nothing"),
    ],
)
def test_other_names_are_told_in_one_line(tmp_path: Path, line: str, name: str) -> None:
    first = complaint(tmp_path, line).splitlines()[0]
    assert f"{name} is not among the names of gunicorn that fastfork has" in first


def test_other_packages_are_not_touched(tmp_path: Path) -> None:
    assert "ModuleNotFoundError" in complaint(tmp_path, "import gunicorns")
    load_text(tmp_path, "import json, importlib.util\nassert importlib.util.find_spec('json')\n")
    assert importlib.util.find_spec("json") is not None


@pytest.mark.parametrize("name", ["SERVER_SOFTWARE", "SERVER"])
def test_assigned_server_software_is_the_server_header(tmp_path: Path, name: str) -> None:
    loaded = load_text(tmp_path, f"import gunicorn\ngunicorn.{name} = 'shop'\n")
    assert loaded.config.server_header == "shop"
    assert loaded.origins["server_header"].endswith("fastfork.conf.py, gunicorn.SERVER_SOFTWARE")


def test_server_software_that_is_only_read_changes_nothing(tmp_path: Path) -> None:
    text = "import gunicorn\nproc_name = gunicorn.SERVER_SOFTWARE\n"
    cfg = load_text(tmp_path, text).config
    assert cfg.server_header == Config().server_header
    assert cfg.proc_name == "gunicorn/27.0.1"


def test_bad_server_software_is_told_with_its_origin(tmp_path: Path) -> None:
    told = complaint(tmp_path, "import gunicorn\ngunicorn.SERVER_SOFTWARE = 'a\\r\\nb: c'\n")
    assert told.startswith("server_header: 'a\\r\\nb: c' is no value of a field; ")


def test_version_can_be_compared(tmp_path: Path) -> None:
    text = "import gunicorn\nworkers = 2 if gunicorn.version_info >= (20, 0) else 1\n"
    assert load_text(tmp_path, text).config.workers == 2


# -- worker_class


@pytest.mark.parametrize(
    "value",
    ["'sync'", "'gunicorn.workers.sync.SyncWorker'", "'egg:gunicorn#sync'", "SyncWorker"],
)
def test_sync_by_each_of_its_names(tmp_path: Path, value: str) -> None:
    text = f"from gunicorn.workers.sync import SyncWorker\nworker_class = {value}\n"
    assert load_text(tmp_path, text).config.worker_class == "sync"


def test_gthread_by_each_of_its_names() -> None:
    from fastfork.config import SETTINGS

    parse = SETTINGS["worker_class"].kind.parse
    names = ["gthread", "gunicorn.workers.gthread.ThreadWorker", "egg:gunicorn#gthread"]
    assert {parse(name) for name in [*names, ThreadWorker]} == {"gthread"}


def test_gevent_by_each_of_its_names() -> None:
    from fastfork.config import SETTINGS

    parse = SETTINGS["worker_class"].kind.parse
    names = ["gevent", "gunicorn.workers.ggevent.GeventWorker", "egg:gunicorn#gevent"]
    assert {parse(name) for name in [*names, GeventWorker]} == {"gevent"}


@pytest.mark.parametrize(
    "value",
    [
        "'gevent_pywsgi'",
        "'gevent_wsgi'",
        "'gunicorn.workers.ggevent.GeventPyWSGIWorker'",
        "'egg:gunicorn#gevent_pywsgi'",
        "'egg:gunicorn#gevent_wsgi'",
    ],
)
def test_gunicorns_other_workers_on_gevent_are_the_same_one_with_a_notice(
    tmp_path: Path, value: str
) -> None:
    (notice,) = load_text(tmp_path, f"worker_class = {value}\n").remarks
    assert "is the same worker as 'gevent' here; write gevent" in notice


@pytest.mark.parametrize(
    "value",
    [
        "asgi",
        "gunicorn.workers.gasgi.ASGIWorker",
        "egg:gunicorn#asgi",
        "uvicorn.workers.UvicornWorker",
        "uvicorn.workers.UvicornH11Worker",
        "uvicorn_worker.UvicornWorker",
        "uvicorn_worker.UvicornH11Worker",
    ],
)
def test_workers_for_asgi_are_one(tmp_path: Path, value: str) -> None:
    loaded = load_text(tmp_path, f"worker_class = {value!r}\n")
    assert loaded.config.worker_class == "asgi"
    assert (loaded.remarks, loaded.notices) == ([], [])


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("'aiohttp.worker.GunicornWebWorker'", "aiohttp's own applications, which are not ASGI"),
        ("'aiohttp.GunicornWebWorker'", "run those with aiohttp, or name an ASGI application"),
        ("'hypercorn'", "is not a kind of worker here; use asgi, which serves ASGI applications"),
        ("'uvicorn.workers.OtherWorker'", "use asgi, which serves ASGI applications"),
        (
            "'gunicorn.workers.geventlet.EventletWorker'",
            "is not a kind of worker here; use gevent",
        ),
        ("'eventlet'", "is not a kind of worker here; use gevent"),
        ("'meinheld.gmeinheld.MeinheldWorker'", "is not a kind of worker here; use gevent"),
        ("'tornado'", "is not a kind of worker here; use sync or gthread"),
        ("''", "is no kind of worker; write sync"),
        ("int", "is no class of workers here; write sync"),
        ("Mine", "derives from 'sync', and its methods would not be called; use hooks"),
    ],
)
def test_other_worker_classes_are_refused_in_one_line(
    tmp_path: Path, value: str, said: str
) -> None:
    text = (
        "from gunicorn.workers.sync import SyncWorker\nclass Mine(SyncWorker): pass\n"
        f"worker_class = {value}\n"
    )
    (line,) = complaint(tmp_path, text).splitlines()
    assert line.startswith("worker_class: ")
    assert said in line


def test_class_of_uvicorn_is_known_by_its_module(tmp_path: Path) -> None:
    text = (
        "from gunicorn.workers.base import Worker\n"
        "worker_class = type('UvicornWorker', (Worker,), {'__module__': 'uvicorn.workers'})\n"
    )
    assert load_text(tmp_path, text).config.worker_class == "asgi"


@pytest.mark.skipif(not GUIDE.parent.is_dir(), reason="no checkout around the tests")
def test_guide_lists_every_name() -> None:
    listed = (
        GUIDE.read_text(encoding="utf-8").partition("## Names of gunicorn")[2].partition("##")[0]
    )
    rows = {}
    for line in listed.splitlines():
        if line.startswith("| `"):
            module, names, _ = line.removeprefix("|").split("|", 2)
            rows[module.strip(" `")] = {name.strip(" `") for name in names.split(",")} - {""}
    assert rows == {module: set(names) for module, names in compat.NAMES.items()}
