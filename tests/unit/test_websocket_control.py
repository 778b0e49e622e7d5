"""Control frames, closing and what waits: RFC 6455 sections 5.5 and 7, on the codec alone."""

from __future__ import annotations

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

MAX = 1 << 20
CLOSED = b"\x03\xe8"  # 1000


def codec(**limits: int) -> WebSocketCodec:
    return WebSocketCodec(**{"max_message": MAX, **limits})


def fed(raw: bytes, **limits: int) -> WebSocketCodec:
    one = codec(**limits)
    one.receive_bytes(raw)
    return one


def closing(raw: bytes) -> Frame:
    """The one close frame that is sent because of these bytes."""
    one = fed(raw)
    [frame] = server_frames(one.take_close())
    return frame


# Pings and pongs: sections 5.5.2 and 5.5.3.


@pytest.mark.parametrize("payload", [b"", b"x", bytes(range(125))])
def test_ping_is_answered_with_its_payload(payload: bytes) -> None:
    raw = client_frame(PING, payload)
    for cut in range(len(raw) + 1):
        one = fed(raw[:cut])
        one.receive_bytes(raw[cut:])
        assert server_frames(one.take_reply()) == [Frame(PONG, payload)]
        assert one.take_reply() is None
        assert one.held_bytes == 0


def test_pings_are_answered_in_order() -> None:
    one = fed(b"".join(client_frame(PING, b"%d" % number) for number in range(10)))
    assert server_frames(one.take_reply()) == [Frame(PONG, b"%d" % n) for n in range(10)]


def test_flood_of_pings_costs_little_and_the_last_is_answered() -> None:
    one = codec()
    for number in range(10_000):
        one.receive_bytes(client_frame(PING, b"%d" % number))
    reply = one.take_reply()
    assert reply is not None
    assert len(reply) < 2500
    pongs = server_frames(reply)
    assert pongs[:3] == [Frame(PONG, b"0"), Frame(PONG, b"1"), Frame(PONG, b"2")]
    assert pongs[-1] == Frame(PONG, b"9999")


def test_pong_that_nobody_asked_for_is_passed_over() -> None:
    one = fed(client_frame(PONG, b"hello") + client_frame(PONG))
    assert not one.is_done
    assert one.take_reply() is None
    assert one.is_alive


def test_ping_is_answered_by_its_own_pong_alone() -> None:
    one = codec()
    assert one.is_alive
    [first] = server_frames(one.ping())
    [second] = server_frames(one.ping())
    assert first.opcode == second.opcode == PING
    for payload in (b"", first.payload, second.payload + b"!"):
        one.receive_bytes(client_frame(PONG, payload))
        assert not one.is_alive
    one.receive_bytes(client_frame(PONG, second.payload))
    assert one.is_alive
    one.ping()
    assert not one.is_alive


# Close frames: sections 5.5.1 and 7.4.


@pytest.mark.parametrize("code", [1000, 1001, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 4999])
def test_close_is_answered_with_its_code_and_told(code: int) -> None:
    one = fed(client_close(code, "tschüs".encode()))
    assert one.is_done
    assert one.owes_close
    assert (one.closed_code, one.closed_reason) == (code, "tschüs")
    assert server_frames(one.take_close()) == [Frame(CLOSE, code.to_bytes(2, "big"))]
    assert not one.owes_close
    assert one.take_close() is None


def test_close_without_a_code_is_told_as_1005_and_answered_without() -> None:
    one = fed(client_close())
    assert (one.closed_code, one.closed_reason) == (1005, "")
    assert server_frames(one.take_close()) == [Frame(CLOSE, b"")]


def test_without_a_close_frame_it_is_1006() -> None:
    one = fed(client_frame(TEXT, b"a")[:-1])
    assert (one.closed_code, one.closed_reason) == (1006, "")
    assert not one.is_done


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535])
def test_close_code_that_must_not_be_sent_is_1002(code: int) -> None:
    assert closing(client_close(code)).payload[:2] == (1002).to_bytes(2, "big")


def test_reason_that_is_not_utf8_is_1007() -> None:
    for reason in (b"\xff", b"abc\xc3"):
        assert closing(client_close(1000, reason)).payload[:2] == (1007).to_bytes(2, "big")


def test_close_arrives_however_it_is_cut() -> None:
    raw = client_close(1001, b"going away")
    for cut in range(len(raw)):
        one = fed(raw[:cut])
        assert not one.is_done
        one.receive_bytes(raw[cut:])
        assert (one.closed_code, one.closed_reason) == (1001, "going away")


def test_after_a_close_frame_nothing_is_read() -> None:
    one = fed(client_frame(TEXT, b"a") + client_close(1000) + client_frame(PING) + b"\xff\xff")
    one.receive_bytes(client_frame(TEXT, b"b"))
    assert one.messages == ["a"]
    assert one.take_reply() is None
    assert one.closed_code == 1000


def test_close_inside_a_message_drops_it() -> None:
    one = fed(client_frame(TEXT, b"half", fin=False) + client_close(1000))
    assert one.messages == []
    assert one.held_bytes == 0
    assert one.is_done


def test_message_before_a_close_may_be_answered_before_it() -> None:
    one = fed(client_frame(TEXT, b"last") + client_close(1000))
    assert one.take() == "last"
    assert server_frames(one.text("answer")) == [Frame(TEXT, b"answer")]
    assert server_frames(one.take_close()) == [Frame(CLOSE, CLOSED)]
    for send in (lambda: one.text("a"), lambda: one.binary(b"a"), one.ping):
        with pytest.raises(ConnectionError):
            send()


def test_server_closes_first_and_waits_for_the_answer() -> None:
    one = codec()
    assert server_frames(one.close(1001, "bye")) == [Frame(CLOSE, b"\x03\xe9bye")]
    assert not one.is_open
    assert not one.is_done
    assert one.close() is None
    one.receive_bytes(client_close(1001))
    assert one.is_done
    assert not one.owes_close
    assert one.closed_code == 1001


def test_messages_are_dropped_once_the_server_has_closed() -> None:
    one = fed(client_frame(TEXT, b"before") + client_frame(BINARY, b"half", fin=False))
    one.close()
    assert one.messages == []
    assert one.held_bytes == 0
    raw = client_frame(CONTINUATION, b"more") + client_frame(TEXT, bytes(3 * MAX))
    one.receive_bytes(raw + client_frame(PING, b"?"))
    assert one.take_reply() is None
    one.receive_bytes(client_close(1000))
    assert one.messages == []
    assert one.is_done


@pytest.mark.parametrize("cut", range(1, 12))
def test_server_may_close_while_a_frame_is_coming(cut: int) -> None:
    for raw in (client_frame(TEXT, b"Hello"), client_close(1000, b"bye")):
        one = fed(raw[:cut])
        one.close(1012)
        one.receive_bytes(raw[cut:])
        one.receive_bytes(client_close(1012))
        assert one.is_done
        assert one.closed_code == (1000 if raw[0] == 0x88 else 1012)


def test_broken_protocol_while_closing_ends_it_without_another_frame() -> None:
    one = codec()
    one.close()
    one.receive_bytes(client_frame(3))
    assert one.is_done
    assert not one.owes_close


def test_application_may_answer_a_close_with_its_own_code() -> None:
    one = fed(client_close(1000))
    assert server_frames(one.close(4000, "mine")) == [Frame(CLOSE, b"\x0f\xa0mine")]
    assert one.take_close() is None


def test_application_that_closes_after_a_failure_sends_the_failure() -> None:
    one = fed(client_frame(3))
    [frame] = server_frames(one.close(1000))
    assert frame.payload[:2] == (1002).to_bytes(2, "big")
    assert one.close() is None


@pytest.mark.parametrize("code", [-1, 0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 1 << 20])
def test_code_that_must_not_be_sent_is_refused(code: int) -> None:
    one = codec()
    with pytest.raises(ValueError, match="close code"):
        one.close(code)
    assert one.is_open


@pytest.mark.parametrize(
    ("reason", "sent"),
    [
        (None, ""),
        ("", ""),
        ("x" * 123, "x" * 123),
        ("x" * 124, "x" * 123),
        ("é" * 62, "é" * 61),
        ("€" * 50, "€" * 41),
        ("x" + "😀" * 50, "x" + "😀" * 30),
        ("\ud800", "?"),
    ],
)
def test_reason_is_cut_where_a_character_ends(reason: str | None, sent: str) -> None:
    [frame] = server_frames(codec().close(1000, reason))
    assert frame.payload == CLOSED + sent.encode()


# What waits for the application.


def texts(*numbers: int) -> bytes:
    return b"".join(client_frame(TEXT, b"%d" % number) for number in numbers)


def test_messages_are_taken_in_order() -> None:
    one = fed(texts(1, 2, 3))
    assert [one.take() for _ in range(4)] == ["1", "2", "3", None]


@pytest.mark.parametrize("limit", [1, 2, 3, 32])
def test_no_more_messages_are_read_than_may_wait(limit: int) -> None:
    numbers = range(200)
    one = fed(texts(*numbers), max_queue=limit)
    seen = []
    assert one.paused
    while (message := one.take()) is not None:
        assert len(one.messages) < limit
        seen.append(message)
        one.go_on()
    assert seen == [str(number) for number in numbers]
    assert not one.paused
    assert one.held_bytes == 0


def test_bytes_that_wait_are_bounded_too() -> None:
    raw = b"".join(client_frame(BINARY, bytes(1000)) for _ in range(20))
    one = fed(raw, max_queued=3000)
    assert len(one.messages) == 3
    assert one.paused
    one.take()
    one.go_on()
    assert len(one.messages) == 2, "goes on when half is gone"
    one.take()
    one.go_on()
    assert len(one.messages) == 3


def test_what_comes_while_messages_wait_is_read_later() -> None:
    one = fed(texts(1, 2), max_queue=1)
    rest = texts(3) + client_frame(PING, b"?") + client_close(1000)
    for at in range(len(rest)):
        one.receive_bytes(rest[at : at + 1])
    assert one.take_reply() is None
    assert not one.is_done
    for expected in ("1", "2", "3", None):
        assert one.take() == expected
        one.go_on()
    assert server_frames(one.take_reply()) == [Frame(PONG, b"?")]
    assert one.closed_code == 1000


def test_header_that_was_cut_goes_on_after_the_pause() -> None:
    raw = texts(1, 2, 3)
    for cut in range(len(raw)):
        one = fed(raw[:cut], max_queue=1)
        one.receive_bytes(raw[cut:])
        seen = []
        while (message := one.take()) is not None:
            seen.append(message)
            one.go_on()
        assert seen == ["1", "2", "3"]


def test_server_that_closes_hears_of_a_close_that_waits() -> None:
    one = fed(texts(1, 2) + client_close(1000), max_queue=1)
    one.close(1001)
    assert one.is_done
    assert one.closed_code == 1000
    assert one.messages == []


# What the server sends.


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65535, 65536, 70000])
def test_frames_have_the_shortest_length_and_no_mask(size: int) -> None:
    one = codec()
    assert server_frames(one.text("x" * size)) == [Frame(TEXT, b"x" * size)]
    assert server_frames(one.text("é" * size)) == [Frame(TEXT, "é".encode() * size)]
    assert server_frames(one.binary(bytes(size))) == [Frame(BINARY, bytes(size))]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_any_buffer_is_sent_as_binary(kind: type) -> None:
    assert server_frames(codec().binary(kind(b"data"))) == [Frame(BINARY, b"data")]


def test_what_is_neither_text_nor_bytes_is_refused() -> None:
    one = codec()
    for bad in (None, 5, ["a"]):
        with pytest.raises(TypeError):
            one.frame(bad)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        one.binary("text")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        one.text(b"bytes")  # type: ignore[arg-type]
    with pytest.raises(UnicodeEncodeError):
        one.text("\ud800")
    assert one.is_open
