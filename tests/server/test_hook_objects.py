"""What real hooks do with the objects that they are given, in a running server."""

from __future__ import annotations

import os
import signal

import pytest

from tests.conftest import Starter
from tests.kit.programs import library

APP = "supervised:app"
WORKERS = [(), ("--threads", "4"), ("-k", "gevent"), ("--preload",)]
NAMES = ["one thread", "threads", "gevent", "preload"]


@pytest.fixture(params=WORKERS, ids=NAMES)
def options(request: pytest.FixtureRequest) -> tuple[str, ...]:
    if "gevent" in request.param:
        library("gevent")
    return tuple(request.param)


def test_application_that_post_worker_init_puts_there_is_served(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    config = """
def post_worker_init(worker):
    inner = worker.wsgi
    def wrapped(environ, start_response):
        return inner({**environ, "shop.wrapped": "yes"}, start_response)
    worker.wsgi = wrapped
"""
    server = start_server("worker_plain:app", *options, config=config)
    assert "shop.wrapped=yes" in server.get("/environ").text.splitlines()


def test_template_that_was_a_worker_has_the_application_without_hooks(
    start_server: Starter,
) -> None:
    config = """
preload_app = True
refork = 3
def before_refork(server, worker): pass
def post_worker_init(worker):
    worker.log.info("bare: %s", worker.wsgi.__module__)
    inner = worker.wsgi
    worker.wsgi = lambda environ, start_response: inner(environ, start_response)
"""
    server = start_server(APP, config=config)
    for _ in range(4):
        assert server.get("/ok").status == 200
    server.log.wait_for("Refork complete")
    told = [line for line in server.log.text().splitlines() if "bare: " in line]
    assert len(told) >= 2
    assert all(line.endswith("bare: supervised") for line in told)


def test_what_is_no_application_ends_the_boot_in_one_line(start_server: Starter) -> None:
    config = "def post_worker_init(worker): worker.wsgi = 'shop'\n"
    server = start_server(APP, config=config, ready=False)
    assert server.wait_exit() == 3
    server.log.wait_for("post_worker_init has set worker.wsgi to 'shop': no application")


def test_application_is_there_where_hooks_look_for_it(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    config = """
def post_fork(server, worker):
    app = server.app.wsgi()
    worker.log.info("post_fork: %s %s", app.__name__, app is worker.app.wsgi())
def post_worker_init(worker):
    worker.log.info("init: %s", worker.app.wsgi() is worker.wsgi is worker.app.callable)
def worker_exit(server, worker):
    worker.log.info("exit: %s", worker.app.wsgi().__name__)
"""
    server = start_server(APP, *options, config=config)
    server.log.wait_for("post_fork: app True")
    server.log.wait_for("init: True")
    assert server.get("/ok").text == "ok"
    server.signal("stop")
    assert server.wait_exit() == 0
    server.log.wait_for("exit: app")


def test_application_that_a_hook_loads_in_the_arbiter_is_warned_of(start_server: Starter) -> None:
    config = """
raw_env = ["COLOUR=red"]
def when_ready(server):
    import os
    server.log.info("arbiter has %s, %s", server.app.wsgi().__name__, os.environ["COLOUR"])
"""
    server = start_server(APP, config=config)
    server.log.wait_for("arbiter has app, red")
    server.log.wait_for("A hook has the application loaded in the arbiter")
    assert server.get("/environ/COLOUR").text == "red"


def test_requests_are_counted_for_hooks(start_server: Starter, options: tuple[str, ...]) -> None:
    config = """
def post_request(worker, req): worker.log.info("request number %d", worker.nr)
def worker_exit(server, worker): worker.log.info("in all %d", worker.nr)
"""
    server = start_server(APP, *options, config=config)
    for _ in range(3):
        assert server.get("/ok").status == 200
    server.log.wait_for("request number 3")
    server.signal("stop")
    assert server.wait_exit() == 0
    server.log.wait_for("in all 3")


def test_worker_may_say_that_it_is_alive_in_the_middle_of_something_long(
    start_server: Starter,
) -> None:
    config = """
import time
def post_request(worker, req):
    start, before = time.monotonic(), worker.tmp.last_update()
    while time.monotonic() < start + 3:
        worker.notify()
        worker.tmp.notify()
    worker.log.info("beat %s", worker.tmp.last_update() > before)
"""
    server = start_server(APP, "--timeout", "1", config=config)
    assert server.get("/ok").status == 200
    server.log.wait_for("beat True")
    assert "WORKER TIMEOUT" not in server.log.text()


def test_child_exit_knows_that_the_worker_was_silent(start_server: Starter) -> None:
    config = """
def child_exit(server, worker): server.log.info("aborted: %s", worker.aborted)
def worker_exit(server, worker): server.log.info("aborts itself: %s", worker.aborted)
"""
    server = start_server(APP, "--timeout", "1", config=config)
    (first,) = server.worker_pids()
    with server.connect() as client:
        client.send(b"GET /block HTTP/1.1\r\nHost: a\r\n\r\n")
        server.log.wait_for("aborts itself: True")
        server.log.wait_for("aborted: True")
    (second,) = server.wait_for_workers(1, without=[first])
    os.kill(second, signal.SIGTERM)
    server.log.wait_for("aborted: False")


def test_hooks_in_the_arbiter_set_the_number_of_workers(start_server: Starter) -> None:
    config = """
def on_starting(server): server.num_workers = 2
def worker_ready(server, worker):
    if worker.number == 1:
        server.num_workers = 3
"""
    server = start_server(APP, config=config, workers=1)
    server.wait_for_workers(3)


def test_hook_in_the_arbiter_replaces_a_worker(start_server: Starter) -> None:
    config = """
import signal
def worker_ready(server, worker):
    if worker.age == 1:
        server.kill_worker(worker.pid, signal.SIGTERM)
"""
    server = start_server(APP, config=config)
    server.log.wait_for("Worker ready", count=2)
    assert server.get("/ok").text == "ok"


def test_hooks_ask_the_settings_as_they_ask_gunicorns(start_server: Starter) -> None:
    config = """
raw_env = ["COLOUR=red"]
threads = 2
def when_ready(server):
    cfg = server.cfg
    server.log.info("asked: %s", (
        cfg.settings["threads"].value, cfg.worker_class_str, cfg.env, cfg.is_ssl, cfg.address[0][0],
        server.worker_class.__name__, [sock.family.name for sock in server.LISTENERS],
    ))
def on_starting(server):
    server.cfg.set("threads", 3)
"""
    server = start_server(APP, config=config)
    server.log.wait_for(
        "asked: (2, 'gthread', {'COLOUR': 'red'}, False, '127.0.0.1', 'ThreadWorker', ['AF_INET'])"
    )
    server.log.wait_for("threads: a hook cannot change a setting")
    server.expect_alarm("The hook on_starting raised")


def test_pre_request_changes_what_the_application_sees(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    config = """
def pre_request(worker, req):
    req.scheme = "https"
    req.headers.append(("X-TRIED", req.remote_addr[0]))
"""
    server = start_server("worker_plain:app", *options, config=config)
    shown = server.get("/environ").text.splitlines()
    assert "wsgi.url_scheme=https" in shown
    assert "HTTP_X_TRIED=127.0.0.1" in shown


def test_worker_that_a_hook_takes_for_too_large_is_replaced_without_a_gap(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    config = """
def post_request(worker, req):
    if worker.age == 1:
        worker.alive = False
        worker.log.info("alive: %s", worker.alive)
"""
    server = start_server(APP, *options, config=config)
    (first,) = server.worker_pids()
    assert server.get("/ok").status == 200
    server.log.wait_for("alive: False")
    (second,) = server.wait_for_workers(1, without=[first])
    assert server.get("/pid").text == str(second)


def test_attributes_of_hooks_take_the_place_of_nothing(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    """Names that the worker has for something of its own."""
    config = """
NAMES = ["current_request", "requests", "hub", "access", "tls", "poller", "loop", "slot", "show",
         "tick", "wake", "serve", "draining", "listeners", "pool", "script", "template", "run"]
def pre_fork(server, worker):
    for name in NAMES:
        setattr(worker, name, None)
def pre_request(worker, req):
    for name in NAMES:
        setattr(worker, name, req)
def worker_int(worker):
    worker.log.info("was serving %s", worker.current_request.path)
"""
    server = start_server(APP, *options, config=config)
    for _ in range(3):
        assert server.get("/ok").text == "ok"
    server.signal("quit")
    assert server.wait_exit() == 0
    server.log.wait_for("was serving /ok")


def test_arbiter_sees_requests_and_heartbeats_of_workers(start_server: Starter) -> None:
    config = """
def worker_ready(server, worker):
    server.log.info("beats: %s", worker.tmp.last_update() > 0)
def child_exit(server, worker):
    server.log.info("answered %d", worker.nr)
"""
    server = start_server(APP, config=config)
    server.log.wait_for("beats: True")
    for _ in range(3):
        assert server.get("/ok").status == 200
    server.signal("stop")
    assert server.wait_exit() == 0
    server.log.wait_for("answered 3")
