"""wsgi.file_wrapper around what is not simply a file, and answers that must not have one."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from tests.kit.files import Reader, Sending, content
from tests.kit.response import ConnectionEnded
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]


class Shouting(io.FileIO):
    """A file whose read() gives something else than its descriptor would."""

    def read(self, size: int | None = -1, /) -> bytes:
        return (super().read(size) or b"").upper()


class Proxy:
    """What frameworks hand over: an object that passes everything on to a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


@pytest.mark.parametrize("size", [1000, 100_000])
@pytest.mark.parametrize("module", [gzip, bz2, lzma], ids=lambda module: module.__name__)
def test_compressed_file_is_sent_as_it_reads(
    serve: Serve, tmp_path: Path, module: Any, size: int
) -> None:
    """Its fileno() is that of the compressed file, which is something else."""
    path = tmp_path / "compressed"
    with module.open(path, "wb") as file:
        file.write(os.urandom(10) + content(size))
    with module.open(path) as file:
        wanted = file.read()
    app = Sending(lambda: module.open(path))
    client = serve(app).connect()
    assert client.request().body == wanted
    assert app.opened[-1].closed


@pytest.mark.parametrize("size", [1000, 100_000])
def test_file_with_a_read_of_its_own_is_read(
    serve: Serve, make_file: Callable[[int], Path], size: int
) -> None:
    path = make_file(size)
    client = serve(Sending(lambda: Shouting(path))).connect()
    assert client.request().body == content(size).upper()


@pytest.mark.parametrize("wrap", [Proxy, tempfile._TemporaryFileWrapper, io.FileIO])
def test_file_behind_a_proxy_is_counted_and_sent_by_its_descriptor(
    serve: Serve, make_file: Callable[[int], Path], wrap: Any
) -> None:
    path = make_file(100_000)

    def opener() -> Any:
        if wrap is io.FileIO:
            return io.FileIO(path)
        file = path.open("rb")
        return wrap(file, path) if wrap is tempfile._TemporaryFileWrapper else wrap(file)

    answer = serve(Sending(opener)).connect().request()
    assert (answer.framing, answer.body) == ("length", content(100_000))
    path.write_bytes(content(100_000))  # the temporary one is gone by now


@pytest.mark.parametrize("status", ["204 Nothing", "205 Reset", "304 Same"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("size", [1000, 100_000])
def test_status_without_a_body_sends_nothing_of_the_file(
    serve: Serve, make_file: Callable[[int], Path], size: int, method: str, status: str
) -> None:
    path = make_file(size)
    opened: list[BinaryIO] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        opened.append(path.open("rb"))
        start_response(status, [])
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](opened[-1])
        return wrapped

    client = serve(app).connect()
    for _ in range(2):
        answer = client.request(method)
        assert (answer.reason, answer.body) == (status[4:], b"")
        lengths = {"204": [None], "205": ["0"], "304": [None, str(size)]}
        assert answer.get("content-length") in lengths[status[:3]]
        assert opened[-1].closed
    client.expect_nothing()


def test_pipe_for_http_1_0_ends_with_the_connection(serve: Serve) -> None:
    def opener() -> BinaryIO:
        reading, writing = os.pipe()
        os.write(writing, content(5000))
        os.close(writing)
        return os.fdopen(reading, "rb", buffering=0)

    client = serve(Sending(opener)).connect()
    client.send(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    answer = client.read_response()
    assert (answer.framing, answer.body) == ("close", content(5000))
    client.expect_end()


def test_file_that_cannot_be_read_any_more_cuts_the_answer(serve: Serve) -> None:
    class Failing(Reader):
        def read(self, size: int) -> bytes:
            data = super().read(size)
            if not data:
                raise OSError("on purpose")
            return data

    served = serve(Sending(lambda: Failing(content(5000)), block=1000))
    with pytest.raises(ConnectionEnded):
        served.connect().request()
    assert "on purpose" in served.logged("Error handling request")
