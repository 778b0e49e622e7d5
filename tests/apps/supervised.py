"""An application that misbehaves on request, for tests of the arbiter.

The path says what to do: /pid, /block (in Python), /stuck (in C, holding the interpreter lock),
/wait (until SUPERVISED_FILE says go), /thread (leave one behind that is no daemon), /exit/N,
/environ/NAME, /cwd, /random, /module (what SUPERVISED_FILE said when this was imported: raise,
exit N, hang and once, which raises from the second import on, are obeyed at once).

Runs in: worker
"""

from __future__ import annotations

import atexit
import ctypes
import os
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

FOREVER = 60  # seconds; every test is over before
FILE = os.environ.get("SUPERVISED_FILE")
IMPORTED = Path(FILE).read_text() if FILE else ""

if IMPORTED.startswith("raise"):
    raise RuntimeError("refused on purpose")
if IMPORTED.startswith("once"):
    if Path(f"{FILE}.once").exists():
        raise RuntimeError("refused on purpose")
    Path(f"{FILE}.once").touch()
if IMPORTED.startswith("exit"):
    os._exit(int(IMPORTED.split()[1]))
if IMPORTED.startswith("hang"):
    time.sleep(FOREVER)


def at_exit() -> None:
    if "SUPERVISED_FAREWELL" in os.environ:
        with Path(os.environ["SUPERVISED_FAREWELL"]).open("a") as file:
            file.write(f"{os.getpid()}\n")


atexit.register(at_exit)


def stuck() -> None:
    """Wait in C, holding the interpreter lock: no Python handler runs, no signal ends it.

    A mutex of zeros is an unlocked one; locking it twice waits for itself.
    """
    mutex = ctypes.create_string_buffer(128)
    library = ctypes.PyDLL(None)
    library.pthread_mutex_lock(mutex)
    library.pthread_mutex_lock(mutex)


def block() -> None:
    threading.Event().wait(FOREVER)


def wait() -> None:
    while FILE and Path(FILE).read_text() != "go":
        time.sleep(0.01)


def thread() -> str:
    threading.Thread(target=block, name="left-behind").start()
    return "started"


BUSY: dict[str, Callable[[], None]] = {"block": block, "stuck": stuck, "wait": wait}
ANSWERS: dict[str, Callable[..., str]] = {
    "pid": lambda: str(os.getpid()),
    "thread": thread,
    "exit": lambda code: os._exit(int(code)),
    "environ": lambda name: os.environ.get(name, "-"),
    "cwd": lambda: str(Path.cwd()),
    "random": lambda: str(random.random()),
    "module": lambda: IMPORTED,
}


def answer(path: str) -> str:
    _, name, *details = path.split("/")
    if name in BUSY:
        print("The application gets", path, file=sys.stderr, flush=True)
        BUSY[name]()
    return ANSWERS[name](*details) if name in ANSWERS else "ok"


def app(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    body = answer(environ["PATH_INFO"]).encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
