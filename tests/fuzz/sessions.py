"""What must hold for any frames given to an HTTP/2 session.

- Nothing is raised, and nothing is leaked.
- The cuts change nothing: whole and in pieces the same is asked, and the same is answered.
- What the session sends are whole frames, which a client of another library reads, or the
  session has been given up.
- A request that is asked has a method, a target and a host; its body ends once.

Runs in: cli
"""

from __future__ import annotations

from typing import Any, Final

import h2.config
import h2.connection
import h2.exceptions

from fastfork._core.http.http2receiver import Http2Limits
from tests.http2.memory import MemoryTransport
from tests.http2.wire import GOAWAY, PREFACE, RST_STREAM, SETTINGS, frame, frames_in

KINDS: Final = range(10)


class Listener(MemoryTransport):
    """Notes what the session asks."""

    def __init__(self) -> None:
        super().__init__(Http2Limits(header_list=4000, window=65535, max_streams=20))
        self.noted: list[Any] = []
        self.ended: set[int] = set()

    def serve(self, kind: str, stream: Any = None, *facts: Any) -> None:
        """See MemoryTransport."""
        if kind != "data":  # which cuts do cut
            self.noted.append((kind, stream and stream.id, *facts))
        if kind == "request":
            method, target, fields = facts
            assert method
            assert target
            assert any(name == b"host" for name, _ in fields)
        if kind == "end":
            assert stream.id not in self.ended
            self.ended.add(stream.id)
        super().serve(kind, stream, *facts)


def check(data: bytes) -> None:
    """Assert all of it for one input: a byte for the size of the pieces, and frames."""
    if not data:
        return
    step, frames = (data[0] & 63) + 1, PREFACE + frame(SETTINGS) + data[1:]
    whole, pieces = Listener(), Listener()
    answers, _ = whole.exchange(frames)
    came = b""
    for at in range(0, len(frames), step):
        part, _ = pieces.exchange(frames[at : at + step])
        came += part
    _check_frames(answers)
    _check_frames(came)
    if not _gave_up(answers) and not _gave_up(came) and RST_STREAM not in _kinds(answers + came):
        # Where something was reset or given up, what was sent before depends on when.
        assert [n for n in whole.noted if n[0] != "closed"] == [
            n for n in pieces.noted if n[0] != "closed"
        ]
    for one in (whole, pieces):
        one.session.hang_up()
        assert not one.session.streams


def _kinds(data: bytes) -> set[int]:
    return {one.kind for one in frames_in(data)}


def _gave_up(data: bytes) -> bool:
    return any(one.kind == GOAWAY for one in frames_in(data))


def _check_frames(data: bytes) -> None:
    """They are whole, of kinds that there are, and the first is SETTINGS."""
    seen = list(frames_in(data))
    assert sum(9 + len(one.payload) for one in seen) == len(data)
    assert all(one.kind in KINDS for one in seen)
    assert seen
    assert seen[0].kind == SETTINGS
    client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
    client.initiate_connection()
    known = b"".join(
        frame(one.kind, one.flags, one.stream, one.payload) for one in seen if one.stream == 0
    )
    client.receive_data(known)
