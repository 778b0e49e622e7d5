"""An application that leaves something behind for the end of its worker.

ENDING_DIR/lines: a file that is written without being flushed, by /write, a line each time.
ENDING_DIR/told: what is told at the end, by __del__ (of an object of the module and of one that
/cycle leaves in a cycle), by atexit, by the thread that /thread starts after THREAD_SECONDS, and by
the `finally` of /stream after FINALLY_SECONDS, when the client has left.  /: whether the thread of
the request is a daemon.  /raise/NAME: raises what BaseException is called so.

Runs in: worker
"""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

DIRECTORY = Path(os.environ.get("ENDING_DIR", "."))
THREAD_SECONDS = 1.0
FINALLY_SECONDS = 1.0
PAUSE = 0.02
PID = os.getpid()


TOLD = os.open(DIRECTORY / "told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def tell(word: str) -> None:
    os.write(TOLD, f"{word}\n".encode())


class Kept:
    def __init__(self, word: str) -> None:
        self.word = word
        self.itself: object = None

    def __del__(
        self, write: Callable[[int, bytes], int] = os.write, told: int = TOLD
    ) -> None:  # names of the module may be gone by then
        write(told, self.word.encode() + b"\n")


class OwnError(BaseException):
    """Of no kind that anybody knows."""


lines = (DIRECTORY / "lines").open("a")  # stays open, that is the point
kept = Kept("del")
held: list[Kept] = []
atexit.register(tell, "atexit")
ERRORS: dict[str, type[BaseException]] = {
    "KeyboardInterrupt": KeyboardInterrupt,
    "SystemExit": SystemExit,
    "GeneratorExit": GeneratorExit,
    "CancelledError": asyncio.CancelledError,
    "OwnError": OwnError,
}


def later() -> None:
    time.sleep(THREAD_SECONDS)
    tell("thread")


def stream() -> Iterator[bytes]:
    try:
        while True:
            yield b"x" * 1000
            time.sleep(PAUSE)
    finally:
        tell("leaving")
        time.sleep(FINALLY_SECONDS)
        tell("finally")


def raising(name: str, after: int) -> Iterator[bytes]:
    for _ in range(after):
        yield b"block"
    raise ERRORS[name]


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    _, name, *details = environ["PATH_INFO"].split("/")
    if name == "raise":
        raise ERRORS[details[0]]
    start_response("200 OK", [("Content-Type", "text/plain")])
    if name == "stream":
        return stream()
    if name == "late":
        return raising(details[0], 2)
    if name == "write":
        lines.write("a line\n")
    if name == "thread":
        threading.Thread(target=later).start()
    if name == "cycle":
        one = Kept("cycle")
        one.itself = one
        held.append(one)
    return [b"daemon" if threading.current_thread().daemon else b"ok"]
