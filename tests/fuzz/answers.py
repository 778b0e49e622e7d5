"""An application that answers in every way there is, and what its client must receive.

The way is chosen by the request target, so that the fuzzer chooses it and the test knows it.

Runs in: worker
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

Environ = dict[str, Any]
Start = Callable[..., Any]


class Request(NamedTuple):
    """What the application is told of a request, and what the parser read."""

    method: str
    target: str
    path: str
    query: str
    body: bytes


class Way(NamedTuple):
    """A way to answer: `make` is an application with the text to answer as third argument.

    status: that the client gets.  has_body: it gets the text.  breaks: it gets some of it,
    then the connection ends.
    """

    make: Callable[[Environ, Start, bytes], Iterable[bytes]]
    status: int = 200
    has_body: bool = True
    breaks: bool = False


def _as_list(environ: Environ, start: Start, text: bytes) -> Iterable[bytes]:
    start("200 OK", [])
    return [text[:5], b"", text[5:]]


def _sized(environ: Environ, start: Start, text: bytes) -> Iterable[bytes]:
    start("200 OK", [("Content-Length", str(len(text)))])
    return iter([text[:5], text[5:]])


def _streamed(environ: Environ, start: Start, text: bytes) -> Iterator[bytes]:
    start("200 OK", [])
    yield b""
    yield text[:7]
    yield text[7:]


def _written(environ: Environ, start: Start, text: bytes) -> Iterable[bytes]:
    write = start("200 OK", [])
    write(text[:3])
    return [text[3:]]


def _file(environ: Environ, start: Start, text: bytes) -> Iterable[bytes]:
    start("200 OK", [])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](io.BytesIO(text))
    return wrapped


def _large(environ: Environ, start: Start, text: bytes) -> Iterator[bytes]:
    start("200 OK", [])
    for at in range(0, len(text), 9000):
        yield text[at : at + 9000]


def _hinting(environ: Environ, start: Start, text: bytes) -> Iterable[bytes]:
    environ["wsgi.early_hints"]([("Link", "</a>")])
    return _as_list(environ, start, text)


def _empty(environ: Environ, start: Start, text: bytes) -> Iterable[bytes]:
    start("204 No Content", [])
    return [b"never sent"]


def _unchanged(environ: Environ, start: Start, text: bytes) -> Iterable[bytes]:
    start("304 Not Modified", [])
    return []


def _raising(environ: Environ, start: Start, text: bytes) -> Iterable[bytes]:
    start("200 OK", [])
    raise LookupError("on purpose")


def _breaking(environ: Environ, start: Start, text: bytes) -> Iterator[bytes]:
    start("200 OK", [])
    yield text[:4]
    raise LookupError("on purpose")


def _short(environ: Environ, start: Start, text: bytes) -> Iterable[bytes]:
    start("200 OK", [("Content-Length", str(len(text) + 1))])
    return [text]


WAYS = (
    Way(_as_list),
    Way(_sized),
    Way(_streamed),
    Way(_written),
    Way(_file),
    Way(_large),
    Way(_hinting),
    Way(_empty, 204, has_body=False),
    Way(_unchanged, 304, has_body=False),
    Way(_raising, 500, has_body=False),
    Way(_breaking, breaks=True),
    Way(_short, breaks=True),
)


def way_of(request: Request) -> Way:
    """The way in which this request is answered."""
    chosen = WAYS[zlib.crc32(request.target.encode("latin-1")) % len(WAYS)]
    # To HEAD an answer that breaks off looks like any other, or not, as it may happen.
    return WAYS[0] if chosen.breaks and request.method == "HEAD" else chosen


def text_of(request: Request) -> bytes:
    """What is said in answer to it: the request."""
    text = repr(tuple(request)).encode("ascii", "backslashreplace")
    return text * (1 + 30_000 // len(text)) if way_of(request).make is _large else text


class Application:
    """Notes what it is asked and answers."""

    def __init__(self) -> None:
        self.asked: list[Request] = []

    def __call__(self, environ: Environ, start_response: Start) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        assert int(environ.get("CONTENT_LENGTH", len(body))) == len(body)
        request = Request(
            environ["REQUEST_METHOD"],
            environ["RAW_URI"],
            environ["PATH_INFO"],
            environ["QUERY_STRING"],
            body,
        )
        self.asked.append(request)
        return way_of(request).make(environ, start_response, text_of(request))
