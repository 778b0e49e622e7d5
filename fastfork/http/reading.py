"""Requests from bytes, without a socket: for tests, fuzzers and other people's tools.

Runs in: worker
"""

from __future__ import annotations

from dataclasses import dataclass

from fastfork.errors import HttpError
from fastfork.http.backends import STRICT, Leniency, Limits, make_head_parser, resolve_parser


@dataclass(frozen=True, kw_only=True)
class RequestHead:
    """A complete request head (RFC 9112 section 3).

    target: as received.  path: percent-decoded once, latin-1 (PEP 3333's PATH_INFO).
    authority: of an absolute-form target, else None.  version: as served, (1, 0) or (1, 1).
    fields: (name, value) as received, white space around values removed.
    """

    method: str
    target: bytes
    path: str
    query: str
    authority: bytes | None
    version: tuple[int, int]
    fields: list[tuple[bytes, bytes]]
    content_length: int | None
    chunked: bool
    keep_alive: bool
    expect_continue: bool
    upgrade: bool


@dataclass(frozen=True)
class BodyPart:
    """Some bytes of the body, with the chunked coding taken off."""

    data: bytes


@dataclass(frozen=True)
class RequestEnd:
    """The request is complete; what follows is another one."""


Event = RequestHead | BodyPart | RequestEnd


class RequestParser:
    """One connection's worth of requests.

    backend: auto, httptools or native.  max_body: bytes a body may have, 0 = no limit.
    """

    def __init__(
        self,
        backend: str = "auto",
        *,
        limits: Limits | None = None,
        max_body: int = 1 << 30,
        leniency: Leniency = STRICT,
    ) -> None:
        from fastfork._core.http.reader import RequestReader

        head_parser = make_head_parser(
            resolve_parser(backend), limits or Limits(), max_body, leniency
        )
        self._reader = RequestReader(
            head_parser,
            make_head=RequestHead,
            make_part=BodyPart,
            end_event=RequestEnd(),
            error_class=HttpError,
        )

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes, in order; requests may be pipelined.

        Raises HttpError, which carries the status to answer, for bytes that are refused.
        Events before the offence are returned first; the next call raises.  After that
        every call raises: nothing behind a refusal is ever read.
        """
        events: list[Event] = self._reader.feed(data)
        return events

    def eof(self) -> None:
        """The peer sends no more.  Raises HttpError (400) in the middle of a request."""
        self.feed(b"")
        if self._reader.in_request:
            raise HttpError(400, "the connection ended in the middle of a request")
