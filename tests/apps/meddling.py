"""An application whose own threads are at everything that it was given, also when it is over.

/KIND/TOKEN: four threads of the application call what KIND names, again and again, while the
response is made and a moment longer.  TOKEN is what every byte of the answer's body is made of:
letters of another token are another response's.  /quick/TOKEN: 100 times the token, and no threads.

The threads are of the operating system, with gevent too (its thread pool has such).

Runs in: worker
"""

from __future__ import annotations

import _thread
import gc
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

if "gevent.monkey" in sys.modules:  # what it has put away
    original = sys.modules["gevent.monkey"].get_original
    start_thread = original("_thread", "start_new_thread")
    pause = original("time", "sleep")
else:
    start_thread = _thread.start_new_thread
    pause = time.sleep

Environ = dict[str, Any]
Start = Callable[..., Any]
Call = Callable[[], object]

THREADS = 4
SECONDS = 0.05  # that they go on
BLOCK = 100  # times the token
LARGE = 20_000  # more than is copied into the worker's buffer
TEXT = ("Content-Type", "text/plain")
REFUSALS = (AssertionError, RuntimeError, ValueError, KeyError, OSError)


class Left:
    """Is left in the environ, and writes when it is finalized."""

    def __init__(self, *calls: Call) -> None:
        self.calls = calls
        self.itself = self  # only the collector finds it

    def __del__(self) -> None:
        for call in self.calls:
            try:
                call()
            except REFUSALS:
                pass


class Field(str):
    """A field value that takes its time where somebody looks at it closely."""

    def __repr__(self) -> str:
        pause(0.0005)
        return super().__repr__()


class Block(bytes):
    """A block that gives the interpreter away when it is made plain."""

    def __bytes__(self) -> bytes:
        pause(0.0002)
        return bytes(memoryview(self))


def meddle(*calls: Call) -> None:
    """Call them on threads of our own for a moment.  What says no is right to."""

    def go_on() -> None:
        until = time.monotonic() + SECONDS
        while time.monotonic() < until:
            try:
                random.choice(calls)()
            except REFUSALS:
                pass
            if random.random() < 0.2:
                pause(0.0002)

    for _ in range(THREADS):
        start_thread(go_on, ())


def stream(block: bytes, more: Call) -> Iterator[bytes]:
    for _ in range(random.randrange(6)):
        time.sleep(0.0005)
        more()
        yield Block(block)


def writing(environ: Environ, start: Start, block: bytes) -> Iterable[bytes]:
    write = start("200 OK", [TEXT])
    large = block * (LARGE // len(block))
    meddle(lambda: write(block), lambda: write(Block(block)), lambda: write(large))
    write(block)
    return stream(block, lambda: write(block))


def measured(environ: Environ, start: Start, block: bytes) -> Iterable[bytes]:
    """More is written than was announced."""
    write = start("200 OK", [TEXT, ("Content-Length", str(20 * len(block)))])
    meddle(lambda: write(block))
    return [block] * 20


def hinting(environ: Environ, start: Start, block: bytes) -> Iterable[bytes]:
    hints = environ["wsgi.early_hints"]
    meddle(lambda: hints([("Link", "</a.css>")]), lambda: hints([("Link", Field("\n"))]))
    time.sleep(0.001)
    start("200 OK", [TEXT])
    return stream(block, lambda: None)


def starting(environ: Environ, start: Start, block: bytes) -> Iterable[bytes]:
    def again() -> None:
        try:
            raise KeyError("again")
        except KeyError as error:
            fields = [TEXT, ("X-Meddled", "yes"), ("Connection", "close")]
            start("200 OK", fields, (KeyError, error, None))

    meddle(again, lambda: start("200 OK", [TEXT]), lambda: start(Field("2\n"), [TEXT]))
    try:
        start("200 OK", [TEXT])
    except REFUSALS:
        pass
    return [block] * 3


def reading(environ: Environ, start: Start, block: bytes) -> Iterable[bytes]:
    body = environ["wsgi.input"]
    meddle(lambda: body.read(7), lambda: body.readline(), lambda: body.seek(0))
    start("200 OK", [TEXT])
    return stream(block, lambda: body.read(1))


def filed(environ: Environ, start: Start, block: bytes) -> Iterable[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 - the server closes it
    file.write(block * random.choice((10, 2000)))
    file.seek(0)
    write = start("200 OK", [TEXT])
    wrapper = environ["wsgi.file_wrapper"](file)
    meddle(lambda: write(block), lambda: wrapper.filelike.tell(), file.fileno)
    return wrapper


def socketed(environ: Environ, start: Start, block: bytes) -> Iterable[bytes]:
    own = environ["fastfork.socket"]
    meddle(lambda: own.dup().close(), own.fileno, lambda: own.speaker)
    write = start("200 OK", [TEXT])
    return stream(block, lambda: write(block))


def taken(environ: Environ, start: Start, block: bytes) -> Iterable[bytes]:
    """Whoever is first has the socket; nobody answers."""
    own = environ["fastfork.socket"]
    start("200 OK", [TEXT])
    meddle(lambda: own.detach().close())
    return stream(block, lambda: None)


def finalized(environ: Environ, start: Start, block: bytes) -> Iterable[bytes]:
    """Finalizers write to this response and to others, wherever the collector strikes."""
    write = start("200 OK", [TEXT])
    environ["left"] = Left(lambda: write(block))
    meddle(lambda: Left(lambda: write(block)), gc.collect)
    return stream(block, lambda: Left(lambda: write(block)))


def signalled(environ: Environ, start: Start, block: bytes) -> Iterable[bytes]:
    """A signal handler writes, in the middle of whatever the main thread does."""
    write = start("200 OK", [TEXT])

    def handle(_number: int, _frame: object) -> None:
        try:
            write(block)
        except REFUSALS:
            pass

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
    meddle(lambda: write(block))
    return stream(block, lambda: None)


def quick(environ: Environ, start: Start, block: bytes) -> Iterable[bytes]:
    start("200 OK", [TEXT, ("Content-Length", str(len(block)))])
    return [block]


KINDS = {
    one.__name__: one
    for one in (
        writing, measured, hinting, starting, reading, filed, socketed, taken, finalized,
        signalled, quick,
    )
}  # fmt: skip


def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
    _, kind, token = environ["PATH_INFO"].split("/")
    return KINDS[kind](environ, start_response, token.encode() * BLOCK)
