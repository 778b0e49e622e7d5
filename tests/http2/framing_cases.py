"""Frames and their sizes.

Runs in: cli
"""

from __future__ import annotations

from tests.http2.case import Group
from tests.http2.wire import (
    ACK,
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    FLOW_CONTROL_ERROR,
    FRAME_SIZE_ERROR,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PREFACE,
    PRIORITY,
    PROTOCOL_ERROR,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    WITH_PRIORITY,
    Conversation,
    frame,
    number,
    setting,
)

group = Group("frames")


@group.rule
def a_request_is_answered(c: Conversation) -> None:
    """Section 8.1"""
    c.begin()
    c.expect_service(1)


@group.rule
def the_server_begins_with_settings(c: Conversation) -> None:
    """Section 3.4: the server preface is a SETTINGS frame, the first that it sends."""
    c.begin()
    assert c.frames[0].kind == SETTINGS, c.told()
    assert not c.frames[0].flags & ACK


@group.rule
def settings_of_the_client_are_acknowledged(c: Conversation) -> None:
    """Section 6.5.3"""
    c.begin()
    assert any(f.flags & ACK for f in c.of(SETTINGS)), c.told()


@group.rule
def a_preface_that_is_none_ends_the_connection(c: Conversation) -> None:
    """Section 3.4"""
    c.say(PREFACE[:-2] + b"!!", frame(SETTINGS))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def a_preface_without_settings_ends_the_connection(c: Conversation) -> None:
    """Section 3.4"""
    c.say(PREFACE, frame(PING, payload=bytes(8)))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def unknown_frames_are_ignored(c: Conversation) -> None:
    """Section 4.1, 5.5"""
    c.begin()
    c.say(frame(0xFA, 0xFF, 0, b"what"), frame(0xFB, 0, 7, b""))
    c.expect_service(1)


@group.rule
def unknown_flags_are_ignored(c: Conversation) -> None:
    """Section 4.1"""
    c.begin()
    c.say(frame(PING, 0xFE, payload=b"12345678"))
    assert any(f.flags & ACK and f.payload == b"12345678" for f in c.of(PING)), c.told()


@group.rule
def the_reserved_bit_is_ignored(c: Conversation) -> None:
    """Section 4.1"""
    c.begin()
    c.say(frame(HEADERS, END_STREAM | END_HEADERS, 1 | 1 << 31, c.block(c.request())))
    c.expect_answer(1)


@group.rule
def data_larger_than_allowed_is_an_error(c: Conversation) -> None:
    """Section 4.2"""
    c.begin()
    c.say(c.ask(1, "POST", flags=END_HEADERS), frame(DATA, END_STREAM, 1, bytes(16385)))
    c.expect_stream_error(1, FRAME_SIZE_ERROR)


@group.rule
def headers_larger_than_allowed_end_the_connection(c: Conversation) -> None:
    """Section 4.2: of a frame that changes the state of the connection"""
    c.begin()
    c.say(frame(HEADERS, END_STREAM | END_HEADERS, 1, bytes(16385)))
    c.expect_connection_error(FRAME_SIZE_ERROR)


@group.rule
def data_on_stream_0_ends_the_connection(c: Conversation) -> None:
    """Section 6.1"""
    c.begin()
    c.say(frame(DATA, END_STREAM, 0, b"x"))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def data_with_too_much_padding_ends_the_connection(c: Conversation) -> None:
    """Section 6.1"""
    c.begin()
    c.say(c.ask(1, "POST", flags=END_HEADERS), frame(DATA, END_STREAM | PADDED, 1, b"\x05abc"))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def padding_of_data_is_no_body(c: Conversation) -> None:
    """Section 6.1"""
    c.begin()
    c.say(c.ask(1, "POST", "/echo", flags=END_HEADERS),
          frame(DATA, END_STREAM | PADDED, 1, b"\x03abc\0\0\0"))  # fmt: skip
    c.expect_answer(1)


@group.rule
def headers_on_stream_0_end_the_connection(c: Conversation) -> None:
    """Section 6.2"""
    c.begin()
    c.say(frame(HEADERS, END_STREAM | END_HEADERS, 0, c.block(c.request())))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def headers_with_too_much_padding_end_the_connection(c: Conversation) -> None:
    """Section 6.2"""
    c.begin()
    c.say(frame(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, b"\xff" + c.block(c.request())))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def headers_with_padding_are_read(c: Conversation) -> None:
    """Section 6.2"""
    c.begin()
    block = b"\x04" + c.block(c.request()) + bytes(4)
    c.say(frame(HEADERS, END_STREAM | END_HEADERS | PADDED, 1, block))
    c.expect_answer(1)


@group.rule
def headers_with_the_priority_of_rfc_7540_are_read(c: Conversation) -> None:
    """Section 5.3.2: what was said by them is of no account."""
    c.begin()
    block = number(0) + b"\x0f" + c.block(c.request())
    c.say(frame(HEADERS, END_STREAM | END_HEADERS | WITH_PRIORITY, 1, block))
    c.expect_answer(1)


@group.rule
def priority_on_stream_0_ends_the_connection(c: Conversation) -> None:
    """Section 6.3"""
    c.begin()
    c.say(frame(PRIORITY, 0, 0, number(1) + b"\x0f"))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def priority_of_an_idle_stream_is_taken(c: Conversation) -> None:
    """Section 6.3"""
    c.begin()
    c.say(frame(PRIORITY, 0, 5, number(0) + b"\x0f"))
    c.expect_service(7)


@group.rule
def priority_of_a_wrong_size_is_an_error(c: Conversation) -> None:
    """Section 6.3"""
    c.begin()
    c.say(c.ask(1, "POST", flags=END_HEADERS), frame(PRIORITY, 0, 1, bytes(4)))
    c.expect_stream_error(1, FRAME_SIZE_ERROR)


@group.rule
def reset_on_stream_0_ends_the_connection(c: Conversation) -> None:
    """Section 6.4"""
    c.begin()
    c.say(frame(RST_STREAM, 0, 0, number(8)))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def reset_of_an_idle_stream_ends_the_connection(c: Conversation) -> None:
    """Section 6.4"""
    c.begin()
    c.say(frame(RST_STREAM, 0, 1, number(8)))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def reset_of_a_wrong_size_ends_the_connection(c: Conversation) -> None:
    """Section 6.4"""
    c.begin()
    c.say(c.ask(1, "POST", flags=END_HEADERS), frame(RST_STREAM, 0, 1, bytes(3)))
    c.expect_connection_error(FRAME_SIZE_ERROR)


@group.rule
def a_stream_that_is_reset_hurts_no_other(c: Conversation) -> None:
    """Section 5.4.2"""
    c.begin()
    c.say(c.ask(1, "POST", flags=END_HEADERS), frame(RST_STREAM, 0, 1, number(8)))
    c.expect_service(3)


@group.rule
def push_promise_of_a_client_ends_the_connection(c: Conversation) -> None:
    """Section 8.4"""
    c.begin()
    c.say(c.ask(1, "POST", flags=END_HEADERS),
          frame(PUSH_PROMISE, END_HEADERS, 1, number(2) + c.block(c.request())))  # fmt: skip
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def ping_is_answered_with_what_it_carries(c: Conversation) -> None:
    """Section 6.7"""
    c.begin()
    c.say(frame(PING, payload=b"fastfork"))
    assert any(f.flags & ACK and f.payload == b"fastfork" for f in c.of(PING)), c.told()


@group.rule
def an_answer_to_ping_is_not_answered(c: Conversation) -> None:
    """Section 6.7"""
    c.begin()
    c.say(frame(PING, ACK, payload=b"unasked!"))
    assert not [f for f in c.of(PING) if f.payload == b"unasked!"], c.told()
    c.expect_service(1)


@group.rule
def ping_on_a_stream_ends_the_connection(c: Conversation) -> None:
    """Section 6.7"""
    c.begin()
    c.say(frame(PING, 0, 1, bytes(8)))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def ping_of_a_wrong_size_ends_the_connection(c: Conversation) -> None:
    """Section 6.7"""
    c.begin()
    c.say(frame(PING, payload=bytes(6)))
    c.expect_connection_error(FRAME_SIZE_ERROR)


@group.rule
def goaway_on_a_stream_ends_the_connection(c: Conversation) -> None:
    """Section 6.8"""
    c.begin()
    c.say(frame(GOAWAY, 0, 1, number(0) + number(0)))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def window_update_of_nothing_ends_the_connection(c: Conversation) -> None:
    """Section 6.9"""
    c.begin()
    c.say(frame(WINDOW_UPDATE, payload=number(0)))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def window_update_of_nothing_on_a_stream_is_an_error(c: Conversation) -> None:
    """Section 6.9"""
    c.begin()
    c.say(c.ask(1, "POST", flags=END_HEADERS), frame(WINDOW_UPDATE, 0, 1, number(0)))
    c.expect_stream_error(1, PROTOCOL_ERROR)


@group.rule
def window_update_of_a_wrong_size_ends_the_connection(c: Conversation) -> None:
    """Section 6.9"""
    c.begin()
    c.say(frame(WINDOW_UPDATE, payload=bytes(3)))
    c.expect_connection_error(FRAME_SIZE_ERROR)


@group.rule
def a_window_above_2_to_the_31_ends_the_connection(c: Conversation) -> None:
    """Section 6.9.1"""
    c.begin()
    c.say(*[frame(WINDOW_UPDATE, payload=number(0x7FFFFFFF))] * 2)
    c.expect_connection_error(FLOW_CONTROL_ERROR)


@group.rule
def a_window_of_a_stream_above_2_to_the_31_is_an_error(c: Conversation) -> None:
    """Section 6.9.1"""
    c.begin()
    most = frame(WINDOW_UPDATE, 0, 1, number(0x7FFFFFFF))
    c.say(c.ask(1, "POST", flags=END_HEADERS), most, most)
    c.expect_stream_error(1, FLOW_CONTROL_ERROR)


@group.rule
def continuation_without_headers_ends_the_connection(c: Conversation) -> None:
    """Section 6.10"""
    c.begin()
    c.say(frame(CONTINUATION, END_HEADERS, 1, c.block(c.request())))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def a_header_block_in_pieces_is_read(c: Conversation) -> None:
    """Section 6.10"""
    c.begin()
    block = c.block(c.request())
    c.say(frame(HEADERS, END_STREAM, 1, block[:5]), frame(CONTINUATION, 0, 1, block[5:8]),
          frame(CONTINUATION, END_HEADERS, 1, block[8:]))  # fmt: skip
    c.expect_answer(1)


@group.rule
def another_frame_within_a_header_block_ends_the_connection(c: Conversation) -> None:
    """Section 6.10"""
    c.begin()
    block = c.block(c.request())
    c.say(frame(HEADERS, END_STREAM, 1, block[:5]), frame(PRIORITY, 0, 1, number(0) + b"\0"))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def a_header_block_goes_on_on_its_own_stream(c: Conversation) -> None:
    """Section 6.10"""
    c.begin()
    block = c.block(c.request())
    c.say(frame(HEADERS, END_STREAM, 1, block[:5]), frame(CONTINUATION, END_HEADERS, 3, block[5:]))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def settings_on_a_stream_end_the_connection(c: Conversation) -> None:
    """Section 6.5"""
    c.begin()
    c.say(frame(SETTINGS, 0, 1))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def settings_of_a_wrong_size_end_the_connection(c: Conversation) -> None:
    """Section 6.5"""
    c.begin()
    c.say(frame(SETTINGS, payload=bytes(5)))
    c.expect_connection_error(FRAME_SIZE_ERROR)


@group.rule
def an_acknowledgement_with_settings_ends_the_connection(c: Conversation) -> None:
    """Section 6.5"""
    c.begin()
    c.say(frame(SETTINGS, ACK, payload=setting(4, 1)))
    c.expect_connection_error(FRAME_SIZE_ERROR)
