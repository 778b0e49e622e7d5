"""Requests that end their worker: the others are served on, and one that never starts is not."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.faults import SOURCE, preloaded

APP = "blocking:app"
REFUSER = SOURCE.with_name("refuser.c")
KINDS = {"one thread": (), "threads": ("--threads", "2"), "gevent": ("-k", "gevent")}
kinds = pytest.mark.parametrize("options", KINDS.values(), ids=KINDS)


@kinds
@pytest.mark.parametrize("workers", [1, 2])
def test_worker_that_dies_in_a_request_is_replaced_at_once(
    start_server: Starter, options: tuple[str, ...], workers: int
) -> None:
    server = start_server(APP, *options, workers=workers)
    for count in range(1, 9):
        client = server.connect()
        client.send_request(target="/die")
        client.expect_end()
        server.log.wait_for("while serving: GET /die", count=count)
        assert server.get("/").status == 200
    server.wait_for_workers(workers)
    assert "the next one starts in" not in server.log.text()


SHORT_OF_FILES = """
import os, resource
def post_worker_init(worker):
    free = os.dup(0)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free + {more}, free + {more}))
"""


@kinds
@pytest.mark.parametrize("more", [0, 1, 2])
def test_worker_that_cannot_have_what_serving_takes_is_never_ready(
    start_server: Starter, options: tuple[str, ...], more: int
) -> None:
    config = SHORT_OF_FILES.format(more=more)
    server = start_server(APP, *options, config=config, ready=False)
    server.expect_alarm("Worker")
    assert server.wait_exit() == 3
    text = server.log.text()
    assert os.strerror(errno.EMFILE) in text
    assert "Worker ready" not in text


@pytest.mark.parametrize(
    "call", ["accept4", "epoll_ctl", "epoll_wait", "eventfd", "getsockopt", "pipe2"]
)
def test_refused_system_call_ends_the_server_with_a_line(
    start_server: Starter, tmp_path: Path, call: str
) -> None:
    preload = preloaded(tmp_path, REFUSER)
    kind = ("--threads", "2") if call == "eventfd" else ()
    server = start_server(APP, *kind, ready=False, env={"LD_PRELOAD": preload, "REFUSED": call})
    server.expect_alarm("Worker")
    assert server.wait_exit() != 0
    assert os.strerror(errno.EPERM) in server.log.text()
