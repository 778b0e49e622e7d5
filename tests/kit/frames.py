"""WebSocket frames as a client sends them, and those of a server read strictly (RFC 6455
section 5).

Runs in: cli
"""

from __future__ import annotations

from typing import Final, NamedTuple

CONTINUATION: Final = 0
TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

KEY: Final = b"\xa1\x52\x0f\x97"


def client_frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    key: bytes = KEY,
) -> bytes:
    """Masked, with its length in the shortest form.  rsv: of 4, 2 and 1, RSV1 to RSV3."""
    n = len(payload)
    first = bytes([0x80 * fin | rsv << 4 | opcode])
    if n < 126:
        length = bytes([0x80 | n])
    elif n < 1 << 16:
        length = b"\xfe" + n.to_bytes(2, "big")
    else:
        length = b"\xff" + n.to_bytes(8, "big")
    return first + length + key + masked(payload, key)


def masked(payload: bytes, key: bytes = KEY) -> bytes:
    """Section 5.3."""
    whole = (key * (len(payload) // 4 + 1))[: len(payload)]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(whole, "big")
    return mixed.to_bytes(len(payload), "big")


def client_close(code: int | None = None, reason: bytes = b"") -> bytes:
    """A close frame of a client."""
    return client_frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason)


class Frame(NamedTuple):
    """One of a server's."""

    opcode: int
    payload: bytes
    rsv1: bool = False


def server_frames(data: bytes | None) -> list[Frame]:
    """All of them.  AssertionError for what a server must not send, or half of it."""
    found = []
    data = data or b""
    while data:
        first, second = data[0], data[1]
        assert first & 0x80, "a server of ours fragments nothing"
        assert not first & 0x30
        assert second < 0x80, "a server masks nothing"
        extra = {126: 2, 127: 8}.get(second, 0)
        n = int.from_bytes(data[2 : 2 + extra], "big") if extra else second
        assert extra == 0 or n > (125 if extra == 2 else 65535), "not the shortest form"
        payload = data[2 + extra : 2 + extra + n]
        assert len(payload) == n
        found.append(Frame(first & 15, payload, bool(first & 0x40)))
        data = data[2 + extra + n :]
    return found
