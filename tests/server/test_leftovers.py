"""What an application leaves behind is finalized when its answer is on its way, and holds up nobody
whom its request did not hold up.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.kit.client import RawClient
from tests.kit.programs import library
from tests.kit.server import RunningServer
from tests.kit.tls import Authority, TlsClient
from tests.kit.waiting import wait_until

WHAT = ("environ", "context", "iterator", "iterable", "raised")
ASIDE = {
    "threads": ("--threads", "3"),
    "gevent": ("-k", "gevent"),
    "preload": ("--preload", "--threads", "2"),
    "access log": ("--threads", "2", "--access-logfile", "/dev/null"),
}


def serve(start_server: Starter, folder: Path, what: str, *options: str) -> RunningServer:
    if "gevent" in options:
        library("gevent")
    server = start_server("leaving:app", *options, env={"LEAVING_DIR": str(folder)})
    if what == "raised":
        server.expect_alarm("LookupError")
    return server


def check(connect: Callable[[], RawClient], folder: Path, what: str) -> None:
    """While the finalizer waits, its own answer has come, and others are answered."""
    with connect() as client, connect() as other:
        client.send_request("GET", f"/{what}/one")
        assert client.read_response().status == (500 if what == "raised" else 200)
        wait_until((folder / "one").exists, "what was left behind is finalized")
        for _ in range(5):
            assert other.request("GET", "/quick").text == "quick"
        assert not (folder / "one.go").exists()
        (folder / "one.go").touch()


@pytest.mark.parametrize("kind", ASIDE)
@pytest.mark.parametrize("what", WHAT)
def test_finalizer_holds_up_nobody_else(
    start_server: Starter, tmp_path: Path, what: str, kind: str
) -> None:
    server = serve(start_server, tmp_path, what, *ASIDE[kind])
    check(lambda: RawClient(server.endpoint), tmp_path, what)


def test_finalizer_of_a_response_field_waits_for_the_access_log(
    start_server: Starter, tmp_path: Path
) -> None:
    """Which is the one that still knows the fields."""
    server = serve(start_server, tmp_path, "fields", *ASIDE["access log"])
    check(lambda: RawClient(server.endpoint), tmp_path, "fields")


@pytest.mark.parametrize("kind", ["threads", "gevent"])
def test_finalizer_holds_up_nobody_else_with_tls(
    start_server: Starter, tmp_path: Path, kind: str, authority: Authority
) -> None:
    pair = authority.issue("server")
    files = ("--certfile", str(pair.certificate), "--keyfile", str(pair.key))
    server = serve(start_server, tmp_path, "environ", *ASIDE[kind], *files)
    context = authority.client_context()
    check(lambda: TlsClient(server.endpoint, context), tmp_path, "environ")


@pytest.mark.parametrize("what", WHAT)
def test_finalizer_on_the_only_thread_does_not_hold_up_its_own_answer(
    start_server: Starter, tmp_path: Path, what: str
) -> None:
    server = serve(start_server, tmp_path, what)
    with RawClient(server.endpoint) as client:
        client.send_request("GET", f"/{what}/one")
        assert client.read_response().status == (500 if what == "raised" else 200)
        wait_until((tmp_path / "one").exists, "what was left behind is finalized")
        assert not (tmp_path / "one.go").exists()
        (tmp_path / "one.go").touch()
    assert server.get("/quick").text == "quick"
