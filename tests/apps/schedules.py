"""An application for random schedules: /KIND/TOKEN/NUMBER, every answer derived from its token.

NUMBER is bytes, milliseconds, blocks or MiB, as the kind has it (`KINDS`).  Nothing here is
shared between requests but what counts them: in the file SCHEDULES_DIR/PID.count each worker
keeps how many requests it began, ended (close() was called) and holds now; SCHEDULES_DIR/go has
the number up to which held requests may go on.

Runs in: worker
"""

from __future__ import annotations

import contextvars
import hashlib
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

Environ = dict[str, Any]
Start = Callable[..., Any]

BLOCK = 700  # bytes of a small block
LARGE_BLOCK = 64 << 10
COUNTERS = struct.Struct("=QQQ")  # began, ended, held
GO = struct.Struct("=Q")
HOLD_MAX = 30.0  # seconds
LOOK = 0.005  # seconds between two looks at the file that lets held requests go
MIB = bytes(1 << 20)

DIRECTORY = Path(os.environ.get("SCHEDULES_DIR", "."))
whose: contextvars.ContextVar[str | None] = contextvars.ContextVar("whose", default=None)


class PlannedFailure(Exception):
    """Asked for by the request."""


def derived(token: str, size: int) -> bytes:
    """So many bytes that no other token gives."""
    unit = f"{token}:{hashlib.sha256(token.encode()).hexdigest()}\n".encode()
    return (unit * (size // len(unit) + 1))[:size]


def blocks_of(token: str, count: int) -> list[bytes]:
    """The blocks of a streamed answer."""
    return [derived(f"{token}.{index}", BLOCK) for index in range(count)]


class Counts:
    """What this worker tells the driver."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = [0, 0, 0]
        self._map: mmap.mmap | None = None

    def add(self, began: int = 0, ended: int = 0, held: int = 0) -> None:
        with self._lock:
            if self._map is None:  # not at import: that may happen in a parent
                self._map = mapped(DIRECTORY / f"{os.getpid()}.count", COUNTERS.size)
            for at, more in enumerate((began, ended, held)):
                self._numbers[at] += more
            self._map[:] = COUNTERS.pack(*self._numbers)


def mapped(path: Path, size: int) -> mmap.mmap:
    """A file of that size in memory that processes share; it appears whole."""
    if not path.exists():
        fresh = path.with_name(f"{path.name}.{os.getpid()}.new")
        fresh.write_bytes(bytes(size))
        fresh.rename(path)
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), size)


counts = Counts()


class Answer:
    """What the application returns: counts its end, and sees whose context it runs in."""

    def __init__(self, token: str, blocks: Iterable[bytes]) -> None:
        self._token = token
        self._blocks = blocks

    def __iter__(self) -> Iterator[bytes]:
        for block in self._blocks:
            assert whose.get() == self._token, (whose.get(), self._token)
            yield block

    def close(self) -> None:
        counts.add(ended=1)


def fast(_environ: Environ, token: str, number: int) -> bytes:
    return derived(token, number)


def sleep(_environ: Environ, token: str, number: int) -> bytes:
    time.sleep(number / 1e3)
    return derived(token, BLOCK)


def loop(_environ: Environ, token: str, number: int) -> bytes:
    """Computes in Python: other threads get in at the switch interval."""
    until, total = time.monotonic() + number / 1e3, 0
    while time.monotonic() < until:
        total += sum(range(200))
    return derived(token, BLOCK)


def hashing(_environ: Environ, token: str, number: int) -> bytes:
    """Computes in C with the interpreter lock released."""
    digest = hashlib.sha256()
    for _ in range(number):
        digest.update(MIB)
    return derived(token, BLOCK)


def upload(environ: Environ, token: str, number: int) -> bytes:
    body = environ["wsgi.input"].read()
    assert len(body) == number, (len(body), number)
    return f"{len(body)} {hashlib.sha256(body).hexdigest()} ".encode() + derived(token, BLOCK)


def hold(_environ: Environ, token: str, number: int) -> bytes:
    """Answers when the driver says so."""
    go = mapped(DIRECTORY / "go", GO.size)
    deadline = time.monotonic() + HOLD_MAX
    counts.add(held=1)
    while GO.unpack(go[:])[0] < number and time.monotonic() < deadline:
        time.sleep(LOOK)
    counts.add(held=-1)
    go.close()
    return derived(token, BLOCK)


def early(_environ: Environ, token: str, _number: int) -> bytes:
    raise PlannedFailure(token)


def stream(token: str, number: int) -> Iterator[bytes]:
    """Blocks between others."""
    for index, block in enumerate(blocks_of(token, number)):
        yield block
        time.sleep(0.004 * (index % 3))


def large(token: str, number: int) -> Iterator[bytes]:
    """More than a socket takes."""
    whole = derived(token, number << 20)
    for at in range(0, len(whole), LARGE_BLOCK):
        yield whole[at : at + LARGE_BLOCK]


def broken(token: str, number: int) -> Iterator[bytes]:
    """Fails after so many blocks."""
    for block in blocks_of(token, number):
        yield block
        time.sleep(0.003)  # over a tick of what sends blocks that wait
    raise PlannedFailure(token)


Whole = Callable[[Environ, str, int], bytes]
Streamed = Callable[[str, int], Iterator[bytes]]
WHOLE: dict[str, Whole] = {
    "fast": fast,
    "sleep": sleep,
    "loop": loop,
    "hash": hashing,
    "upload": upload,
    "chunked": upload,
    "hold": hold,
    "early": early,
}
STREAMED: dict[str, Streamed] = {"stream": stream, "large": large, "broken": broken}


def respond(environ: Environ, start_response: Start, kind: str, token: str, number: int) -> Answer:
    fields = [("Content-Type", "text/plain"), ("X-Token", token), ("X-Pid", str(os.getpid()))]
    if kind in WHOLE:
        body = WHOLE[kind](environ, token, number)
        start_response("200 OK", [*fields, ("Content-Length", str(len(body)))])
        return Answer(token, [body])
    if kind == "large":
        fields.append(("Content-Length", str(number << 20)))
    push = start_response("200 OK", fields)
    if kind == "late":
        raise PlannedFailure(token)
    if kind == "write":
        *first, last = blocks_of(token, number)
        for block in first:
            push(block)
            time.sleep(0.002)
        return Answer(token, [last])
    return Answer(token, STREAMED[kind](token, number))


def app(environ: Environ, start_response: Start) -> Answer:
    """The entry point."""
    _, kind, token, number = environ["PATH_INFO"].split("/")
    threads = os.environ.get("SCHEDULES_THREADS")
    if threads is not None and environ["wsgi.multithread"] != (int(threads) > 1):
        raise AssertionError(f"wsgi.multithread: {environ['wsgi.multithread']}")
    if environ["wsgi.multithread"]:
        assert whose.get() is None, f"{token} runs in the context of {whose.get()}"
    whose.set(token)
    counts.add(began=1)
    try:
        return respond(environ, start_response, kind, token, int(number))
    except BaseException:
        counts.add(ended=1)
        raise
