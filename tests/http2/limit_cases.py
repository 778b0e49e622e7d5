"""What may come how often and how large, in sizes that hurt nobody: RFC 9113 section 10.5.

Runs in: cli
"""

from __future__ import annotations

from tests.http2.case import Group
from tests.http2.wire import (
    CONTINUATION,
    DATA,
    END_HEADERS,
    END_STREAM,
    ENHANCE_YOUR_CALM,
    GOAWAY,
    HEADERS,
    PADDED,
    PING,
    PRIORITY,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Conversation,
    frame,
    number,
)

group = Group("limits")


def too_much(c: Conversation, *parts: bytes) -> None:
    c.say(*parts)
    c.expect_connection_error(ENHANCE_YOUR_CALM)


@group.own
def streams_reset_by_the_client_are_counted(c: Conversation) -> None:
    """CVE-2023-44487: 200 at once, then 20 a second"""
    c.begin()
    for stream in range(1, 400, 2):
        c.say(c.ask(stream, "POST", flags=END_HEADERS), frame(RST_STREAM, 0, stream, number(8)))
    assert not c.of(GOAWAY), c.told()[:500]
    for stream in range(401, 600, 2):
        c.say(c.ask(stream, "POST", flags=END_HEADERS), frame(RST_STREAM, 0, stream, number(8)))
        if c.of(GOAWAY):
            break
    c.expect_connection_error(ENHANCE_YOUR_CALM)


@group.own
def streams_that_the_client_has_us_reset_are_counted(c: Conversation) -> None:
    """CVE-2025-8671"""
    c.begin()
    for stream in range(1, 800, 2):
        c.say(c.ask(stream, "POST", flags=END_HEADERS),
              frame(WINDOW_UPDATE, 0, stream, number(0x7FFFFFFF)))  # fmt: skip
        if c.of(GOAWAY) or c.closed:
            break
    assert len(c.of(RST_STREAM)) >= 190, c.told()[:500]
    c.expect_connection_error(ENHANCE_YOUR_CALM)


@group.own
def a_block_of_many_pieces_is_cut_off(c: Conversation) -> None:
    """CVE-2024-27316: 8 CONTINUATION frames"""
    c.begin()
    block = c.block(c.request())
    c.say(frame(HEADERS, END_STREAM, 1, block), *[frame(CONTINUATION, 0, 1)] * 7,
          frame(CONTINUATION, END_HEADERS, 1))  # fmt: skip
    c.expect_answer(1)
    too_much(c, frame(HEADERS, END_STREAM, 3, c.block(c.request())),
             *[frame(CONTINUATION, 0, 3)] * 8, frame(CONTINUATION, END_HEADERS, 3))  # fmt: skip


@group.own
def a_long_block_is_cut_off(c: Conversation) -> None:
    """64 KiB of it as it is sent"""
    c.begin()
    parts = [frame(HEADERS, END_STREAM, 1, c.block(c.request()))]
    # Each is a field of 16,000 bytes, of which the limit of the list keeps nothing.
    field = b"\x00\x01x" + b"\x7f\x81\x7c" + b"y" * 16000
    parts += [frame(CONTINUATION, 0, 1, field) for _ in range(5)]
    too_much(c, *parts)


@group.own
def empty_data_is_counted(c: Conversation) -> None:
    """CVE-2019-9518: 1000 frames that carry nothing, 100 for each stream"""
    c.begin()
    c.say(c.ask(1, "POST", flags=END_HEADERS))
    c.say(*[frame(DATA, 0, 1)] * 900)
    assert not c.of(GOAWAY), c.told()[:500]
    too_much(c, *[frame(DATA, 0, 1)] * 200)


@group.own
def data_that_is_padding_alone_is_counted(c: Conversation) -> None:
    """CVE-2019-9518"""
    c.begin()
    c.say(c.ask(1, "POST", flags=END_HEADERS))
    too_much(c, *[frame(DATA, PADDED, 1, b"\x02\0\0")] * 1200)


@group.own
def pings_are_counted(c: Conversation) -> None:
    """CVE-2019-9512"""
    c.begin()
    too_much(c, *[frame(PING, payload=bytes(8))] * 1100)


@group.own
def settings_are_counted(c: Conversation) -> None:
    """CVE-2019-9515"""
    c.begin()
    too_much(c, *[frame(SETTINGS)] * 1100)


@group.own
def priorities_are_counted(c: Conversation) -> None:
    """CVE-2019-9513"""
    c.begin()
    too_much(c, *[frame(PRIORITY, 0, 1, number(0) + b"\x0f")] * 1100)


@group.own
def frames_of_extensions_are_counted(c: Conversation) -> None:
    """Section 10.5"""
    c.begin()
    too_much(c, *[frame(0xBB, 0, 0, b"x")] * 1100)


@group.own
def window_updates_are_counted(c: Conversation) -> None:
    """Section 10.5"""
    c.begin()
    too_much(c, *[frame(WINDOW_UPDATE, 0, 0, number(1))] * 1100)


@group.own
def streams_pay_for_frames_that_carry_nothing(c: Conversation) -> None:
    """Each stream that is opened allows 100 more"""
    c.begin()
    for stream in range(1, 60, 2):
        c.say(c.ask(stream), *[frame(PING, payload=bytes(8))] * 98)
        c.expect_answer(stream)


@group.own
def a_field_section_that_is_too_large_is_answered(c: Conversation) -> None:
    """CVE-2016-6581: an entry of 4,000 bytes in the table, used 20 times; the table goes on"""
    c.begin()
    entry = b"\x40\x01x" + b"\x7f\xa1\x1e" + b"y" * 4000
    plain = b"\x82\x86\x84\x01\x03a.b"
    c.say(frame(HEADERS, END_STREAM | END_HEADERS, 1, plain + entry + b"\xbe" * 20))
    c.expect_answer(1, 431)
    c.say(frame(HEADERS, END_STREAM | END_HEADERS, 3, plain + b"\xbe"))
    c.expect_answer(3)


@group.own
def too_many_fields_are_answered(c: Conversation) -> None:
    """limit_request_fields"""
    c.begin()
    c.say(c.ask(1, "GET", "/", *[(f"x{i}", "1") for i in range(101)]))
    c.expect_answer(1, 431)


@group.own
def a_target_that_is_too_long_is_answered(c: Conversation) -> None:
    """limit_request_line"""
    c.begin()
    c.say(c.ask(1, "GET", "/" + "x" * 9000))
    c.expect_answer(1, 414)


@group.own
def an_announced_body_that_is_too_large_is_answered(c: Conversation) -> None:
    """limit_request_body; the rest is not wanted (section 8.1)"""
    c.begin()
    c.say(c.ask(1, "POST", "/", ("content-length", str(1 << 40)), flags=END_HEADERS))
    c.expect_answer(1, 413)
    c.expect(lambda: [f.code for f in c.of(RST_STREAM, 1)] == [0])
