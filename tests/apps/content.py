"""What the demo applications of the tests serve, and how they describe what they got.

Runs in: worker
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from wsgiref.validate import validator

PIECES = [f"piece {number}\n".encode() for number in range(50)]
LARGE = bytes(range(256)) * (5 * 1024 * 4)  # 5 MiB


def stream() -> Iterator[bytes]:
    """A body of unknown length."""
    yield from PIECES


def describe(name: str | None, data: bytes) -> dict[str, object]:
    """What came in as a file."""
    return {"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


class OnPurposeError(Exception):
    """Raised by /boom."""


class _SizedReads(io.RawIOBase):
    """Reads from wsgi.input with a size always given.

    A framework may call read() where wsgi.input_terminated is set; the validator, which is
    older than that key, insists on an argument.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        return bytes(self._stream.read(-1 if size is None else size))

    def readline(self, size: int | None = -1) -> bytes:
        return bytes(self._stream.readline(-1 if size is None else size))


def checked(app: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """`app` behind wsgiref.validate: the server has to keep PEP 3333 to the letter."""

    def inner(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ = {**environ, "wsgi.input": _SizedReads(environ["wsgi.input"])}
        return app(environ, start_response)

    return validator(inner)
