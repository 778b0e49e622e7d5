"""The application that slow clients talk to: a tiny page, an upload, an answer of 16 MiB.

The large answer is made in blocks, as applications make large answers; a server may stop
asking for blocks while the client does not read.

Runs in: worker
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from benchmarks.apps.plain import HELLO, hello

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    App = Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]]

LARGE_BYTES = 16 << 20
BLOCK = b"x" * (64 << 10)
_TEXT = ("Content-Type", "text/plain")


def large(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterator[bytes]:
    """16 MiB in blocks of 64 KiB."""
    start_response("200 OK", [_TEXT, ("Content-Length", str(LARGE_BYTES))])
    for _ in range(LARGE_BYTES // len(BLOCK)):
        yield BLOCK


def upload(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Reads the body and greets."""
    environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    start_response("200 OK", [_TEXT, ("Content-Length", str(len(HELLO)))])
    return [HELLO]


_PATHS: Final[Mapping[str, App]] = MappingProxyType({"/large": large, "/upload": upload})


def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The entry point."""
    return _PATHS.get(environ["PATH_INFO"], hello)(environ, start_response)
