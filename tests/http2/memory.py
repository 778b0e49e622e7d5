"""The session without a socket behind a small application, for the corpus and the fuzzer.

The application answers with what it was asked, as tests/apps/h2_stage does over sockets.

Runs in: cli
"""

from __future__ import annotations

from typing import Any

from fastfork._core.http.http2reader import Http2Reader
from fastfork._core.http.http2receiver import Http2Limits
from fastfork._core.http.http2stream import Http2Stream
from fastfork._core.http.parsers import HeadParser

FIELDS = [("Content-Type", "text/plain")]
MAX_BODY = 1 << 20


def make_parser(**limits: int) -> HeadParser:
    """The parser with the limits of the settings' defaults."""
    known = {"line": 8190, "fields": 100, "field_size": 8190, "head": 65536, "max_body": MAX_BODY}
    return HeadParser(**{**known, **limits})


class MemoryTransport:
    """See tests.http2.wire.Transport."""

    def __init__(self, limits: Http2Limits | None = None, **head: int) -> None:
        self.session = Http2Reader(limits or Http2Limits(), make_parser(**head))
        self.bodies: dict[int, bytes] = {}
        self.asked: list[tuple[int, bytes, bytes]] = []
        self.now = 1.0

    def exchange(self, data: bytes) -> tuple[bytes, bool]:
        """See Transport."""
        for event in self.session.receive(data, self.now):
            self.serve(*event)
        return self.session.send(), self.session.over

    def more(self) -> tuple[bytes, bool]:
        """See Transport: all has come."""
        return b"", self.session.over

    def tell(self, data: bytes) -> None:
        """See Transport."""
        self.session.receive(data, self.now)

    def serve(self, kind: str, stream: Http2Stream | None = None, *facts: Any) -> None:
        """One event of the session's."""
        if stream is None:
            return
        if kind == "request":
            method, target, fields = facts
            self.asked.append((stream.id, method, target))
            if (b"expect", b"100-continue") in fields:
                self.session.hint(stream, "100 Continue", [])
        elif kind == "refused":
            status, why = facts
            self.session.answer(stream, f"{status} Refused", FIELDS, why.encode())
        elif kind == "data":
            self.bodies[stream.id] = self.bodies.get(stream.id, b"") + facts[0]
            self.session.consumed(stream, len(facts[0]))
        elif kind == "end":
            _, method, target = next(a for a in self.asked if a[0] == stream.id)
            body = self.bodies.pop(stream.id, b"")
            if target.startswith(b"/large/"):
                body = b"x" * int(target.removeprefix(b"/large/"))
            self.session.answer(stream, "200 OK", FIELDS, b"" if method == b"HEAD" else body)
