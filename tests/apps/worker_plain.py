"""A plain WSGI application that does what a test of the worker asks for by path.

/pid, /environ, /large (16 MiB), /stream/N (blocks of 64 KiB), /file/N (a file of N KiB),
/echo, /write (1 MiB at once, then an iterable), /select (waits by select(2)), /hello?anything.

Runs in: worker
"""

from __future__ import annotations

import hashlib
import os
import select
import tempfile
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from content import checked as checked_by_wsgiref

Environ = dict[str, Any]
Start = Callable[..., Any]

LARGE = b"0123456789abcdef" * (1 << 20)
BLOCK = LARGE[: 64 << 10]
SHOWN = (str, tuple)  # in /environ
TEXT = ("Content-Type", "text/plain; charset=utf-8")


def text(start_response: Start, body: str) -> list[bytes]:
    data = body.encode()
    start_response("200 OK", [TEXT, ("Content-Length", str(len(data)))])
    return [data]


def pid(environ: Environ, start_response: Start) -> list[bytes]:
    return text(start_response, str(os.getpid()))


def show(environ: Environ, start_response: Start) -> list[bytes]:
    lines = (f"{key}={value}" for key, value in environ.items() if isinstance(value, SHOWN))
    return text(start_response, "\n".join(lines))


def hello(environ: Environ, start_response: Start) -> list[bytes]:
    return text(start_response, environ["QUERY_STRING"])


def wait_by_select(environ: Environ, start_response: Start) -> list[bytes]:
    ours, other = os.pipe()
    os.write(other, b"x")
    ready = select.select([ours], [], [], 5)[0]
    os.close(ours)
    os.close(other)
    return text(start_response, f"{len(ready)} ready")


def large(environ: Environ, start_response: Start) -> list[bytes]:
    start_response("200 OK", [TEXT])
    return [LARGE]


def stream(environ: Environ, start_response: Start) -> Iterator[bytes]:
    start_response("200 OK", [TEXT])
    for _ in range(int(environ["PATH_INFO"].split("/")[2])):
        yield BLOCK


def send_file(environ: Environ, start_response: Start) -> Iterable[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the server closes it
    file.write(LARGE[: int(environ["PATH_INFO"].split("/")[2]) << 10])
    file.seek(0)
    start_response("200 OK", [TEXT])
    wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](file)
    return wrapped


def echo(environ: Environ, start_response: Start) -> list[bytes]:
    digest = hashlib.sha256()
    size = 0
    while data := environ["wsgi.input"].read(100_000):
        digest.update(data)
        size += len(data)
    return text(start_response, f"{size} {digest.hexdigest()}")


def write(environ: Environ, start_response: Start) -> list[bytes]:
    start_response("200 OK", [TEXT])(LARGE[: 1 << 20])
    return [b"end"]


PATHS: dict[str, Callable[[Environ, Start], Iterable[bytes]]] = {
    "pid": pid,
    "environ": show,
    "hello": hello,
    "select": wait_by_select,
    "large": large,
    "stream": stream,
    "file": send_file,
    "echo": echo,
    "write": write,
}


def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
    return PATHS[environ["PATH_INFO"].split("/")[1]](environ, start_response)


checked = checked_by_wsgiref(app)
