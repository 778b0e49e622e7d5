"""Static files in a hub: what becomes of the connection, and of what the file was opened with."""

from __future__ import annotations

import logging
import os
import ssl
from pathlib import Path
from typing import Any

import pytest

from fastfork._core.apps.static import StaticFiles
from fastfork.http import error_page
from fastfork.static.mounts import describing
from tests.kit.blocks import path as tell_path
from tests.kit.files import content
from tests.kit.inproc import Served, descriptors
from tests.kit.tls import HubTlsClient
from tests.unit.conftest import Secure, Serve

OLD = 1_600_000_000  # seconds since 1970
SIZES = [0, 1, 1000, 32 << 10, (32 << 10) + 1, 3 << 20]
WORDS = b"GET /static/%s HTTP/1.1\r\nHost: h\r\n\r\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Files named after their size."""
    for size in SIZES:
        (tmp_path / str(size)).write_bytes(content(size))
        os.utime(tmp_path / str(size), (OLD, OLD))
    return tmp_path


@pytest.fixture
def serve_files(serve: Serve, root: Path) -> Serve:
    """As `serve`, with an application that tells the path, and the files below /static."""

    def start(*, is_logged: bool = True, **settings: Any) -> Served:
        return with_files(serve(tell_path, **settings), root, is_logged=is_logged)

    return start


def with_files(served: Served, root: Path, *, is_logged: bool = True) -> Served:
    served.hub.answering.static = StaticFiles(
        [("/static", str(root))],
        describe=describing(None, 0, {}),
        pages=error_page,
        log=logging.Logger("not asked"),
        is_logged=is_logged,
    )
    return served


def let_go(served: Served) -> None:
    """The directory is closed before the descriptors are counted."""
    served.hub.answering.static = None


@pytest.mark.parametrize("size", SIZES)
def test_file_arrives_whole_and_is_closed(serve_files: Serve, http_parser: str, size: int) -> None:
    served = serve_files(parser=http_parser)
    client = served.connect()
    served.settle()
    before = len(descriptors())
    for _ in range(3):
        answer = client.request("GET", f"/static/{size}")
        assert (answer.status, answer.framing, answer.closes) == (200, "length", False)
        assert answer.body == content(size)
        head = client.request("HEAD", f"/static/{size}")
        assert head.get("content-length") == str(size)
        served.settle()
        assert len(descriptors()) == before
    let_go(served)


def test_pipelined_requests_are_answered_in_their_order(
    serve_files: Serve, http_parser: str
) -> None:
    served = serve_files(parser=http_parser)
    client = served.connect()
    names = [*SIZES, "none", *reversed(SIZES)] * 5  # more than one turn answers
    client.send(b"".join(WORDS % str(name).encode() for name in names))
    for name in names:
        expected = content(name) if isinstance(name, int) else b"/static/none"
        assert client.read_response().body == expected
    let_go(served)


def test_many_small_answers_go_out_together(serve_files: Serve) -> None:
    served = serve_files()
    client = served.connect()
    client.send(WORDS % b"1000" * 5)
    data = client.peek()
    assert data.count(b"HTTP/1.1 200 OK") == 5
    for _ in range(5):
        client.read_response()
    let_go(served)


@pytest.mark.parametrize("size", [1000, 3 << 20])
def test_client_that_reads_slowly_gets_the_whole_file(serve_files: Serve, size: int) -> None:
    served = serve_files(small_buffers=True)
    client = served.connect()
    client.send(WORDS % str(size).encode() * 2)
    for _ in range(2):
        assert client.read_response().body == content(size)
    let_go(served)


def test_client_that_leaves_costs_nothing(serve_files: Serve) -> None:
    served = serve_files(small_buffers=True)
    served.settle()
    before = len(descriptors())
    for end in ("close", "reset"):
        client = served.connect()
        client.send(WORDS % str(3 << 20).encode() * 3)
        getattr(client, end)()
        served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")
        assert len(descriptors()) == before
    let_go(served)


@pytest.mark.parametrize("size", [0, 1000, 3 << 20])
@pytest.mark.parametrize("keeps", [False, True])
def test_client_of_http_1_0_is_kept_if_it_asks(
    serve_files: Serve, size: int, *, keeps: bool
) -> None:
    served = serve_files()
    client = served.connect()
    field = b"Connection: keep-alive\r\n" if keeps else b""
    for _ in range(2):
        client.send(b"GET /static/%d HTTP/1.0\r\n%s\r\n" % (size, field))
        answer = client.read_response()
        assert (answer.framing, answer.body) == ("length", content(size))
        if not keeps:
            client.expect_end()
            break
    let_go(served)


def test_body_of_a_refused_method_is_read_first(serve_files: Serve, http_parser: str) -> None:
    served = serve_files(parser=http_parser, spool_after=1000)
    client = served.connect()
    for body in (b"", b"abc", content(100_000)):
        answer = client.request("POST", "/static/1000", body=body)
        assert (answer.status, answer.get("allow"), answer.closes) == (405, "GET, HEAD", False)
    chunked = b"PUT /static/1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    client.send(chunked + b"3\r\nabc\r\n0\r\n\r\n")
    assert client.read_response().status == 405
    assert client.request("GET", "/static/1").body == content(1)
    let_go(served)


@pytest.mark.parametrize("is_logged", [True, False])
def test_answers_are_logged_or_not(serve_files: Serve, *, is_logged: bool) -> None:
    served = serve_files(access="%(r)s %(s)s %(B)s", is_logged=is_logged)
    client = served.connect()
    client.request("GET", "/static/1000")
    client.request("GET", "/static/1000", [("If-None-Match", "*")])
    client.request("GET", "/other")
    served.hub.flush_access_log()
    lines = ["GET /static/1000 HTTP/1.1 200 1000", "GET /static/1000 HTTP/1.1 304 0"]
    assert served.access_lines == (lines if is_logged else []) + ["GET /other HTTP/1.1 200 6"]
    let_go(served)


def test_files_come_through_tls(
    secure: Secure, root: Path, context: ssl.SSLContext, http_parser: str
) -> None:
    served = with_files(secure(tell_path, parser=http_parser), root)
    client = HubTlsClient(served, context)
    for size in SIZES:
        assert client.request("GET", f"/static/{size}").body == content(size)
    client.send(b"".join(WORDS % str(size).encode() for size in SIZES))
    for size in SIZES:
        assert client.read_response().body == content(size)
    let_go(served)


def test_application_is_asked_for_what_is_no_file(serve_files: Serve) -> None:
    served = serve_files()
    client = served.connect()
    for path in ("/", "/static", "/static/", "/static/none", "/statics/1"):
        assert client.request("GET", path).text == path
    assert client.request("GET", "/static/../1").status == 404
    let_go(served)
