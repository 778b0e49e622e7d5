"""An application that waits cooperatively, for the gevent worker.

Waiting for NAME ends with the request /go/NAME.

/where: JSON of what it runs in.  /wait/NAME: waits.  /gather/COUNT: waits until COUNT requests are
here.  /stream/NAME: a block, waits, a block.  /close/NAME: an answer, and close() of it waits.
/closed: how many such closes are over.  /write: 4 MiB by write().  /remember: keeps something by
greenlet, /remembered: what it finds.  /timeout: leaves a gevent.Timeout behind that is due soon.
/raise: raises after a wait.  /hold: sleeps without gevent knowing.  /hint: early hints, a wait, an
answer.  /echo: the body, after a wait.  /exit/NAME: says on standard error how the wait ended.
/program: the output of a program.  /detach/NAME: takes the socket, waits, sends something on it.

Runs in: worker
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import gevent
import gevent.event
import gevent.monkey

LONG = 60.0  # seconds; longer than any test
BLOCK = 64 << 10
BLOCKS = 64
PATCHED_AT_IMPORT = time.sleep.__module__.startswith("gevent")

events: dict[str, gevent.event.Event] = {}
memory = threading.local()
here = 0
closed = 0


def event(name: str) -> gevent.event.Event:
    return events.setdefault(name, gevent.event.Event())


def wait(name: str) -> None:
    if not event(name).wait(LONG):
        raise TimeoutError(name)


class Closing:
    def __init__(self, name: str) -> None:
        self.name = name

    def __iter__(self) -> Iterator[bytes]:
        yield b"answer"

    def close(self) -> None:
        global closed
        wait(self.name)
        closed += 1


def stream(name: str) -> Iterator[bytes]:
    yield b"first "
    wait(name)
    yield b"second"


def gather(count: str) -> bytes:
    global here
    here += 1
    if here == int(count):
        event("gather").set()
    wait("gather")
    return str(here).encode()


def facts(environ: dict[str, Any]) -> bytes:
    current = gevent.getcurrent()
    found = {
        "pid": os.getpid(),
        "patched_at_import": PATCHED_AT_IMPORT,
        "greenlet": isinstance(current, gevent.Greenlet),
        "hub": current is gevent.get_hub(),
        "multithread": environ["wsgi.multithread"],
    }
    return json.dumps(found).encode()


def exit_seen(name: str) -> bytes:
    try:
        wait(name)
    except BaseException as error:
        sys.stderr.write(f"the wait ended with {type(error).__name__}\n")
        sys.stderr.flush()
        raise
    return b""


def detach(environ: dict[str, Any], name: str) -> list[bytes]:
    with environ["fastfork.socket"].detach() as sock:
        wait(name)
        sock.sendall(b"something else")
    return []


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    _, name, *details = environ["PATH_INFO"].split("/")
    detail = details[0] if details else ""
    if name == "detach":
        return detach(environ, detail)
    if name == "hint":
        environ["wsgi.early_hints"]([("Link", "</style.css>; rel=preload")])
        wait("hint")
    elif name == "raise":
        gevent.sleep(0)
        raise LookupError("raised after a wait")
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    if name == "stream":
        return stream(detail)
    if name == "close":
        return Closing(detail)
    if name == "write":
        for _ in range(BLOCKS):
            write(bytes(BLOCK))
        return []
    return [answer(name, detail, environ)]


def echo(environ: dict[str, Any]) -> bytes:
    gevent.sleep(0.001)
    return bytes(environ["wsgi.input"].read())


def answer(name: str, detail: str, environ: dict[str, Any]) -> bytes:
    done = {
        "wait": lambda: wait(detail),
        "go": lambda: event(detail).set(),
        "gather": lambda: gather(detail),
        "closed": lambda: str(closed).encode(),
        "remember": lambda: setattr(memory, "value", "remembered"),
        "remembered": lambda: repr(getattr(memory, "value", None)).encode(),
        "timeout": lambda: gevent.Timeout.start_new(0.05),
        "hold": lambda: gevent.monkey.get_original("time", "sleep")(LONG),
        "echo": lambda: echo(environ),
        "exit": lambda: exit_seen(detail),
        "hint": lambda: None,
        "program": lambda: subprocess.run(["echo", "done"], capture_output=True).stdout,
        "where": lambda: facts(environ),
    }[name]()
    return done if isinstance(done, bytes) else name.encode()
