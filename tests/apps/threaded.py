"""An application that tells where it runs, and stays there until it is let go.

/where: JSON of pid, thread, wsgi.multithread, and the peer.  /hold/NAME: touches THREADED_DIR/NAME
and goes on when THREADED_DIR/NAME.go is there.  /threads: the names of the threads that made the
blocks of a body of 64 MiB.  /large: as much at once.

Runs in: worker
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

DIRECTORY = Path(os.environ.get("THREADED_DIR", "."))
BLOCK = 256 << 10
BLOCKS = 256
HOLD_MAX = 30.0  # seconds
LOOK = 0.005  # seconds between two looks


def hold(name: str) -> None:
    (DIRECTORY / name).touch()
    deadline = time.monotonic() + HOLD_MAX
    while not (DIRECTORY / f"{name}.go").exists():
        if time.monotonic() > deadline:
            raise TimeoutError(name)
        time.sleep(LOOK)


def threads() -> Iterator[bytes]:
    for _ in range(BLOCKS):
        yield threading.current_thread().name.encode().ljust(BLOCK)


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    _, name, *details = environ["PATH_INFO"].split("/")
    start_response("200 OK", [("Content-Type", "text/plain")])
    if name == "threads":
        return threads()
    if name == "large":
        return [bytes(BLOCKS * BLOCK)]
    if name == "hold":
        hold(details[0])
    facts = {
        "pid": os.getpid(),
        "thread": threading.current_thread().name,
        "multithread": environ["wsgi.multithread"],
        "peer": [environ.get("REMOTE_ADDR"), environ.get("REMOTE_PORT")],
        "server": [environ.get("SERVER_NAME"), environ.get("SERVER_PORT")],
    }
    return [json.dumps(facts).encode()]
