"""Streams for clients that leave, stop reading or send what nobody asked for.

HOSTILE_FILE names a file to which is appended what happened, a line each: "began NAME",
"block NAME N TIME", "closed NAME TIME"; TIME is the monotonic clock in seconds.

/events/NAME: server-sent events, a block every 50 ms, for ever.  /flood/NAME: blocks of
64 KiB, for ever, as fast as they are taken.  /hold/NAME: answers when HOSTILE_FILE with ".go"
added exists.  /push/N: N MiB through write().  /echo: the length of the body.  Anything else:
"ok".

Runs in: worker
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

Environ = dict[str, Any]
Start = Callable[..., Any]

FILE = Path(os.environ["HOSTILE_FILE"])
GO = Path(f"{FILE}.go")
BLOCKS_MAX = 100_000
PAUSE = 0.05  # seconds between two events
HOLD_MAX = 20.0  # seconds
TEXT = ("Content-Type", "text/plain")


def note(line: str) -> None:
    with FILE.open("a") as file:
        file.write(f"{line} {time.monotonic():.3f}\n")


class Stream:
    """Blocks without end."""

    def __init__(self, name: str, block: bytes, pause: float) -> None:
        self.name, self.block, self.pause = name, block, pause
        note(f"began {name}")

    def __iter__(self) -> Iterator[bytes]:
        for number in range(BLOCKS_MAX):
            if self.pause:
                time.sleep(self.pause)
                note(f"block {self.name} {number}")
            yield self.block

    def close(self) -> None:
        note(f"closed {self.name}")


def hold(name: str) -> bytes:
    """Answer when the test says so."""
    note(f"began {name}")
    deadline = time.monotonic() + HOLD_MAX
    while not GO.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    return b"held"


def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
    _, what, name = (environ["PATH_INFO"] + "/").split("/")[:3]
    if what == "events":
        start_response("200 OK", [("Content-Type", "text/event-stream")])
        return Stream(name, b"data: now\n\n", PAUSE)
    if what == "flood":
        start_response("200 OK", [TEXT])
        return Stream(name, b"x" * 65536, 0.0)
    if what == "push":
        push = start_response("200 OK", [TEXT])
        for _ in range(int(name)):
            push(b"x" * (1 << 20))
        return [b"end"]
    body = b"ok"
    if what == "hold":
        body = hold(name)
    elif what == "echo":
        body = str(len(environ["wsgi.input"].read())).encode()
    start_response("200 OK", [TEXT, ("Content-Length", str(len(body)))])
    return [body]
