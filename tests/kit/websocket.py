"""A WebSocket client that sends exactly the frames it is told and reads strictly (RFC 6455).

Runs in: cli
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Iterable
from typing import NamedTuple

from tests.kit.client import RawClient
from tests.kit.response import ProtocolViolation, Response

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
MASK = b"\x11\x22\x33\x44"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
LONGEST_CONTROL = 125  # bytes (section 5.5)


class Frame(NamedTuple):
    """One frame of the server's."""

    opcode: int
    payload: bytes
    is_final: bool = True
    is_compressed: bool = False  # RSV1, as permessage-deflate has it


def handshake(
    target: str, fields: Iterable[tuple[str, str]] = (), *, leave_out: Iterable[str] = ()
) -> bytes:
    """The bytes of an opening handshake (section 4.1), without the fields in `leave_out`."""
    usual = {
        "Host": "test",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY.decode(),
        "Sec-WebSocket-Version": "13",
    }
    usual.update(fields)
    lines = [f"{name}: {value}" for name, value in usual.items() if name not in leave_out]
    return "\r\n".join([f"GET {target} HTTP/1.1", *lines, "", ""]).encode("latin-1")


def frame(
    opcode: int, payload: bytes = b"", *, fin: int = 1, rsv: int = 0, masked: int = 1
) -> bytes:
    """The bytes of a frame (section 5.2).  fin, masked: 0 or 1; rsv: 4 is RSV1, 1 is RSV3."""
    return frame_head(opcode, len(payload), fin=fin, rsv=rsv, masked=masked) + (
        _masked(payload) if masked else payload
    )


def frame_head(opcode: int, size: int, *, fin: int = 1, rsv: int = 0, masked: int = 1) -> bytes:
    """The bytes before the payload of `size` bytes."""
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    bit = 0x80 if masked else 0
    if size < 126:
        head = struct.pack("!BB", first, bit | size)
    elif size < 1 << 16:
        head = struct.pack("!BBH", first, bit | 126, size)
    else:
        head = struct.pack("!BBQ", first, bit | 127, size)
    return head + (MASK if masked else b"")


def _masked(payload: bytes) -> bytes:
    key = MASK * (len(payload) // 4 + 1)
    number = int.from_bytes(payload, "big") ^ int.from_bytes(key[: len(payload)], "big")
    return number.to_bytes(len(payload), "big")


def close_payload(code: int, reason: str = "") -> bytes:
    """What a close frame says (section 5.5.1)."""
    return struct.pack("!H", code) + reason.encode()


class WebSocket:
    """An open WebSocket on a connection that has been upgraded.

    response: the server's part of the handshake.  extensions: those that it has chosen, which must
    have been offered.
    """

    def __init__(self, client: RawClient, response: Response) -> None:
        self.client = client
        self.response = response
        self.extensions = response.get("sec-websocket-extensions") or ""

    @classmethod
    def open(
        cls, client: RawClient, target: str, fields: Iterable[tuple[str, str]] = ()
    ) -> WebSocket:
        """Shake hands on a connection.  Raises ProtocolViolation for what section 4.1 refuses."""
        client.send(handshake(target, fields))
        opened = cls.opened(client)
        offered = dict(fields).get("Sec-WebSocket-Extensions", "")
        for chosen in filter(None, opened.extensions.split(",")):
            if chosen.partition(";")[0].strip() not in offered:
                raise ProtocolViolation(f"nobody has offered {chosen!r}")
        return opened

    @classmethod
    def opened(cls, client: RawClient) -> WebSocket:
        """Read the server's part of the handshake."""
        response = client.read_response()
        if response.status != 101:
            raise ProtocolViolation(f"{response.status} instead of 101: {response.body[:200]!r}")
        digest = hashlib.sha1(KEY + GUID).digest()
        wanted = {
            "upgrade": "websocket",
            "connection": "upgrade",
            "sec-websocket-accept": base64.b64encode(digest).decode(),
        }
        for name, value in wanted.items():
            found = response.get(name) or ""
            if found != value and (name == "sec-websocket-accept" or found.lower() != value):
                raise ProtocolViolation(f"{name}: {found!r}")
        return cls(client, response)

    def send(self, opcode: int, payload: bytes = b"", **more: int) -> None:
        """Send one frame."""
        self.client.send(frame(opcode, payload, **more))

    def read(self) -> Frame:
        """The next frame; those of a server are never masked, its control frames never long."""
        first, second = self.client.read_bytes(2)
        if second & 0x80 or first & (0x30 if self.extensions else 0x70):
            raise ProtocolViolation(f"a frame that begins with {first:#x} {second:#x}")
        opcode, size = first & 0x0F, second
        if opcode >= CLOSE and (size > LONGEST_CONTROL or not first & 0x80):
            raise ProtocolViolation(f"a control frame with {first:#x} {second:#x}")
        if size == 126:
            (size,) = struct.unpack("!H", self.client.read_bytes(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self.client.read_bytes(8))
        payload = self.client.read_bytes(size)
        return Frame(opcode, payload, bool(first & 0x80), bool(first & 0x40))

    def message(self) -> Frame:
        """The next message, whole; pings are passed over."""
        got = self.read()
        while got.opcode == PING:
            got = self.read()
        while not got.is_final:
            more = self.read()
            if more.opcode == CONTINUATION:
                payload = got.payload + more.payload
                got = Frame(got.opcode, payload, more.is_final, got.is_compressed)
        return got

    def closed(self) -> tuple[int, str]:
        """The code and the reason of the server's close frame, 1005 without a code."""
        got = self.message()
        if got.opcode != CLOSE:
            raise ProtocolViolation(f"{got!r:.200} instead of a close frame")
        if not got.payload:
            return 1005, ""
        (code,) = struct.unpack("!H", got.payload[:2])
        return int(code), got.payload[2:].decode()
