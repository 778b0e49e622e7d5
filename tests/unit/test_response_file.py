"""wsgi.file_wrapper: files by sendfile(2), and whatever else has read()."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from tests.kit.files import Reader, Sending, content
from tests.kit.inproc import App, descriptors
from tests.kit.response import ConnectionEnded, ProtocolViolation
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]

MIB = 1 << 20
SIZES = [0, 1, 1000, 32 << 10, (32 << 10) + 1, 100_000, 5 * MIB]


@pytest.mark.parametrize("size", SIZES)
def test_file_arrives_whole_counted_and_is_closed(
    serve: Serve, make_file: Callable[[int], Path], size: int
) -> None:
    path = make_file(size)
    app = Sending(lambda: path.open("rb"))
    served = serve(app)
    client = served.connect()
    served.settle()
    before = len(descriptors())
    for _ in range(2):
        answer = client.request()
        assert (answer.framing, answer.closes) == ("length", False)
        assert answer.body == content(size)
        assert app.opened[-1].closed
        served.settle()
        assert len(descriptors()) == before


@pytest.mark.parametrize("size", [1000, 5 * MIB])
def test_client_that_reads_slowly_gets_the_whole_file(
    serve: Serve, make_file: Callable[[int], Path], size: int
) -> None:
    path = make_file(size)
    app = Sending(lambda: path.open("rb"))
    client = serve(app, small_buffers=True).connect()
    client.send(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 2)
    assert all(file.closed for file in app.opened)
    for _ in range(2):
        assert client.read_response().body == content(size)


@pytest.mark.parametrize("size", [1000, 100_000])
@pytest.mark.parametrize("offset", [1, 999, 1000])
def test_file_is_sent_from_where_it_stands(
    serve: Serve, make_file: Callable[[int], Path], size: int, offset: int
) -> None:
    path = make_file(size)

    def opener() -> BinaryIO:
        file = path.open("rb")
        assert len(file.read(offset)) == offset
        return file

    client = serve(Sending(opener)).connect()
    for _ in range(2):
        assert client.request().body == content(size)[offset:]


def test_file_past_its_end_is_empty(serve: Serve, make_file: Callable[[int], Path]) -> None:
    path = make_file(10)

    def opener() -> BinaryIO:
        file = path.open("rb")
        file.seek(100)
        return file

    answer = serve(Sending(opener)).connect().request()
    assert (answer.get("content-length"), answer.body) == ("0", b"")


@pytest.mark.parametrize("size", [1000, 100_000])
@pytest.mark.parametrize("length", [0, 1, 500])
def test_no_more_than_the_announced_length_is_sent(
    serve: Serve, make_file: Callable[[int], Path], size: int, length: int
) -> None:
    path = make_file(size)
    client = serve(Sending(lambda: path.open("rb"), ("Content-Length", str(length)))).connect()
    for _ in range(2):
        assert client.request().body == content(size)[:length]


@pytest.mark.parametrize("size", [0, 1000, 100_000])
def test_file_shorter_than_announced_ends_the_connection(
    serve: Serve, make_file: Callable[[int], Path], size: int
) -> None:
    path = make_file(size)
    app = Sending(lambda: path.open("rb"), ("Content-Length", str(size + 5)))
    served = serve(app)
    client = served.connect()
    client.send_request()
    with pytest.raises(ConnectionEnded, match="5 bytes too early"):
        client.read_response()
    served.logged("5 bytes shorter than its Content-Length")
    assert app.opened[0].closed


def test_file_that_shrinks_ends_the_connection(
    serve: Serve, make_file: Callable[[int], Path]
) -> None:
    path = make_file(5 * MIB)
    served = serve(Sending(lambda: path.open("rb")), small_buffers=True)
    client = served.connect()
    served.settle()
    before = len(descriptors())
    client.send_request()
    os.truncate(path, MIB)
    with pytest.raises(ProtocolViolation):
        client.read_response()
    assert len(client.received) < 2 * MIB
    served.logged("a file that is being sent to 127.0.0.1 has become shorter")
    assert len(descriptors()) < before


def test_file_that_grows_is_sent_as_it_was(serve: Serve, make_file: Callable[[int], Path]) -> None:
    path = make_file(MIB)
    client = serve(Sending(lambda: path.open("rb")), small_buffers=True).connect()
    client.send_request()
    with path.open("ab") as file:
        file.write(b"more")
    assert client.read_response().body == content(MIB)


@pytest.mark.parametrize("size", [1000, 100_000])
def test_head_sends_nothing_of_the_file(
    serve: Serve, make_file: Callable[[int], Path], size: int
) -> None:
    path = make_file(size)
    app = Sending(lambda: path.open("rb"))
    client = serve(app).connect()
    for _ in range(2):
        answer = client.request("HEAD")
        assert (answer.get("content-length"), answer.body) == (str(size), b"")
        assert app.opened[-1].closed
    client.expect_nothing()


def test_http_1_0_gets_a_file(serve: Serve, make_file: Callable[[int], Path]) -> None:
    path = make_file(100_000)
    client = serve(Sending(lambda: path.open("rb"))).connect()
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    assert client.read_response().body == content(100_000)
    client.expect_end()


@pytest.mark.parametrize("opener", [io.BytesIO, Reader], ids=["BytesIO", "read() alone"])
def test_object_without_a_descriptor_is_read_in_blocks(
    serve: Serve, opener: Callable[[bytes], Any]
) -> None:
    app = Sending(lambda: opener(content(20_000)), block=8000)
    client = serve(app).connect()
    for _ in range(2):
        answer = client.request()
        assert [len(chunk) for chunk in answer.chunks] == [8000, 8000, 4000]
        assert answer.body == content(20_000)
        assert getattr(app.opened[-1], "closed", True)


def test_pipe_is_read_in_blocks(serve: Serve) -> None:
    def opener() -> BinaryIO:
        reading, writing = os.pipe()
        os.write(writing, content(5000))
        os.close(writing)
        return os.fdopen(reading, "rb", buffering=0)

    app = Sending(opener, block=1000)
    client = serve(app).connect()
    for _ in range(2):
        assert client.request().body == content(5000)
        assert app.opened[-1].closed


def test_descriptor_that_is_none_is_read_in_blocks(serve: Serve) -> None:
    class Lying(io.BytesIO):
        def fileno(self) -> int:
            return 999_999

    assert serve(Sending(lambda: Lying(content(10)))).connect().request().body == content(10)


@pytest.mark.parametrize("block", [1, 8192])
def test_wrapper_can_be_iterated_by_a_middleware(
    serve: Serve, make_file: Callable[[int], Path], block: int
) -> None:
    path = make_file(3000)
    inner = Sending(lambda: path.open("rb"), block=block)

    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        wrapped = inner(environ, start_response)
        try:
            for data in wrapped:
                yield data.upper()
        finally:
            wrapped.close()  # type: ignore[attr-defined]

    assert serve(app).connect().request().body == content(3000).upper()
    assert inner.opened[0].closed


def test_file_after_write_is_sent_behind_it(serve: Serve, make_file: Callable[[int], Path]) -> None:
    path = make_file(100_000)

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])(b"before")
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](path.open("rb"))
        return wrapped

    assert serve(app).connect().request().body == b"before" + content(100_000)


def test_file_without_start_response_gets_a_500_and_is_closed(
    serve: Serve, make_file: Callable[[int], Path]
) -> None:
    path = make_file(10)
    opened: list[BinaryIO] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        opened.append(path.open("rb"))
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](opened[-1])
        return wrapped

    application: App = app
    served = serve(application)
    assert served.connect().request().status == 500
    assert opened[0].closed
    served.logged("without calling start_response")


@pytest.mark.parametrize("leave", ["close", "reset"])
def test_client_that_vanishes_leaves_no_descriptor(
    serve: Serve, make_file: Callable[[int], Path], leave: str
) -> None:
    path = make_file(5 * MIB)
    app = Sending(lambda: path.open("rb"))
    served = serve(app, small_buffers=True)
    before = len(descriptors())
    client = served.connect()
    client.send_request()
    getattr(client, leave)()
    served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")
    assert app.opened[0].closed
    assert len(descriptors()) == before
