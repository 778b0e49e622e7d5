"""SCRIPT_NAME of the environment, and what else of the environment an application asks for."""

from __future__ import annotations

import pytest

import fastfork
from tests.conftest import Starter
from tests.kit.client import RawClient
from tests.kit.programs import library
from tests.kit.server import RunningServer

APP = "supervised:app"
WORKERS = [(), ("--threads", "4"), ("-k", "gevent"), ("--preload",)]
NAMES = ["one thread", "threads", "gevent", "preload"]


def seen(client: RawClient, path: str, *fields: tuple[str, str]) -> tuple[str, str]:
    answer = client.request("GET", path, list(fields))
    assert answer.status == 200, answer.text
    found = dict(line.split("=", 1) for line in answer.text.splitlines())
    return found["SCRIPT_NAME"], found["PATH_INFO"]


@pytest.mark.parametrize("options", WORKERS, ids=NAMES)
@pytest.mark.parametrize("way", ["variable", "option"])
def test_application_is_below_the_path_that_the_environment_says(
    start_server: Starter, options: tuple[str, ...], way: str
) -> None:
    if "gevent" in options:
        library("gevent")
    if way == "variable":
        server = start_server("worker_plain:app", *options, env={"SCRIPT_NAME": "/shop"})
    else:
        server = start_server("worker_plain:app", *options, "-e", "SCRIPT_NAME=/shop")
    with server.connect() as client:
        assert seen(client, "/shop/environ") == ("/shop", "/environ")
        assert client.request("GET", "/shopping/environ").status == 500
    server.log.wait_for("'/shopping/environ' is not below SCRIPT_NAME '/shop'")


def test_access_log_and_hooks_see_where_the_application_is(start_server: Starter) -> None:
    config = """
def pre_request(worker, req): worker.log.info("before: %s %s", req.path, req.environ["PATH_INFO"])
def post_request(worker, req, environ): worker.log.info("after: %s", environ["PATH_INFO"])
"""
    server = start_server(APP, env={"SCRIPT_NAME": "/shop"}, config=config)
    assert server.get("/shop/pid").status == 200
    server.log.wait_for("before: /shop/pid /shop/pid")
    server.log.wait_for("after: /pid")


@pytest.mark.parametrize("said", ["/other", "/shop", "", "/"])
def test_trusted_proxy_has_the_last_word(borrow_server: Starter, said: str) -> None:
    server = borrow_server("worker_plain:app", env={"SCRIPT_NAME": "/shop"})
    path = f"{said.rstrip('/')}/environ"
    with server.connect() as client:
        assert seen(client, path, ("SCRIPT_NAME", said)) == (said.rstrip("/"), "/environ")


def test_field_with_a_dash_says_nothing(borrow_server: Starter) -> None:
    server = borrow_server("worker_plain:app", env={"SCRIPT_NAME": "/shop"})
    with server.connect() as client:
        assert seen(client, "/shop/environ", ("Script-Name", "/evil")) == ("/shop", "/environ")


def test_path_without_a_slash_ends_the_start_in_one_line(start_server: Starter) -> None:
    server = start_server(APP, env={"SCRIPT_NAME": "shop"}, ready=False)
    assert server.wait_exit() == 3
    server.log.wait_for("SCRIPT_NAME: 'shop' does not begin with a slash; write '/shop'")


def environ_of(server: RunningServer, name: str) -> str:
    return server.get(f"/environ/{name}").text


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["plain", "preload"])
def test_environment_says_which_server_this_is(
    start_server: Starter, options: tuple[str, ...]
) -> None:
    config = """
import os
def on_starting(server): server.log.info("arbiter: %s", os.environ["SERVER_SOFTWARE"])
"""
    server = start_server(APP, *options, config=config)
    usual = f"fastfork/{fastfork.__version__}"
    assert environ_of(server, "SERVER_SOFTWARE") == usual
    server.log.wait_for(f"arbiter: {usual}")


def test_environment_says_what_server_header_says(start_server: Starter) -> None:
    server = start_server(APP, "--server-header", "shop/1")
    assert environ_of(server, "SERVER_SOFTWARE") == "shop/1"


def test_raw_env_may_say_something_else(start_server: Starter) -> None:
    server = start_server(APP, "-e", "SERVER_SOFTWARE=gunicorn/27.0.1")
    assert environ_of(server, "SERVER_SOFTWARE") == "gunicorn/27.0.1"
