"""Files for wsgi.file_wrapper, and an application that sends them.

Runs in: worker
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable
from typing import Any

Opener = Callable[[], Any]


def content(size: int) -> bytes:
    """What a file of this size holds in the tests."""
    return (bytes(range(256)) * (size // 256 + 1))[:size]


class Sending:
    """An application that sends what `opener` opens, and keeps it."""

    def __init__(self, opener: Opener, *fields: tuple[str, str], block: int = 8192) -> None:
        self.opener = opener
        self.fields = list(fields)
        self.block = block
        self.opened: list[Any] = []

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        self.opened.append(self.opener())
        start_response("200 OK", self.fields)
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](self.opened[-1], self.block)
        return wrapped


class Reader:
    """read() and nothing else."""

    def __init__(self, data: bytes) -> None:
        self._stream = io.BytesIO(data)

    def read(self, size: int) -> bytes:
        return self._stream.read(size)
