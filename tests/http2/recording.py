"""What the cases of the corpus send: inputs for fuzzers to begin with.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.http2.corpus import CASES
from tests.http2.memory import MemoryTransport
from tests.http2.wire import PREFACE, Conversation


class Recorder(MemoryTransport):
    """Remembers what it was sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""

    def exchange(self, data: bytes) -> tuple[bytes, bool]:
        """See Transport."""
        self.sent += data
        return super().exchange(data)


def conversations(longest: int) -> Iterator[bytes]:
    """Those of at most so many bytes, without their preface."""
    for case in CASES:
        recorder = Recorder()
        case.play(Conversation(recorder))
        data = recorder.sent.removeprefix(PREFACE)
        if len(data) <= longest:
            yield data
