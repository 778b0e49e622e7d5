"""What an application leaves behind, with finalizers that take their time.

/WHAT/NAME: answers NAME, and leaves something behind that is finalized when nobody refers to it
any more.  It then makes the file NAME in LEAVING_DIR, and waits until NAME.go is there.  WHAT:
where it is left.  /quick: "quick".

Runs in: worker
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

Environ = dict[str, Any]
Start = Callable[..., Any]

FOLDER = Path(os.environ["LEAVING_DIR"])
WAITS_MAX = 20.0  # seconds
TEXT = ("Content-Type", "text/plain")

session: ContextVar[object] = ContextVar("session")


class Session:
    """A transaction that is rolled back over the network, say."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __del__(self) -> None:
        (FOLDER / self.name).touch()
        until = time.monotonic() + WAITS_MAX
        while not (FOLDER / f"{self.name}.go").exists() and time.monotonic() < until:
            time.sleep(0.01)


class Named(str):
    """A field value that has something of its own."""

    session: Session


class Owner:
    """An iterable that is all there is of what it owns."""

    def __init__(self, body: bytes, left: object) -> None:
        self.blocks, self.left = [body], left

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if not self.blocks:
            raise StopIteration
        return self.blocks.pop()


class Blocks:
    """An iterable whose iterator is somebody else, whom nobody but the server knows."""

    def __init__(self, iterator: Owner) -> None:
        self.iterators = [iterator]

    def __iter__(self) -> Iterator[bytes]:
        return self.iterators.pop()


def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
    what, name = (environ["PATH_INFO"].strip("/") + "/").split("/")[:2]
    body = (name or what).encode()
    fields = [TEXT, ("Content-Length", str(len(body)))]
    left = None if what == "quick" else Session(name)
    if what == "raised":
        raise LookupError(name)  # its traceback holds this frame
    if what == "fields":
        value = Named("left")
        value.session = left
        fields.append(("X-Left", value))
    start_response("200 OK", fields)
    if what == "environ":
        environ["session"] = left
    elif what == "context":
        session.set(left)
    elif what == "iterator":
        return Blocks(Owner(body, left))
    elif what == "iterable":
        return Owner(body, left)
    return [body]
