"""Checks between settings, and against this version and machine."""

from __future__ import annotations

import importlib.util
import select
import selectors
from pathlib import Path

import pytest

from fastfork import port, unpatched
from fastfork.config import load
from fastfork.errors import ConfigError


def complaint(folder: Path, **argv: object) -> str:
    with pytest.raises(ConfigError) as refused:
        load(argv, {}, folder)
    return str(refused.value)


@pytest.fixture
def select_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system with select(2) and nothing better."""
    monkeypatch.delattr(select, "epoll")
    monkeypatch.setattr(unpatched, "selector_class", lambda: selectors.SelectSelector)


@pytest.mark.usefixtures("select_alone")
def test_threads_are_refused_where_nothing_can_wait_for_a_poller(tmp_path: Path) -> None:
    assert complaint(tmp_path, threads="4") == (
        "threads: 4 need epoll(7) or kqueue(2), and this system has neither; use workers=4 "
        "(command line)"
    )


def test_settings_that_do_nothing_elsewhere_than_on_linux_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(port, "IS_LINUX", False)
    told = load({"max_rss": "1G", "reuse_port": True}, {}, tmp_path).notices
    assert [line.partition(":")[0] for line in told] == ["max_rss", "reuse_port"]
    assert "'unix:@shop' is a name that only Linux has" in complaint(tmp_path, bind="unix:@shop")


def test_worker_class_of_another_kind_is_refused(tmp_path: Path) -> None:
    assert load({"worker_class": "gthread"}, {}, tmp_path).config.worker_class == "gthread"
    assert complaint(tmp_path, worker_class="turbo") == (
        "worker_class: 'turbo' is no kind of worker; use sync, gthread, gevent or asgi ("
        "command line)"
    )


def test_gevent_is_refused_when_it_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert complaint(tmp_path, worker_class="gevent") == (
        "worker_class: 'gevent' needs gevent; pip install 'fastfork[gevent]', or use gthread "
        "(command line)"
    )


@pytest.mark.usefixtures("select_alone")
@pytest.mark.parametrize(("kind", "instead"), [("gevent", "sync"), ("asgi", "uvicorn")])
def test_other_loops_are_refused_where_nothing_can_wait_for_a_poller(
    tmp_path: Path, kind: str, instead: str
) -> None:
    assert complaint(tmp_path, worker_class=kind) == (
        f"worker_class: {kind!r} needs epoll(7) or kqueue(2), and this system has neither; use "
        f"{instead} (command line)"
    )


def test_gevent_is_refused_with_refork(tmp_path: Path) -> None:
    said = complaint(tmp_path, worker_class="gevent", preload_app=True, refork="100")
    assert said.startswith("refork: needs another worker_class than gevent: ")


@pytest.mark.parametrize("worker_class", ["gevent", "asgi"])
@pytest.mark.parametrize(
    ("argv", "notice"),
    [
        ({"threads": "4"}, "threads: 4 has no effect with worker_class={}: each request has "),
        ({"queue_timeout": "5"}, "queue_timeout: has no effect with worker_class={}: no "),
    ],
)
def test_what_is_about_threads_has_no_effect_with_greenlets_and_tasks(
    tmp_path: Path, worker_class: str, argv: dict[str, object], notice: str
) -> None:
    loaded = load({"worker_class": worker_class, **argv}, {}, tmp_path)
    (said,) = [*loaded.notices, *loaded.remarks]
    assert said.startswith(notice.format(worker_class))


def test_httptools_is_refused_when_it_is_not_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert complaint(tmp_path, http_parser="httptools") == (
        "http_parser: 'httptools' is not installed; pip install httptools, or use native "
        "(command line)"
    )
    assert load({"http_parser": "auto"}, {}, tmp_path).config.http_parser == "auto"


def test_directory_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert complaint(tmp_path, chdir="nope") == (
        f"chdir: {str(tmp_path / 'nope')!r} is not a directory; write one that exists "
        "(command line)"
    )


@pytest.mark.parametrize(
    ("argv", "notice"),
    [
        ({"pythonpath": "lib,nope"}, "pythonpath: 'nope' does not exist (command line)"),
        (
            {"max_requests_jitter": 5},
            "max_requests_jitter: has no effect without max_requests (command line)",
        ),
        (
            {"limit_request_head": "4K"},
            "limit_request_line: 8190 cannot be reached: limit_request_head is 4096 (default)",
        ),
        (
            {"access_log_format": "%(x)s"},
            "access_log_format: %(x)s is no atom; it prints a dash (command line)",
        ),
    ],
)
def test_what_has_no_effect_gives_a_notice(
    tmp_path: Path, argv: dict[str, object], notice: str
) -> None:
    (tmp_path / "lib").mkdir()
    assert load(argv, {}, tmp_path).notices[0] == notice


def test_check_is_silent_about_a_value_that_could_not_be_read(tmp_path: Path) -> None:
    assert complaint(tmp_path, threads="x").count("\n") == 0


def test_paths_of_files_start_in_chdir(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    argv = {"chdir": "site", "errorlog": "e.log", "accesslog": "/a.log", "pidfile": "p"}
    cfg = load(argv, {}, tmp_path).config
    assert cfg.chdir == str(tmp_path / "site")
    assert cfg.errorlog == str(tmp_path / "site" / "e.log")
    assert (cfg.accesslog, cfg.pidfile) == ("/a.log", str(tmp_path / "site" / "p"))


def test_standard_streams_stay_as_they_are(tmp_path: Path) -> None:
    cfg = load({"accesslog": "-"}, {}, tmp_path).config
    assert (cfg.accesslog, cfg.errorlog, cfg.pidfile) == ("-", "-", None)


def test_script_name_without_a_slash_is_refused(tmp_path: Path) -> None:
    said = complaint(tmp_path, raw_env=["SCRIPT_NAME=shop"])
    assert "SCRIPT_NAME=shop does not begin with a slash; write SCRIPT_NAME=/shop" in said
