"""The rules of RFC 6455 sections 5 to 7 that concern a server, one by one, on the codec alone."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable

import pytest

from fastfork._core.http.websocket import WebSocketCodec
from tests.kit.frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Frame,
    client_close,
    client_frame,
    server_frames,
)

Feed = Callable[[WebSocketCodec, bytes], None]
MAX = 1 << 20


def codec(max_message: int = MAX, **limits: int) -> WebSocketCodec:
    return WebSocketCodec(max_message=max_message, **limits)


def whole(codec: WebSocketCodec, data: bytes) -> None:
    codec.receive_bytes(data)


def byte_by_byte(codec: WebSocketCodec, data: bytes) -> None:
    for at in range(len(data)):
        codec.receive_bytes(data[at : at + 1])


@pytest.fixture(params=[whole, byte_by_byte])
def feed(request: pytest.FixtureRequest) -> Feed:
    function: Feed = request.param
    return function


def failure(codec: WebSocketCodec) -> tuple[int, str]:
    """Code and reason of the close frame that is owed, which are those that are told."""
    assert codec.is_done
    assert codec.owes_close
    [frame] = server_frames(codec.take_close())
    assert frame.opcode == CLOSE
    code, reason = int.from_bytes(frame.payload[:2], "big"), frame.payload[2:].decode()
    assert (code, reason) == (codec.closed_code, codec.closed_reason)
    assert codec.take_close() is None
    assert not codec.is_open
    return code, reason


SIZES = [0, 1, 3, 4, 5, 125, 126, 127, 4096, 65535, 65536, 65537]


@pytest.mark.parametrize("size", SIZES)
def test_messages_of_every_form_of_length_arrive(size: int) -> None:
    ascii_text = ("0123456789" * (size // 10 + 1))[:size]
    other = ("é€😀" * (size // 3 + 1))[:size]
    data = bytes(range(256)) * (size // 256 + 1)
    one = codec()
    for payload in (ascii_text.encode(), other.encode()):
        one.receive_bytes(client_frame(TEXT, payload))
    one.receive_bytes(client_frame(BINARY, data[:size]))
    assert one.messages == [ascii_text, other, data[:size]]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 300])
def test_message_arrives_however_it_is_cut(size: int) -> None:
    text = ("aé€😀" * size)[:size]
    raw = client_frame(TEXT, text.encode()) + client_frame(BINARY, bytes(size))
    for cut in range(len(raw) + 1):
        one = codec()
        one.receive_bytes(raw[:cut])
        one.receive_bytes(raw[cut:])
        assert one.messages == [text, bytes(size)]
        assert one.held_bytes == 0


@pytest.mark.parametrize("key", [bytes(4), b"\x01\x02\x03\x04", b"\xff\x80\x00\x7f"])
def test_any_key_is_taken_off(key: bytes, feed: Feed) -> None:
    one = codec()
    feed(one, client_frame(TEXT, b"Hello, world: how are you?", key=key))
    assert one.messages == ["Hello, world: how are you?"]


def test_what_was_received_may_be_overwritten_afterwards() -> None:
    one = codec()
    for number in range(3):
        one.receive_bytes(client_frame(BINARY, b"%d" % number, fin=False))
        one.receive_bytes(client_frame(CONTINUATION, b"!"))
    assert one.messages == [b"0!", b"1!", b"2!"]


# Fragments: section 5.4.


@pytest.mark.parametrize("parts", [[b"", b""], [b"a", b""], [b"", b"a"], [b"ab", b"", b"cd", b"e"]])
@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_fragments_are_one_message(feed: Feed, opcode: int, parts: list[bytes]) -> None:
    raw = client_frame(opcode, parts[0], fin=False)
    for part in parts[1:-1]:
        raw += client_frame(CONTINUATION, part, fin=False)
    one = codec()
    feed(one, raw)
    assert one.messages == []
    feed(one, client_frame(CONTINUATION, parts[-1]) + client_frame(TEXT, b"next"))
    joined = b"".join(parts)
    assert one.messages == [joined.decode() if opcode == TEXT else joined, "next"]


def test_control_frames_may_come_between_fragments(feed: Feed) -> None:
    one = codec()
    feed(
        one,
        client_frame(TEXT, "né".encode()[:2], fin=False)
        + client_frame(PING, b"are you there?")
        + client_frame(CONTINUATION, "né".encode()[2:]),
    )
    assert one.messages == ["né"]
    assert server_frames(one.take_reply()) == [Frame(PONG, b"are you there?")]


def test_many_fragments_cost_no_more_memory_than_their_bytes() -> None:
    one = codec()
    one.receive_bytes(client_frame(BINARY, b"", fin=False))
    for _ in range(20_000):
        one.receive_bytes(client_frame(CONTINUATION, b"x", fin=False))
    assert one.held_bytes <= 2 * 20_000
    one.receive_bytes(client_frame(CONTINUATION))
    assert one.take() == b"x" * 20_000


def test_memory_is_not_taken_for_what_is_only_announced() -> None:
    one = codec(64 * MAX)
    one.receive_bytes(client_frame(BINARY, bytes(32 * MAX))[:100])
    assert one.held_bytes <= 64 << 10


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (client_frame(TEXT, b"a", rsv=4), "a reserved bit is set"),
        (client_frame(TEXT, b"a", rsv=2), "a reserved bit is set"),
        (client_frame(TEXT, b"a", rsv=1), "a reserved bit is set"),
        (client_frame(PING, b"a", rsv=4), "a reserved bit is set"),
        (client_frame(3), "an opcode that is reserved"),
        (client_frame(7), "an opcode that is reserved"),
        (client_frame(11), "an opcode that is reserved"),
        (client_frame(15), "an opcode that is reserved"),
        (client_frame(PING, fin=False), "a control frame is fragmented"),
        (client_frame(CLOSE, fin=False), "a control frame is fragmented"),
        (client_frame(PING, bytes(126)), "a control frame is longer than 125 bytes"),
        (client_frame(CLOSE, b"\x03\xe8" + bytes(124)), "a control frame is longer than 125 bytes"),
        (b"\x81\x05Hello", "a frame of a client is not masked"),
        (b"\x82\xfe\x00\x7d" + bytes(4), "a length is not in its shortest form, or has 64 bits"),
        (
            b"\x82\xff" + (65535).to_bytes(8, "big"),
            "a length is not in its shortest form, or has 64 bits",
        ),
        (b"\x82\xff\x80" + bytes(7), "a length is not in its shortest form, or has 64 bits"),
        (client_frame(CONTINUATION, b"a"), "a continuation without a message"),
        (
            client_frame(TEXT, b"a", fin=False) + client_frame(TEXT, b"b"),
            "a message begins inside another",
        ),
        (client_frame(TEXT) + client_frame(CONTINUATION), "a continuation without a message"),
        (client_frame(CLOSE, b"\x03"), "a close frame of one byte"),
    ],
)
def test_broken_protocol_is_1002(feed: Feed, raw: bytes, reason: str) -> None:
    one = codec()
    feed(one, raw)
    assert failure(one) == (1002, reason)
    assert one.held_bytes == 0


def test_after_a_failure_nothing_more_is_read(feed: Feed) -> None:
    one = codec()
    feed(one, client_frame(TEXT, b"before") + client_frame(3) + client_frame(TEXT, b"after"))
    feed(one, client_frame(PING) + client_close(1000))
    assert one.messages == ["before"]
    assert one.take_reply() is None
    assert failure(one)[0] == 1002


def test_what_came_before_a_failure_may_still_be_answered() -> None:
    one = codec()
    one.receive_bytes(client_frame(TEXT, b"before") + client_frame(3))
    assert one.is_open
    assert server_frames(one.text("answer")) == [Frame(TEXT, b"answer")]
    assert failure(one)[0] == 1002
    with pytest.raises(ConnectionError):
        one.text("too late")


# Text: section 8.1.

NOT_UTF8 = [b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\x80", b"\xe2\x82A"]


@pytest.mark.parametrize("bad", NOT_UTF8)
@pytest.mark.parametrize("before", [0, 1, 70])
def test_text_that_is_not_utf8_is_1007(feed: Feed, bad: bytes, before: int) -> None:
    one = codec()
    feed(one, client_frame(TEXT, b"x" * before + bad + b"more"))
    assert failure(one) == (1007, "text is not UTF-8")
    assert one.messages == []


def test_text_is_refused_before_the_rest_of_it_has_come() -> None:
    one = codec()
    raw = client_frame(TEXT, "κόσμε".encode() + b"\xf4\x90" + bytes(1000), fin=False)
    for at in range(len(raw)):
        one.receive_bytes(raw[at : at + 1])
        if one.is_done:
            break
    assert at == len(raw) - 1001
    assert failure(one)[0] == 1007


@pytest.mark.parametrize("end", [b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98"])
def test_text_that_ends_inside_a_character_is_1007(feed: Feed, end: bytes) -> None:
    for raw in (
        client_frame(TEXT, b"abc" + end),
        client_frame(TEXT, b"abc" + end, fin=False) + client_frame(CONTINUATION),
    ):
        one = codec()
        feed(one, raw)
        assert failure(one)[0] == 1007


def test_binary_may_be_anything(feed: Feed) -> None:
    one = codec()
    feed(
        one, client_frame(BINARY, b"\xff\xfe\x80", fin=False) + client_frame(CONTINUATION, b"\xc0")
    )
    assert one.messages == [b"\xff\xfe\x80\xc0"]


# Limits: section 10.4.


def test_message_of_the_limit_is_taken_and_one_byte_more_is_1009(feed: Feed) -> None:
    one = codec(100)
    feed(one, client_frame(BINARY, bytes(100)) + client_frame(BINARY, bytes(101)))
    assert one.messages == [bytes(100)]
    assert failure(one) == (1009, "a message is larger than is taken")


def test_too_large_a_message_is_refused_at_its_header() -> None:
    one = codec(MAX)
    raw = client_frame(BINARY, bytes(MAX + 1))
    one.receive_bytes(raw[:13])
    assert not one.is_done
    one.receive_bytes(raw[13:14])
    assert failure(one)[0] == 1009


def test_fragments_that_are_too_large_together_are_refused_at_the_header(feed: Feed) -> None:
    one = codec(100)
    feed(one, client_frame(TEXT, b"x" * 60, fin=False))
    feed(one, client_frame(CONTINUATION, b"x" * 41)[:6])
    assert failure(one)[0] == 1009
    assert one.held_bytes == 0


def test_unbelievable_length_is_1009() -> None:
    one = codec()
    one.receive_bytes(b"\x82\xff\x7f" + b"\xff" * 7 + bytes(4))
    assert failure(one)[0] == 1009


@pytest.mark.parametrize("limit", ["max_message", "max_queue", "max_queued"])
def test_limits_below_one_are_refused(limit: str) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        WebSocketCodec(**{"max_message": 1, limit: 0})


def test_unknown_keyword_is_refused() -> None:
    with pytest.raises(TypeError):
        WebSocketCodec(max_message=1, max_size=1)  # type: ignore[call-arg]


def test_idle_websocket_is_small_and_refers_to_nothing() -> None:
    one = codec()
    assert sys.getsizeof(one) <= 200
    for _ in range(3):
        one.receive_bytes(client_frame(TEXT, b"a", fin=False) + client_frame(PING, b"b"))
        one.receive_bytes(client_frame(CONTINUATION, b"a"))
        assert one.take() == "aa"
        assert one.take_reply()
    assert one.held_bytes == 0
    assert set(gc.get_referents(one)) <= {None, type(one)}
