"""What hooks written for gunicorn find at `server`, `worker`, `cfg`, `req` and `resp`."""

from __future__ import annotations

import logging
import os
import signal
from types import SimpleNamespace
from typing import Any

import pytest

from fastfork import logs
from fastfork.arbiter.hook_views import ServerView, WorkerView
from fastfork.config import SETTINGS, Config
from fastfork.config.kinds.workerclass import GeventWorker, SyncWorker, ThreadWorker, Worker
from fastfork.errors import ConfigError
from fastfork.records import replace
from fastfork.wsgi.application import Application
from fastfork.wsgi.request_hooks import Request, Response, calling_pre_request

ENVIRON: dict[str, Any] = {
    "REQUEST_METHOD": "GET",
    "RAW_URI": "/a%20b?c=d",
    "PATH_INFO": "/a b",
    "QUERY_STRING": "c=d",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.url_scheme": "http",
    "wsgi.input": object(),
    "REMOTE_ADDR": "2001:db8::1",
    "REMOTE_PORT": "4711",
    "HTTP_HOST": "shop",
    "HTTP_X_SHOP": "open",
    "CONTENT_TYPE": "text/plain",
}


def app(environ: dict[str, Any], _start_response: Any) -> list[bytes]:
    return [b""]


def after(change: Any) -> dict[str, Any]:
    """The environ that the application sees when pre_request does that to the request."""
    environ = dict(ENVIRON)
    hooked = calling_pre_request(app, Config(pre_request=lambda _, req: change(req)), object())
    hooked(environ, lambda *_: lambda _: None)
    del environ["fastfork.request"]
    return environ


# -- cfg


def test_each_setting_is_in_settings_with_its_value_and_default() -> None:
    found = Config(threads=4).settings
    assert set(found) == set(SETTINGS)
    assert (found["threads"].value, found["threads"].get(), found["threads"].default) == (4, 4, 1)
    assert found["preload_app"].value is False


def test_settings_are_shown_as_hooks_expect_them() -> None:
    cfg = Config(bind=("127.0.0.1:80", "[::1]:81", "unix:/run/a.sock"), raw_env=("A=b=c", "D="))
    assert cfg.address == [("127.0.0.1", 80), ("::1", 81), "/run/a.sock"]
    assert cfg.env == {"A": "b=c", "D": ""}
    assert (cfg.uid, cfg.gid) == (os.geteuid(), os.getegid())
    assert (Config(user="0").uid, Config(group="0").gid) == (0, 0)
    assert (cfg.is_ssl, Config(certfile="a.pem").is_ssl) == (False, True)
    assert Config(certfile="a.pem").ssl_options["certfile"] == "a.pem"


@pytest.mark.parametrize(
    ("name", "threads", "shown", "kind"),
    [
        ("sync", 1, "sync", SyncWorker),
        ("sync", 4, "gthread", ThreadWorker),
        ("gthread", 1, "gthread", ThreadWorker),
        ("gevent", 1, "gevent", GeventWorker),
        ("shop.workers.Own", 1, "shop.workers.Own", Worker),
    ],
)
def test_worker_class_has_gunicorns_name(name: str, threads: int, shown: str, kind: type) -> None:
    cfg = Config(worker_class=name, threads=threads)
    assert (cfg.worker_class_str, cfg.kind_of_worker()) == (shown, kind)


def test_setting_that_a_hook_changes_is_refused_with_what_to_write() -> None:
    for change in (lambda: Config().set("threads", 9), lambda: Config().settings["threads"].set(9)):
        with pytest.raises(ConfigError, match=r"threads: a hook cannot change .*: threads = "):
            change()


# -- server and worker


def server(**cfg: Any) -> tuple[ServerView, SimpleNamespace]:
    arbiter = SimpleNamespace(cfg=Config(**cfg), pid=os.getpid(), listeners=[])
    return ServerView(arbiter, lambda _cfg: app), arbiter


def test_server_has_what_hooks_ask_for() -> None:
    found, _ = server(pidfile="/run/shop.pid", bind=("127.0.0.1:80",))
    assert found.address == [("127.0.0.1", 80)]
    assert found.pidfile is not None
    assert (found.pidfile.fname, found.pidfile.pid) == ("/run/shop.pid", os.getpid())
    assert server()[0].pidfile is None
    assert found.worker_class is SyncWorker


def test_number_of_workers_can_be_set_before_there_are_any_and_after() -> None:
    found, arbiter = server(workers=2)
    assert found.num_workers == 2
    found.num_workers = 5
    assert found.num_workers == 5
    scaled: list[int] = []
    arbiter.workers, arbiter.scale = SimpleNamespace(target=5), scaled.append
    found.num_workers = 0
    assert scaled == [1]


def test_signals_go_to_workers_only(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *pair: sent.append(pair))
    found, arbiter = server()
    view = WorkerView(number=0, age=1, ppid=1, cfg=Config())
    arbiter.workers = SimpleNamespace(children=[SimpleNamespace(pid=77, view=view)])
    found.kill_worker(78, signal.SIGTERM)
    found.kill_worker(77, signal.SIGTERM)
    found.kill_workers(signal.SIGQUIT)
    assert sent == [(77, signal.SIGTERM), (77, signal.SIGQUIT)]


def test_worker_of_the_arbiter_has_what_hooks_ask_for() -> None:
    found, _ = server(max_requests=9)
    view = found.new_worker(3, 7)
    assert (view.number, view.nr, view.age, view.max_requests) == (3, 0, 7, 9)
    assert (view.aborted, view.sockets, str(view)) == (False, [], "<Worker None>")
    assert view.app is found.app


# -- the application


def test_application_is_loaded_once_and_can_be_replaced_before() -> None:
    loads: list[int] = []
    found = Application(Config(wsgi_app="shop:app"), lambda: loads.append(1) or app)  # type: ignore[func-returns-value]
    assert (found.callable, found.app_uri) == (None, "shop:app")
    assert found.wsgi() is found.wsgi() is found.callable is app
    assert loads == [1]
    other = Application(Config(), lambda: pytest.fail("loaded"))
    other.callable = app
    assert other.wsgi() is app


def test_application_that_the_arbiter_loads_is_warned_of(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs.LOGGER, "propagate", True)
    caplog.set_level(logging.WARNING, "fastfork.error")
    found = Application(Config(), lambda: app, arbiter_pid=os.getpid())
    found.wsgi()
    found.wsgi()
    (told,) = caplog.messages
    assert "workers do not get new code by a reload; use worker.app in post_worker_init" in told
    Application(Config(), lambda: app, arbiter_pid=1).wsgi()
    assert len(caplog.messages) == 1


def test_server_in_a_worker_has_the_workers_application() -> None:
    found, arbiter = server()
    own = Application(Config(), lambda: app)
    found.become(SimpleNamespace(app=own))
    arbiter.cfg = replace(arbiter.cfg, threads=2)
    assert found.app is own


# -- req and resp


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ({}, ("2001:db8::1", 4711)),
        ({"REMOTE_PORT": ""}, ("2001:db8::1", 0)),
        ({"REMOTE_ADDR": ""}, ""),
    ],
)
def test_remote_addr_is_host_and_port(told: dict[str, str], address: object) -> None:
    request = Request({**ENVIRON, **told})
    assert request.remote_addr == request.peer_addr == address


def test_request_has_body_and_no_trailers() -> None:
    request = Request(ENVIRON)
    assert request.body is ENVIRON["wsgi.input"]
    assert request.trailers == []


def test_request_that_is_only_looked_at_leaves_the_environ_alone() -> None:
    assert after(lambda req: (req.path, req.headers, req.remote_addr)) == ENVIRON


@pytest.mark.parametrize(
    ("name", "value", "key", "becomes"),
    [
        ("scheme", "https", "wsgi.url_scheme", "https"),
        ("method", "PUT", "REQUEST_METHOD", "PUT"),
        ("query", "e=f", "QUERY_STRING", "e=f"),
        ("uri", "/a%20b?e=f", "RAW_URI", "/a%20b?e=f"),
        ("path", "/x%2Fy%C3%A9", "PATH_INFO", "/x/y\xc3\xa9"),
    ],
)
def test_what_pre_request_changes_is_in_the_environ(
    name: str, value: str, key: str, becomes: str
) -> None:
    assert after(lambda req: setattr(req, name, value)) == {**ENVIRON, key: becomes}


def test_fields_can_be_added_and_taken_away() -> None:
    def change(req: Request) -> None:
        req.headers.append(("X-FORWARDED-PROTO", "https"))
        req.headers.append(("X-SHOP", "late"))
        req.headers.remove(("CONTENT-TYPE", "text/plain"))

    expected = {**ENVIRON, "HTTP_X_FORWARDED_PROTO": "https", "HTTP_X_SHOP": "open,late"}
    del expected["CONTENT_TYPE"]
    assert after(change) == expected


def test_list_of_fields_can_be_replaced() -> None:
    seen = after(lambda req: setattr(req, "headers", [("HOST", "b")]))
    assert {key for key in seen if key.startswith("HTTP_")} == {"HTTP_HOST"}
    assert seen["HTTP_HOST"] == "b"


@pytest.mark.parametrize(
    ("headers", "length"),
    [([("content-length", "12")], 12), ([], None), ([("Content-Length", "x")], None)],
)
def test_response_says_what_content_length_it_had(
    headers: list[tuple[str, str]], length: int | None
) -> None:
    assert Response("200 OK", headers, 12).response_length == length
