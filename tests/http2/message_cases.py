"""Requests and answers: what RFC 9113 section 8 says of them.

Runs in: cli
"""

from __future__ import annotations

from tests.http2.case import Group
from tests.http2.wire import (
    DATA,
    END_HEADERS,
    END_STREAM,
    HEADERS,
    PROTOCOL_ERROR,
    Conversation,
    Fields,
    frame,
)

group = Group("messages")


def ask(c: Conversation, *fields: tuple[str, str]) -> None:
    """A request of these fields and no other, on stream 1."""
    c.begin()
    c.say(frame(HEADERS, END_STREAM | END_HEADERS, 1, c.block(fields)))


def malformed(c: Conversation, *fields: tuple[str, str]) -> None:
    """The same; it is malformed, and hurts no other."""
    ask(c, *fields)
    c.expect_malformed(1)
    if not c.closed:
        c.expect_service(3)


def request_without(c: Conversation, name: str) -> Fields:
    return [field for field in c.request() if field[0] != name]


@group.rule
def a_name_in_upper_case_is_malformed(c: Conversation) -> None:
    """Section 8.2.1"""
    malformed(c, *c.request(), ("X-Upper", "1"))


@group.rule
def a_name_with_a_space_is_malformed(c: Conversation) -> None:
    """Section 8.2.1"""
    malformed(c, *c.request(), ("x y", "1"))


@group.rule
def a_value_with_a_line_feed_is_malformed(c: Conversation) -> None:
    """Section 8.2.1"""
    malformed(c, *c.request(), ("x", "1\nhost: evil"))


@group.rule
def a_value_with_a_carriage_return_is_malformed(c: Conversation) -> None:
    """Section 8.2.1"""
    malformed(c, *c.request(), ("x", "1\r"))


@group.rule
def a_value_with_nul_is_malformed(c: Conversation) -> None:
    """Section 8.2.1"""
    malformed(c, *c.request(), ("x", "a\0b"))


@group.rule
def a_value_that_begins_with_a_space_is_malformed(c: Conversation) -> None:
    """Section 8.2.1"""
    malformed(c, *c.request(), ("x", " a"))


@group.rule
def a_name_with_a_colon_is_malformed(c: Conversation) -> None:
    """Section 8.2.1"""
    malformed(c, *c.request(), ("x:y", "1"))


@group.rule
def an_unknown_pseudo_header_field_is_malformed(c: Conversation) -> None:
    """Section 8.3"""
    malformed(c, *c.request(), (":nonsense", "1"))


@group.rule
def a_pseudo_header_field_of_answers_is_malformed(c: Conversation) -> None:
    """Section 8.3.1"""
    malformed(c, *c.request(), (":status", "200"))


@group.rule
def a_pseudo_header_field_behind_others_is_malformed(c: Conversation) -> None:
    """Section 8.3"""
    malformed(c, *request_without(c, ":path"), ("x", "1"), (":path", "/"))


@group.rule
def a_pseudo_header_field_that_comes_twice_is_malformed(c: Conversation) -> None:
    """Section 8.3"""
    malformed(c, (":path", "/a"), *c.request())


@group.rule
def a_request_without_method_is_malformed(c: Conversation) -> None:
    """Section 8.3.1"""
    malformed(c, *request_without(c, ":method"))


@group.rule
def a_request_without_scheme_is_malformed(c: Conversation) -> None:
    """Section 8.3.1"""
    malformed(c, *request_without(c, ":scheme"))


@group.rule
def a_request_without_path_is_malformed(c: Conversation) -> None:
    """Section 8.3.1"""
    malformed(c, *request_without(c, ":path"))


@group.rule
def an_empty_path_is_malformed(c: Conversation) -> None:
    """Section 8.3.1"""
    malformed(c, *request_without(c, ":path"), (":path", ""))


@group.rule
def a_path_that_does_not_begin_with_a_slash_is_malformed(c: Conversation) -> None:
    """Section 8.3.1"""
    malformed(c, *request_without(c, ":path"), (":path", "http://evil.example/"))


@group.rule
def a_connection_field_is_malformed(c: Conversation) -> None:
    """Section 8.2.2"""
    malformed(c, *c.request(), ("connection", "keep-alive"))


@group.rule
def a_transfer_coding_is_malformed(c: Conversation) -> None:
    """Section 8.2.2"""
    malformed(c, *c.request(), ("transfer-encoding", "chunked"))


@group.rule
def te_that_is_more_than_trailers_is_malformed(c: Conversation) -> None:
    """Section 8.2.2"""
    malformed(c, *c.request(), ("te", "trailers, deflate"))


@group.rule
def te_trailers_is_taken(c: Conversation) -> None:
    """Section 8.2.2"""
    ask(c, *c.request(), ("te", "trailers"))
    c.expect_answer(1)


@group.rule
def host_stands_in_for_authority(c: Conversation) -> None:
    """Section 8.3.1"""
    ask(c, *request_without(c, ":authority"), ("host", c.authority))
    c.expect_answer(1)


@group.own
def a_request_without_authority_and_host_is_refused(c: Conversation) -> None:
    """As HTTP/1.1 without Host is: RFC 9112 section 3.2"""
    malformed(c, *request_without(c, ":authority"))


@group.own
def host_that_is_another_than_authority_is_malformed(c: Conversation) -> None:
    """Section 8.3.1 has that as "should" """
    malformed(c, *c.request(), ("host", "elsewhere.example"))


@group.own
def host_that_is_authority_once_more_is_taken(c: Conversation) -> None:
    """Section 8.3.1"""
    ask(c, *c.request(), ("host", c.authority.upper()))
    c.expect_answer(1)


@group.own
def an_authority_with_a_user_is_refused(c: Conversation) -> None:
    """Section 8.3.1"""
    ask(c, *request_without(c, ":authority"), (":authority", "me@example.org"))
    c.expect_answer(1, 400)


@group.rule
def a_length_that_the_data_exceeds_is_malformed(c: Conversation) -> None:
    """Section 8.1.1"""
    c.begin()
    c.say(c.ask(1, "POST", "/", ("content-length", "1"), flags=END_HEADERS),
          frame(DATA, END_STREAM, 1, b"abc"))  # fmt: skip
    c.expect_malformed(1)


@group.rule
def a_length_that_the_data_does_not_reach_is_malformed(c: Conversation) -> None:
    """Section 8.1.1"""
    c.begin()
    c.say(c.ask(1, "POST", "/", ("content-length", "5"), flags=END_HEADERS),
          frame(DATA, 0, 1, b"abc"), frame(DATA, END_STREAM, 1, b"d"))  # fmt: skip
    c.expect_malformed(1)


@group.rule
def a_length_without_data_is_malformed(c: Conversation) -> None:
    """Section 8.1.1"""
    malformed(c, *c.request("POST"), ("content-length", "5"))


@group.rule
def a_body_without_length_is_taken(c: Conversation) -> None:
    """Section 8.1"""
    c.begin()
    c.say(c.ask(1, "POST", "/echo", flags=END_HEADERS), frame(DATA, 0, 1, b"abc"),
          frame(DATA, END_STREAM, 1))  # fmt: skip
    c.expect_answer(1)


@group.rule
def trailers_end_a_request(c: Conversation) -> None:
    """Section 8.1"""
    c.begin()
    c.say(c.ask(1, "POST", "/echo", flags=END_HEADERS), frame(DATA, 0, 1, b"abc"),
          frame(HEADERS, END_STREAM | END_HEADERS, 1, c.block([("x-sum", "1")])))  # fmt: skip
    c.expect_answer(1)


@group.rule
def trailers_that_do_not_end_the_stream_are_malformed(c: Conversation) -> None:
    """Section 8.1"""
    c.begin()
    c.say(c.ask(1, "POST", "/echo", flags=END_HEADERS), frame(DATA, 0, 1, b"abc"),
          frame(HEADERS, END_HEADERS, 1, c.block([("x-sum", "1")])))  # fmt: skip
    c.expect_malformed(1)


@group.rule
def a_pseudo_header_field_in_trailers_is_malformed(c: Conversation) -> None:
    """Section 8.1"""
    c.begin()
    c.say(c.ask(1, "POST", "/echo", flags=END_HEADERS), frame(DATA, 0, 1, b"abc"),
          frame(HEADERS, END_STREAM | END_HEADERS, 1, c.block([(":method", "GET")])))  # fmt: skip
    c.expect_malformed(1)


@group.rule
def head_is_answered_without_data(c: Conversation) -> None:
    """RFC 9110 section 9.3.2"""
    c.begin()
    c.say(c.ask(1, "HEAD"))
    c.expect_answer(1)
    assert not c.bodies.get(1), c.told()


@group.rule
def answers_have_no_connection_fields(c: Conversation) -> None:
    """Section 8.2.2"""
    c.begin()
    c.expect_service(1)
    head = c.heads[1][0]
    assert not head.keys() & {"connection", "keep-alive", "transfer-encoding", "upgrade"}, head


@group.rule
def names_of_answers_are_in_lower_case(c: Conversation) -> None:
    """Section 8.2"""
    c.begin()
    c.expect_service(1)
    assert all(name == name.lower() for name in c.heads[1][0]), c.told()


@group.own
def connect_is_refused(c: Conversation) -> None:
    """Section 8.5: it is for proxies"""
    ask(c, (":method", "CONNECT"), (":authority", "example.org:443"))
    c.expect_answer(1, 501)


@group.rule
def connect_with_a_path_is_malformed(c: Conversation) -> None:
    """Section 8.5"""
    malformed(c, *c.request("CONNECT"))


@group.rule
def a_protocol_that_was_not_offered_is_an_error(c: Conversation) -> None:
    """RFC 8441 section 4; the session of the corpus has not announced it"""
    c.begin()
    if any(f.payload[i : i + 2] == b"\0\x08" for f in c.frames if f.kind == 4
           for i in range(0, len(f.payload), 6)):  # fmt: skip
        return  # it was offered
    c.say(frame(HEADERS, END_HEADERS, 1, c.block([*c.request("CONNECT"), (":protocol", "x")])))
    c.expect_stream_error(1, PROTOCOL_ERROR)


@group.rule
def several_requests_at_a_time_are_answered(c: Conversation) -> None:
    """Section 5"""
    c.begin()
    c.say(*[c.ask(stream) for stream in range(1, 41, 2)])
    for stream in range(1, 41, 2):
        c.expect_answer(stream)


@group.own
def an_answer_to_100_continue_comes_first(c: Conversation) -> None:
    """RFC 9110 section 10.1.1"""
    c.begin()
    c.say(c.ask(1, "POST", "/echo", ("expect", "100-continue"), ("content-length", "3"),
                flags=END_HEADERS))  # fmt: skip
    c.expect(lambda: [head[":status"] for head in c.heads.get(1, [])] == ["100"])
    c.say(frame(DATA, END_STREAM, 1, b"abc"))
    c.expect_answer(1)
