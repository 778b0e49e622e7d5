"""HTTP/2 frames as a client writes them, and those of a server read (RFC 9113 section 4).

Everything can be written, whether it is allowed or not.

Runs in: cli
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from hpack import Decoder, Encoder

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY = range(8)
WINDOW_UPDATE, CONTINUATION = 8, 9
PRIORITY_UPDATE: Final = 16
END_STREAM, ACK, END_HEADERS, PADDED, WITH_PRIORITY = 1, 1, 4, 8, 32

NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT = range(5)
STREAM_CLOSED, FRAME_SIZE_ERROR, REFUSED_STREAM, CANCEL, COMPRESSION_ERROR = range(5, 10)
CONNECT_ERROR, ENHANCE_YOUR_CALM = 10, 11

MAX_CONCURRENT_STREAMS, INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, MAX_HEADER_LIST_SIZE = 3, 4, 5, 6
ENABLE_PUSH, ENABLE_CONNECT_PROTOCOL, NO_RFC7540_PRIORITIES = 2, 8, 9

MARK: Final = b"\xffmarked\xff"

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Frame:
    """One frame of the server's."""

    kind: int
    flags: int
    stream: int
    payload: bytes

    @property
    def code(self) -> int:
        """The error code of RST_STREAM and GOAWAY."""
        return int.from_bytes(self.payload[:4] if self.kind == RST_STREAM else self.payload[4:8])


def frame(kind: int, flags: int = 0, stream: int = 0, payload: bytes = b"") -> bytes:
    """A frame, whatever is in it."""
    head = len(payload).to_bytes(3) + bytes([kind, flags]) + stream.to_bytes(4)
    return head + payload


def setting(which: int, value: int) -> bytes:
    """One entry of SETTINGS."""
    return which.to_bytes(2) + value.to_bytes(4)


def number(value: int) -> bytes:
    """32 bits: an increment, an error code."""
    return value.to_bytes(4)


def frames_in(data: bytes) -> Iterator[Frame]:
    """The whole frames at the beginning of data."""
    while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3]):
        size = int.from_bytes(data[:3])
        yield Frame(data[3], data[4], int.from_bytes(data[5:9]) & 0x7FFFFFFF, data[9 : 9 + size])
        data = data[9 + size :]


class Transport(Protocol):
    """Where a conversation takes place."""

    def exchange(self, data: bytes) -> tuple[bytes, bool]:
        """Send `data`.  Returns what comes back, and whether the server has closed."""

    def more(self) -> tuple[bytes, bool]:
        """Wait for more.  Nothing when none comes."""

    def tell(self, data: bytes) -> None:
        """Send `data`, whatever comes back."""


class SocketTransport:
    """Over a connection.  What comes back at first ends with the answer to a PING of ours, which
    may overtake the answers of applications."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.closed = False

    def exchange(self, data: bytes) -> tuple[bytes, bool]:
        """See Transport."""
        came = b""
        try:
            self.sock.sendall(data + frame(PING, payload=MARK))
        except OSError:
            pass  # it has closed; what it said before may still be there
        while not self.closed:
            try:
                part = self.sock.recv(65536)
            except ConnectionError:
                part = b""
            self.closed = not part
            came += part
            seen = list(frames_in(came))
            if any(f.kind == PING and f.flags & ACK and f.payload == MARK for f in seen):
                break
        return came, self.closed

    def tell(self, data: bytes) -> None:
        """See Transport."""
        try:
            self.sock.sendall(data)
        except OSError:
            pass  # it has closed, which shows in what comes

    def more(self) -> tuple[bytes, bool]:
        """See Transport."""
        if self.closed:
            return b"", True
        try:
            part = self.sock.recv(65536)
        except TimeoutError:
            return b"", False
        except ConnectionError:
            part = b""
        self.closed = not part
        return part, self.closed


class Conversation:
    """One connection, and what a case says and expects on it."""

    def __init__(
        self, transport: Transport, authority: str = "example.org", *, of_a_peer: bool = False
    ) -> None:
        self.transport = transport
        self.authority = authority
        self.accepted = {200, 404, 405} if of_a_peer else {200}
        self.encoder, self.decoder = Encoder(), Decoder()
        self.frames: list[Frame] = []
        self.heads: dict[int, list[dict[str, str]]] = {}
        self.bodies: dict[int, bytes] = {}
        self.closed = False
        self.answers_pings = True
        self._rest = b""
        self._block = b""

    # What is said.

    def say(self, *parts: bytes) -> None:
        """Send frames, and take in all that comes back."""
        came, self.closed = self.transport.exchange(b"".join(parts))
        self._take_in(came)

    def _take_in(self, came: bytes) -> None:
        self._rest += came
        for one in frames_in(self._rest):
            self._rest = self._rest[9 + len(one.payload) :]
            self.frames.append(one)
            self._take(one)

    def begin(self, *settings: bytes) -> None:
        """Preface, SETTINGS, and the acknowledgement of the server's."""
        self.say(PREFACE, frame(SETTINGS, payload=b"".join(settings)), frame(SETTINGS, ACK))

    def block(self, fields: Fields) -> bytes:
        """A header block."""
        block: bytes = self.encoder.encode(list(fields), huffman=False)
        return block

    def request(self, method: str = "GET", path: str = "/", *more: tuple[str, str]) -> Fields:
        """The fields of a request."""
        return (
            (":method", method),
            (":scheme", "http"),
            (":path", path),
            (":authority", self.authority),
            *more,
        )

    def ask(
        self, stream: int, method: str = "GET", path: str = "/", *more: tuple[str, str],
        flags: int = END_STREAM | END_HEADERS,
    ) -> bytes:  # fmt: skip
        """A request in one HEADERS frame."""
        return frame(HEADERS, flags, stream, self.block(self.request(method, path, *more)))

    # What came.

    def _take(self, one: Frame) -> None:
        if one.kind in (HEADERS, CONTINUATION):
            payload = one.payload
            if one.kind == HEADERS and one.flags & PADDED:
                payload = payload[1 : len(payload) - payload[0]]
            self._block += payload
            if one.flags & END_HEADERS:
                block, self._block = self._block, b""
                fields = {str(name): str(value) for name, value in self.decoder.decode(block)}
                self.heads.setdefault(one.stream, []).append(fields)
        elif one.kind == PING and not one.flags & ACK and self.answers_pings:
            self.transport.tell(frame(PING, ACK, payload=one.payload))
        elif one.kind == DATA:
            self.bodies[one.stream] = self.bodies.get(one.stream, b"") + one.payload

    def of(self, kind: int, stream: int | None = None) -> list[Frame]:
        """The frames of one kind that came, perhaps of one stream."""
        return [f for f in self.frames if f.kind == kind and stream in (None, f.stream)]

    def status(self, stream: int) -> int | None:
        """Of the answer on a stream; None for none."""
        heads = [head for head in self.heads.get(stream, []) if head[":status"][0] != "1"]
        return int(heads[0][":status"]) if heads else None

    def has_ended(self, stream: int) -> bool:
        """Has the server ended the stream with its answer?"""
        return any(
            f.stream == stream and f.flags & END_STREAM and f.kind in (DATA, HEADERS)
            for f in self.frames
        )

    # What is expected.

    def expect(self, holds: Callable[[], bool]) -> None:
        """That this holds, now or as soon as more has come."""
        while not holds() and not self.closed:
            came, self.closed = self.transport.more()
            if not came:
                break
            self._take_in(came)
        assert holds(), self.told()

    def wait_for_frame(self) -> None:
        """That one more frame comes."""
        known = len(self.frames)
        self.expect(lambda: len(self.frames) > known)

    def expect_answer(self, stream: int, status: int = 200) -> None:
        """A whole answer of that status."""
        accepted = self.accepted if status == 200 else {status}
        self.expect(lambda: self.has_ended(stream))
        assert self.status(stream) in accepted, self.told()

    def expect_connection_error(self, *codes: int) -> None:
        """The connection is given up: GOAWAY with one of these codes, or it is closed."""
        self.expect(lambda: self.closed or bool(self.of(GOAWAY)))
        goaways = [f.code for f in self.of(GOAWAY)]
        assert not goaways or goaways[-1] in codes, self.told()

    def expect_stream_error(self, stream: int, *codes: int) -> None:
        """The stream is reset with one of these codes, or more is given up than that."""
        self.expect(lambda: bool(self.of(RST_STREAM, stream) or self.closed or self.of(GOAWAY)))
        resets = [f.code for f in self.of(RST_STREAM, stream)]
        if self.closed or self.of(GOAWAY):
            self.expect_connection_error(*codes)
            return
        assert resets[0] in codes, self.told()
        assert self.status(stream) in (None, 400), self.told()

    def expect_malformed(self, stream: int) -> None:
        """RFC 9113 section 8.1.1: a stream error, before which it may be answered with 4xx."""
        self.expect(
            lambda: (
                bool(self.status(stream) or self.of(RST_STREAM, stream) or self.closed)
                or bool(self.of(GOAWAY))
            )
        )
        if self.status(stream) in (400, 431):
            return
        self.expect_stream_error(stream, PROTOCOL_ERROR)

    def expect_service(self, stream: int) -> None:
        """The connection goes on: a request on this stream is answered."""
        self.say(self.ask(stream))
        self.expect_answer(stream)

    def told(self) -> str:
        """All that came, for a failed assertion."""
        return f"closed: {self.closed}; heads: {self.heads}; frames: {self.frames}"
