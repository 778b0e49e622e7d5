"""A client of another library, python h2, and a session of ours, back to back in memory.

Runs in: cli
"""

from __future__ import annotations

from typing import Any

import h2.config
import h2.connection
import h2.events

from fastfork._core.http.http2reader import Http2Reader
from fastfork._core.http.http2receiver import Http2Limits
from tests.http2.memory import make_parser

PLAIN = [("Content-Type", "text/plain")]


class Pair:
    """A client of python h2 and a session of ours, back to back."""

    def __init__(self, limits: Http2Limits | None = None, **head: int) -> None:
        self.session = Http2Reader(limits or Http2Limits(), make_parser(**head))
        config = h2.config.H2Configuration(client_side=True, header_encoding="ascii")
        self.client = h2.connection.H2Connection(config)
        self.client.initiate_connection()
        self.heard: list[Any] = []
        self.now = 1.0
        self.settle()

    def turn(self, most: int = 1 << 20) -> list[Any]:
        """What the client has said reaches the session, and the other way round."""
        events = self.session.receive(self.client.data_to_send(), self.now)
        self.heard += self.client.receive_data(self.session.send(most))
        return events

    def settle(self) -> list[Any]:
        """Turns, until neither has anything to say."""
        events = self.turn()
        while more := self.client.data_to_send():
            events += self.session.receive(more, self.now)
            self.heard += self.client.receive_data(self.session.send())
        return events

    def ask(self, stream: int, method: str = "GET", path: str = "/", *more: tuple[str, str],
            ends: bool = True) -> None:  # fmt: skip
        fields = [(":method", method), (":path", path), (":scheme", "http"),
                  (":authority", "example.org"), *more]  # fmt: skip
        self.client.send_headers(stream, fields, end_stream=ends)

    def of(self, kind: type) -> list[Any]:
        """The events of one kind that the client has heard."""
        return [event for event in self.heard if isinstance(event, kind)]

    def order(self) -> list[int]:
        """The streams of DATA as it came, each once behind another."""
        ids = [event.stream_id for event in self.of(h2.events.DataReceived)]
        return [a for a, b in zip(ids, [0, *ids], strict=False) if a != b]
