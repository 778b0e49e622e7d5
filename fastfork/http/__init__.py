"""HTTP/1.x as data: parser choice, limits, and the parsers without a socket.

    parser = RequestParser("native")
    for event in parser.feed(b"GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n"):
        ...

`BACKENDS` is the table of parsers.  Both give the same events and refuse the same bytes;
that they do is tested with one corpus.

Runs in: both
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fastfork.http.backends import (
    BACKENDS,
    STRICT,
    Leniency,
    Limits,
    load_parser,
    make_head_parser,
    resolve_parser,
)
from fastfork.http.pages import error_page

if TYPE_CHECKING:
    from fastfork.http.reading import BodyPart, Event, RequestEnd, RequestHead, RequestParser

__all__ = [
    "BACKENDS",
    "STRICT",
    "BodyPart",
    "Event",
    "Leniency",
    "Limits",
    "RequestEnd",
    "RequestHead",
    "RequestParser",
    "error_page",
    "load_parser",
    "make_head_parser",
    "resolve_parser",
]


def __getattr__(name: str) -> object:
    """The parser without a socket, for who asks; a worker does not."""
    if name in __all__:
        from fastfork.http import reading

        return getattr(reading, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
