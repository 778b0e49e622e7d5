"""Header compression: RFC 7541.

Runs in: cli
"""

from __future__ import annotations

from tests.http2.case import Group
from tests.http2.wire import (
    COMPRESSION_ERROR,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    RST_STREAM,
    Conversation,
    frame,
    number,
)

group = Group("header compression")

ALL = END_STREAM | END_HEADERS
# GET, http, "/" by their numbers in the static table, :authority a.b as a literal.
PLAIN = b"\x82\x86\x84\x01\x03a.b"


def block(c: Conversation, data: bytes, stream: int = 1) -> None:
    if not c.frames:
        c.begin()
    c.say(frame(HEADERS, ALL, stream, data))


def broken(c: Conversation, data: bytes) -> None:
    block(c, data)
    c.expect_connection_error(COMPRESSION_ERROR)


@group.rule
def a_block_of_the_static_table_is_read(c: Conversation) -> None:
    """RFC 7541 section 6.1"""
    block(c, PLAIN)
    c.expect_answer(1)


@group.rule
def index_0_is_an_error(c: Conversation) -> None:
    """RFC 7541 section 6.1"""
    broken(c, PLAIN + b"\x80")


@group.rule
def an_index_beyond_the_tables_is_an_error(c: Conversation) -> None:
    """RFC 7541 section 2.3.3"""
    broken(c, PLAIN + b"\xff\xff\x00")


@group.rule
def a_number_that_is_too_large_is_an_error(c: Conversation) -> None:
    """RFC 7541 section 5.1"""
    broken(c, PLAIN + b"\xff" + b"\xff" * 9 + b"\x01")


@group.rule
def a_string_that_does_not_end_is_an_error(c: Conversation) -> None:
    """RFC 7541 section 5.2"""
    broken(c, PLAIN + b"\x00\x7f\x05abc")


@group.rule
def padding_longer_than_7_bits_is_an_error(c: Conversation) -> None:
    """RFC 7541 section 5.2: a huffman-coded "0" with a whole byte of ones behind it"""
    broken(c, PLAIN + b"\x00\x01x\x82\x07\xff")


@group.rule
def padding_that_is_not_ones_is_an_error(c: Conversation) -> None:
    """RFC 7541 section 5.2"""
    broken(c, PLAIN + b"\x00\x01x\x81\x00")


@group.rule
def eos_in_a_string_is_an_error(c: Conversation) -> None:
    """RFC 7541 section 5.2"""
    broken(c, PLAIN + b"\x00\x01x\x84\xff\xff\xff\xff")


@group.rule
def a_table_larger_than_allowed_is_an_error(c: Conversation) -> None:
    """RFC 7541 section 6.3: an update to more than SETTINGS_HEADER_TABLE_SIZE"""
    broken(c, b"\x3f\xff\xff\x03" + PLAIN)


@group.rule
def a_table_update_behind_a_field_is_an_error(c: Conversation) -> None:
    """RFC 7541 section 4.2"""
    broken(c, PLAIN + b"\x20")


@group.rule
def a_table_may_be_emptied(c: Conversation) -> None:
    """RFC 7541 section 4.2"""
    block(c, b"\x20" + PLAIN)
    c.expect_answer(1)


@group.rule
def what_was_stored_is_known_later(c: Conversation) -> None:
    """RFC 7541 section 6.2.1"""
    block(c, PLAIN + b"\x40\x01x\x01y")
    c.expect_answer(1)
    block(c, PLAIN + b"\xbe", 3)
    c.expect_answer(3)


@group.rule
def what_was_evicted_is_not_known(c: Conversation) -> None:
    """RFC 7541 section 4.3"""
    block(c, PLAIN + b"\x40\x01x\x01y")
    c.expect_answer(1)
    block(c, b"\x20\x3f\xe1\x1f" + PLAIN + b"\xbe", 3)
    c.expect_connection_error(COMPRESSION_ERROR)


@group.rule
def a_table_stays_in_step_over_a_stream_that_is_reset(c: Conversation) -> None:
    """Section 4.3: a block is decoded whatever becomes of its stream"""
    c.begin()
    c.say(frame(HEADERS, END_HEADERS, 1, PLAIN + b"\x40\x01x\x01y"),
          frame(RST_STREAM, 0, 1, number(8)),
          frame(HEADERS, ALL, 3, PLAIN + b"\xbe"))  # fmt: skip
    c.expect_answer(3)


@group.rule
def a_table_stays_in_step_over_a_malformed_request(c: Conversation) -> None:
    """Section 4.3"""
    block(c, PLAIN + b"\x00\x01A\x01b" + b"\x40\x01x\x01y")
    c.expect_malformed(1)
    if not c.closed:
        block(c, PLAIN + b"\xbe", 3)
        c.expect_answer(3)


@group.rule
def a_literal_that_is_never_indexed_is_read(c: Conversation) -> None:
    """RFC 7541 section 6.2.3"""
    block(c, PLAIN + b"\x10\x01x\x06secret")
    c.expect_answer(1)


@group.rule
def an_empty_block_is_no_request(c: Conversation) -> None:
    """Section 8.3.1"""
    block(c, b"")
    c.expect_malformed(1)
