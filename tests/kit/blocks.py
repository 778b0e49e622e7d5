"""Bodies for applications under test, which say what was done with them.

Runs in: worker
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any


class Blocks:
    """An iterable that counts how often it was closed, and blocks that were taken.

    blocks: bytes are handed over, an exception is raised, anything else is called and its
    result handed over.  closing: raised by close(), if given.
    """

    def __init__(self, blocks: Iterable[Any], *, closing: BaseException | None = None) -> None:
        self.blocks = blocks
        self.closing = closing
        self.taken = 0
        self.closed = 0

    def __iter__(self) -> Iterator[Any]:
        for block in self.blocks:
            self.taken += 1
            if isinstance(block, BaseException):
                raise block
            yield block() if callable(block) else block

    def close(self) -> None:
        self.closed += 1
        if self.closing is not None:
            raise self.closing


def returning(
    body: Any, *fields: tuple[str, str], status: str = "200 OK"
) -> Callable[..., Iterable[bytes]]:
    """An application that starts a response with these fields and returns `body`."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        start_response(status, list(fields))
        return body

    return app


def asking(answers: dict[str, Callable[..., Iterable[bytes]]]) -> Callable[..., Iterable[bytes]]:
    """An application that is another one for each path."""

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return answers[environ["PATH_INFO"]](environ, start_response)

    return app


def path(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """An application that answers with the path and query that were asked for."""
    start_response("200 OK", [])
    return [environ["RAW_URI"].encode("latin-1")]
