"""Compressed messages: RFC 7692 sections 6 and 7.2, on the codec alone."""

from __future__ import annotations

import os
import zlib
from collections.abc import Iterable

import pytest

from fastfork._core.http.websocket import WebSocketCodec
from tests.kit.frames import (
    BINARY,
    CONTINUATION,
    PING,
    TEXT,
    client_frame,
    server_frames,
)

RSV1 = 4
MAX = 1 << 20
TAIL = b"\x00\x00\xff\xff"
Parameters = tuple[int, int, bool, bool]
SHARED: Parameters = (12, 12, True, True)
ALONE: Parameters = (12, 12, False, False)


def codec(parameters: Parameters = SHARED, max_message: int = MAX) -> WebSocketCodec:
    return WebSocketCodec(max_message=max_message, deflate=parameters)


class Peer:
    """A client: its zlib streams."""

    def __init__(self, parameters: Parameters) -> None:
        self.server_bits, self.client_bits, self.server_takeover, self.client_takeover = parameters
        self.compressor = zlib.compressobj(wbits=-max(9, self.client_bits))
        self.decompressor = zlib.decompressobj(-self.server_bits)

    def deflate(self, data: bytes) -> bytes:
        if not self.client_takeover:
            self.compressor = zlib.compressobj(wbits=-max(9, self.client_bits))
        out = self.compressor.compress(data) + self.compressor.flush(zlib.Z_SYNC_FLUSH)
        assert out.endswith(TAIL)
        return out[:-4]

    def inflate(self, data: bytes) -> bytes:
        if not self.server_takeover:
            self.decompressor = zlib.decompressobj(-self.server_bits)
        return self.decompressor.decompress(data + TAIL)


def failure(one: WebSocketCodec) -> int:
    assert one.is_done
    [frame] = server_frames(one.take_close())
    code = int.from_bytes(frame.payload[:2], "big")
    assert code == one.closed_code
    assert one.messages == []
    return code


# The examples of section 7.2.3.


@pytest.mark.parametrize(
    "payload",
    [
        "f2 48 cd c9 c9 07 00",
        "00 05 00 fa ff 48 65 6c 6c 6f 00",
        "f3 48 cd c9 c9 07 00 00",
        "f2 48 05 00 00 00 ff ff ca c9 c9 07 00",
    ],
)
def test_hello_of_the_specification_is_read(payload: str) -> None:
    for cut in range(len(bytes.fromhex(payload))):
        one = codec()
        data = bytes.fromhex(payload)
        for _ in range(3):
            one.receive_bytes(client_frame(TEXT, data[:cut], rsv=RSV1, fin=False))
            one.receive_bytes(client_frame(PING) + client_frame(CONTINUATION, data[cut:]))
            one.receive_bytes(client_frame(TEXT, data, rsv=RSV1))
        assert one.messages == ["Hello"] * 6


def test_second_message_may_refer_to_the_first() -> None:
    one = codec()
    one.receive_bytes(client_frame(TEXT, bytes.fromhex("f248cdc9c90700"), rsv=RSV1))
    one.receive_bytes(client_frame(TEXT, bytes.fromhex("f200110000"), rsv=RSV1))
    assert one.messages == ["Hello", "Hello"]


def test_second_message_may_not_refer_to_the_first_without_takeover() -> None:
    one = codec(ALONE)
    one.receive_bytes(client_frame(TEXT, bytes.fromhex("f248cdc9c90700"), rsv=RSV1))
    assert one.take() == "Hello"
    one.receive_bytes(client_frame(TEXT, bytes.fromhex("f200110000"), rsv=RSV1))
    assert failure(one) == 1007


def messages() -> Iterable[bytes]:
    """Of every kind of size, some alike, some that cannot be compressed."""
    words = b"the quick brown fox jumps over the lazy dog; "
    for size in (0, 1, 125, 1023, 1024, 1025, 5000, 65536, 300_000):
        yield (words * (size // len(words) + 1))[:size]
        yield os.urandom(size)


PARAMETERS = [
    (bits, other, ours, theirs)
    for bits, other in ((12, 12), (9, 8), (15, 15))
    for ours in (True, False)
    for theirs in (True, False)
]


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_what_was_compressed_comes_out_again_both_ways(parameters: Parameters) -> None:
    one, peer = codec(parameters), Peer(parameters)
    for data in messages():
        for compressed in (True, False):
            payload = peer.deflate(data) if compressed else data
            one.receive_bytes(client_frame(BINARY, payload, rsv=RSV1 * compressed))
            assert one.take() == data
        [frame] = server_frames(one.binary(data))
        assert (peer.inflate(frame.payload) if frame.rsv1 else frame.payload) == data
        assert len(frame.payload) <= len(data) + len(data) // 16 + 20
        assert frame.rsv1 <= (len(data) >= 1024), "short ones are sent as they are"


def test_text_is_compressed_and_its_utf8_checked() -> None:
    one, peer = codec(), Peer(SHARED)
    text = "κόσμε " * 1000
    [frame] = server_frames(one.text(text))
    assert frame.rsv1
    assert len(frame.payload) < 200
    assert peer.inflate(frame.payload).decode() == text
    one.receive_bytes(client_frame(TEXT, peer.deflate(text.encode()), rsv=RSV1))
    assert one.take() == text
    one.receive_bytes(client_frame(TEXT, peer.deflate(b"a\xff"), rsv=RSV1))
    assert failure(one) == 1007


def test_what_cannot_be_compressed_is_sent_as_it_is_without_takeover() -> None:
    one = codec(ALONE)
    data = os.urandom(4096)
    [frame] = server_frames(one.binary(data))
    assert not frame.rsv1
    assert frame.payload == data


@pytest.mark.parametrize(
    "payload",
    [b"\xff\xff\xff", b"\x03\x00hidden", b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00\x00", b"\x06"],
)
def test_what_is_no_deflate_stream_is_1007(payload: bytes) -> None:
    one = codec()
    one.receive_bytes(client_frame(TEXT, payload, rsv=RSV1))
    assert failure(one) == 1007


@pytest.mark.parametrize("parameters", [SHARED, ALONE])
def test_message_that_becomes_too_large_is_1009(parameters: Parameters) -> None:
    peer = Peer(parameters)
    one = codec(parameters)
    one.receive_bytes(client_frame(BINARY, peer.deflate(bytes(MAX)), rsv=RSV1))
    assert one.take() == bytes(MAX)
    one.receive_bytes(client_frame(BINARY, peer.deflate(bytes(MAX + 1)), rsv=RSV1))
    assert failure(one) == 1009


def test_bomb_is_not_inflated_beyond_the_limit() -> None:
    """256 MiB in 260 kB: with a limit of 300 kB the memory is never asked for."""
    import tracemalloc

    compressor = zlib.compressobj(wbits=-12)
    bomb = b"".join(compressor.compress(bytes(MAX)) for _ in range(256))
    bomb += compressor.flush(zlib.Z_SYNC_FLUSH)[:-4]
    one = codec(max_message=300_000)
    raw = client_frame(BINARY, bomb, rsv=RSV1)
    tracemalloc.start()
    one.receive_bytes(raw)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert failure(one) == 1009
    assert most < 2_500_000


def test_message_of_the_limit_that_cannot_be_compressed_is_taken() -> None:
    data = os.urandom(MAX)
    one, peer = codec(), Peer(SHARED)
    peer.compressor = zlib.compressobj(wbits=-12, memLevel=1)  # the longest that zlib makes
    one.receive_bytes(client_frame(BINARY, peer.deflate(data), rsv=RSV1))
    assert one.take() == data


def test_more_than_can_be_a_message_is_refused_at_its_header() -> None:
    one = codec(max_message=1000)
    one.receive_bytes(client_frame(BINARY, bytes(1200), rsv=RSV1)[:8])
    assert failure(one) == 1009


def test_bit_of_compression_is_refused_where_it_was_not_agreed_to() -> None:
    one = WebSocketCodec(max_message=MAX)
    one.receive_bytes(client_frame(TEXT, b"\xf2", rsv=RSV1))
    assert failure(one) == 1002


@pytest.mark.parametrize("opcode", [CONTINUATION, PING])
def test_bit_of_compression_is_for_the_first_frame_of_a_message(opcode: int) -> None:
    one = codec()
    one.receive_bytes(client_frame(TEXT, b"\xf2", rsv=RSV1, fin=False))
    one.receive_bytes(client_frame(opcode, b"", rsv=RSV1))
    assert failure(one) == 1002


def test_error_of_ours_inside_a_message_is_raised_and_is_1011(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = codec()
    assert one.take() is None
    with monkeypatch.context() as patch:
        patch.setattr(zlib, "decompressobj", lambda bits: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            one.receive_bytes(client_frame(TEXT, b"\xf2", rsv=RSV1) + client_frame(PING))
    assert failure(one) == 1011
    assert one.take_reply() is None


def test_without_takeover_an_idle_websocket_holds_no_state() -> None:
    import gc

    one, peer = codec(ALONE), Peer(ALONE)
    before = kinds(gc.get_objects())
    one.receive_bytes(client_frame(TEXT, peer.deflate(b"x" * 5000), rsv=RSV1))
    assert one.take() == "x" * 5000
    one.text("x" * 5000)
    assert kinds(gc.get_objects()) == before
    assert one.held_bytes == 0


def kinds(things: Iterable[object]) -> int:
    return sum(type(thing).__module__ == "zlib" for thing in things)
