"""The application of the soak test: every way to answer, each with one right answer.

Runs in: worker
"""

from __future__ import annotations

import ctypes
import gc
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from benchmarks.apps.plain import HELLO, hello

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    App = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]

FILE_BYTES = 100_000
BLOCKS = (b"one", b"", b"x" * 5000, b"two" * 100)
_TEXT = ("Content-Type", "text/plain")
_FILE = tempfile.NamedTemporaryFile(prefix="fastfork-soak-")  # noqa: SIM115 - until the end
_FILE.write(b"0123456789" * (FILE_BYTES // 10))
_FILE.flush()
FILE_PATH = _FILE.name


def echo(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The body, whatever its framing."""
    body = environ["wsgi.input"].read()
    start_response("200 OK", [_TEXT, ("Content-Length", str(len(body)))])
    return [body]


def file(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """A file, opened anew."""
    start_response("200 OK", [_TEXT, ("Content-Length", str(FILE_BYTES))])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](open(_FILE.name, "rb"))  # noqa: SIM115
    return wrapped


def stream(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
    """Blocks, one of them empty, without a length."""
    start_response("200 OK", [_TEXT])
    yield from BLOCKS


def write(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The old way, and then the new one."""
    push = start_response("200 OK", [_TEXT])
    push(HELLO)
    return [HELLO]


def fail(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """An application with a bug."""
    start_response("200 OK", [_TEXT])
    raise RuntimeError("on purpose")


def trim(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Give back free memory, and greet."""
    give_back()
    return hello(environ, start_response)


def give_back() -> None:
    """Give free memory back to the system, so that what is read afterwards is in use.

    The C library keeps what was freed, more or less of it as the last requests happened to
    overlap; that is 2 MiB of noise in figures that may move by 0.2 (malloc_trim(3)).
    """
    gc.collect()
    library = ctypes.CDLL(None)
    if hasattr(library, "malloc_trim"):
        library.malloc_trim(0)


_PATHS: Final[Mapping[str, App]] = MappingProxyType(
    {"/echo": echo, "/file": file, "/stream": stream, "/write": write, "/fail": fail, "/trim": trim}
)


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The entry point."""
    return _PATHS.get(environ["PATH_INFO"], hello)(environ, start_response)
