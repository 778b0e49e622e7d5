"""The states of streams, and their numbers.

Runs in: cli
"""

from __future__ import annotations

from tests.http2.case import Group
from tests.http2.wire import (
    DATA,
    END_STREAM,
    PROTOCOL_ERROR,
    STREAM_CLOSED,
    WINDOW_UPDATE,
    Conversation,
    frame,
    number,
)

group = Group("streams")


@group.rule
def data_on_an_idle_stream_ends_the_connection(c: Conversation) -> None:
    """Section 5.1"""
    c.begin()
    c.say(frame(DATA, END_STREAM, 1, b"x"))
    c.expect_connection_error(PROTOCOL_ERROR, STREAM_CLOSED)


@group.rule
def window_update_on_an_idle_stream_ends_the_connection(c: Conversation) -> None:
    """Section 5.1"""
    c.begin()
    c.say(frame(WINDOW_UPDATE, 0, 1, number(5)))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def data_behind_the_end_of_a_request_is_an_error(c: Conversation) -> None:
    """Section 5.1, half-closed (remote)"""
    c.begin()
    c.say(c.ask(1, "GET", "/large/1000000"), frame(DATA, END_STREAM, 1, b"x"))
    c.expect_stream_error(1, STREAM_CLOSED)


@group.rule
def headers_behind_the_end_of_a_request_are_an_error(c: Conversation) -> None:
    """Section 5.1, half-closed (remote)"""
    c.begin()
    c.say(c.ask(1, "GET", "/large/1000000"), c.ask(1))
    c.expect_stream_error(1, STREAM_CLOSED, PROTOCOL_ERROR)


@group.rule
def an_even_stream_number_ends_the_connection(c: Conversation) -> None:
    """Section 5.1.1"""
    c.begin()
    c.say(c.ask(2))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def a_stream_number_that_goes_back_ends_the_connection(c: Conversation) -> None:
    """Section 5.1.1"""
    c.begin()
    c.say(c.ask(5))
    c.expect_answer(5)
    c.say(c.ask(3))
    c.expect_connection_error(PROTOCOL_ERROR, STREAM_CLOSED)


@group.rule
def stream_numbers_may_be_left_out(c: Conversation) -> None:
    """Section 5.1.1"""
    c.begin()
    c.say(c.ask(7), c.ask(101))
    c.expect_answer(7)
    c.expect_answer(101)
