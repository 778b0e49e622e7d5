"""permessage-deflate (RFC 7692), where the server has it.

Runs in: cli
"""

from __future__ import annotations

import zlib

from tests.asgi.case import Group, NotOffered
from tests.asgi.message_cases import fails
from tests.asgi.stage import Stage
from tests.kit.websocket import (
    BINARY,
    CLOSE,
    CONTINUATION,
    TEXT,
    Frame,
    WebSocket,
    close_payload,
    frame,
)

group = Group("deflate")
rule, wish = group.rule, group.wish
OFFER = "permessage-deflate; client_max_window_bits"
RSV1 = 4
TAIL = b"\x00\x00\xff\xff"  # left out on the wire (section 7.2.1)


class Squeezed:
    """A WebSocket with a compressor and a decompressor of the client's."""

    def __init__(self, stage: Stage, scene: str, offer: str = OFFER) -> None:
        self.socket: WebSocket = stage.websocket(scene, ("Sec-WebSocket-Extensions", offer))
        if not self.socket.extensions:
            raise NotOffered("no permessage-deflate")
        self._out = zlib.compressobj(wbits=-self.bits("client_max_window_bits"))
        self._in = zlib.decompressobj(wbits=-15)

    def bits(self, name: str) -> int:
        """The window that was agreed, 15 without a word."""
        for part in self.socket.extensions.split(";"):
            key, _, value = part.strip().partition("=")
            if key == name and value:
                return max(9, int(value))  # zlib has no raw window of 8 bits
        return 15

    def squeeze(self, data: bytes) -> bytes:
        """What stands for a message on the wire."""
        if "client_no_context_takeover" in self.socket.extensions:
            self._out = zlib.compressobj(wbits=-self.bits("client_max_window_bits"))
        return (self._out.compress(data) + self._out.flush(zlib.Z_SYNC_FLUSH))[: -len(TAIL)]

    def message(self) -> bytes:
        """The next message, unpacked if it was packed."""
        got: Frame = self.socket.message()
        if not got.is_compressed:
            return got.payload
        if "server_no_context_takeover" in self.socket.extensions:
            self._in = zlib.decompressobj(wbits=-15)
        return self._in.decompress(got.payload + TAIL)


@rule
def message_that_is_compressed_is_unpacked(stage: Stage) -> None:
    """RFC 7692 section 7.2.2: append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload
    of the message, decompress the resulting data using DEFLATE."""
    client = Squeezed(stage, "ws_echo")
    for text in ("a text é " * 300, "short", "", "a text é " * 300):
        client.socket.send(TEXT, client.squeeze(text.encode()), rsv=RSV1)
        assert client.message() == text.encode()
    client.socket.send(CLOSE, close_payload(1000))
    assert set(stage.told("heard")["kinds"]) == {("str", "NoneType")}


@rule
def message_may_be_sent_as_it_is(stage: Stage) -> None:
    """RFC 7692 section 6: an endpoint MAY compress each message, or send it as it is: the bit
    says which."""
    client = Squeezed(stage, "ws_echo")
    for data in (b"plain", b"packed" * 500, b"plain again"):
        is_packed = data.startswith(b"packed")
        payload = client.squeeze(data) if is_packed else data
        client.socket.send(BINARY, payload, rsv=RSV1 if is_packed else 0)
        assert client.message() == data


@group.own_rule
def fragments_of_a_compressed_message_are_one(stage: Stage) -> None:
    """RFC 7692 section 6.1: the bit is set on the first fragment of the message alone."""
    client = Squeezed(stage, "ws_echo")
    text = ("fragments é " * 200).encode()
    payload = client.squeeze(text)
    client.socket.send(TEXT, payload[:3], fin=0, rsv=RSV1)
    client.socket.send(CONTINUATION, payload[3:9], fin=0)
    client.socket.send(CONTINUATION, payload[9:])
    assert client.message() == text


@rule
def offer_without_context_takeover_is_kept(stage: Stage) -> None:
    """RFC 7692 section 7.1.1.1: a server accepts server_no_context_takeover by including it."""
    offer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
    client = Squeezed(stage, "ws_echo", offer)
    assert "server_no_context_takeover" in client.socket.extensions
    text = b"the same again " * 200
    for _ in range(3):
        client.socket.send(TEXT, client.squeeze(text), rsv=RSV1)
        assert client.message() == text


@wish
def message_that_unpacks_to_too_much_is_1009(stage: Stage) -> None:
    """RFC 7692 section 8 and RFC 6455 section 10.4: a message of 64 kB on the wire must not become
    64 MiB in memory."""
    client = Squeezed(stage, "ws_echo")
    payload = client.squeeze(bytes(64 << 20))
    client.socket.send(BINARY, payload, rsv=RSV1)
    assert client.socket.closed()[0] == 1009


@rule
def compressed_message_without_the_extension_fails(stage: Stage) -> None:
    """RFC 6455 section 5.2: if a nonzero value is received and none of the negotiated extensions
    defines the meaning, the receiving endpoint MUST _Fail the WebSocket Connection_."""
    fails(stage, frame(TEXT, b"\xaa\x56\x4a", rsv=RSV1))


@wish
def bytes_that_are_no_deflate_fail_the_connection(stage: Stage) -> None:
    """RFC 6455 section 7.4.1: 1007: data within a message that was not consistent with the type of
    the message; others say 1002 or 1003, or only end."""
    client = Squeezed(stage, "ws_echo")
    client.socket.send(TEXT, b"\xff\xff\xff\xff", rsv=RSV1)
    assert client.socket.closed()[0] in (1002, 1003, 1007)
