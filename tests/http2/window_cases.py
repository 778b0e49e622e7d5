"""Windows and settings: RFC 9113 sections 5.2, 6.5 and 6.9.

Runs in: cli
"""

from __future__ import annotations

from tests.http2.case import Group
from tests.http2.wire import (
    DATA,
    ENABLE_PUSH,
    END_HEADERS,
    END_STREAM,
    FLOW_CONTROL_ERROR,
    INITIAL_WINDOW_SIZE,
    MAX_CONCURRENT_STREAMS,
    MAX_FRAME_SIZE,
    PROTOCOL_ERROR,
    REFUSED_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Conversation,
    frame,
    number,
    setting,
)

group = Group("windows and settings")


def said(c: Conversation, which: int, otherwise: int) -> int:
    """What the server's SETTINGS say of one setting."""
    payload = b"".join(f.payload for f in c.of(SETTINGS) if f.payload)
    entries = {
        int.from_bytes(payload[i : i + 2]): int.from_bytes(payload[i + 2 : i + 6])
        for i in range(0, len(payload), 6)
    }
    return entries.get(which, otherwise)


@group.rule
def an_answer_keeps_to_the_window_of_its_stream(c: Conversation) -> None:
    """Section 6.9"""
    c.begin(setting(INITIAL_WINDOW_SIZE, 10))
    c.say(c.ask(1, "GET", "/large/100"))
    c.expect(lambda: len(c.bodies.get(1, b"")) == 10)
    c.say(frame(WINDOW_UPDATE, 0, 1, number(90)))
    c.expect(lambda: len(c.bodies.get(1, b"")) == 100)
    c.expect_answer(1)


@group.rule
def an_answer_keeps_to_the_window_of_the_connection(c: Conversation) -> None:
    """Section 6.9"""
    c.begin(setting(INITIAL_WINDOW_SIZE, 1 << 20))
    c.say(c.ask(1, "GET", "/large/100000"))
    c.expect(lambda: len(c.bodies.get(1, b"")) == 65535)
    c.say(frame(WINDOW_UPDATE, 0, 0, number(1 << 20)))
    c.expect_answer(1)
    assert len(c.bodies[1]) == 100000


@group.rule
def a_stream_that_waits_for_its_window_holds_up_no_other(c: Conversation) -> None:
    """Section 5.2.1"""
    c.begin(setting(INITIAL_WINDOW_SIZE, 0))
    c.say(c.ask(1, "GET", "/large/100"))
    c.say(c.ask(3, "GET", "/large/10"), frame(WINDOW_UPDATE, 0, 3, number(10)))
    c.expect_answer(3)
    assert not c.bodies.get(1)


@group.rule
def a_change_of_the_initial_window_changes_streams(c: Conversation) -> None:
    """Section 6.9.2"""
    c.begin(setting(INITIAL_WINDOW_SIZE, 10))
    c.say(c.ask(1, "GET", "/large/100"))
    c.say(frame(SETTINGS, payload=setting(INITIAL_WINDOW_SIZE, 50)))
    c.expect(lambda: len(c.bodies.get(1, b"")) == 50)


@group.rule
def a_window_may_become_negative(c: Conversation) -> None:
    """Section 6.9.2"""
    c.begin(setting(INITIAL_WINDOW_SIZE, 50))
    c.say(c.ask(1, "GET", "/large/100"))
    c.say(frame(SETTINGS, payload=setting(INITIAL_WINDOW_SIZE, 20)),
          frame(WINDOW_UPDATE, 0, 1, number(20)))  # fmt: skip
    c.expect(lambda: len(c.bodies.get(1, b"")) == 50)
    c.say(frame(WINDOW_UPDATE, 0, 1, number(20)))
    c.expect(lambda: len(c.bodies.get(1, b"")) == 60)


@group.rule
def an_initial_window_that_is_too_large_ends_the_connection(c: Conversation) -> None:
    """Section 6.5.2"""
    c.begin(setting(INITIAL_WINDOW_SIZE, 1 << 31))
    c.expect_connection_error(FLOW_CONTROL_ERROR)


@group.rule
def enable_push_is_0_or_1(c: Conversation) -> None:
    """Section 6.5.2"""
    c.begin(setting(ENABLE_PUSH, 2))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def a_frame_size_that_is_too_small_ends_the_connection(c: Conversation) -> None:
    """Section 6.5.2"""
    c.begin(setting(MAX_FRAME_SIZE, 16383))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def a_frame_size_that_is_too_large_ends_the_connection(c: Conversation) -> None:
    """Section 6.5.2"""
    c.begin(setting(MAX_FRAME_SIZE, 1 << 24))
    c.expect_connection_error(PROTOCOL_ERROR)


@group.rule
def unknown_settings_are_ignored(c: Conversation) -> None:
    """Section 6.5.2"""
    c.begin(setting(0xFAFA, 5))
    c.expect_service(1)


@group.rule
def the_last_of_equal_settings_counts(c: Conversation) -> None:
    """Section 6.5.3: they are processed in their order"""
    c.begin(setting(INITIAL_WINDOW_SIZE, 100), setting(INITIAL_WINDOW_SIZE, 1))
    c.say(c.ask(1, "GET", "/large/100"))
    c.expect(lambda: len(c.bodies.get(1, b"")) == 1)


@group.rule
def more_streams_than_allowed_are_refused(c: Conversation) -> None:
    """Section 5.1.2"""
    c.begin()
    most = said(c, MAX_CONCURRENT_STREAMS, 0)
    if not most or most > 1000:
        return
    asked = [c.ask(1 + 2 * i, "POST", flags=END_HEADERS) for i in range(most + 1)]
    c.say(*asked)
    c.expect_stream_error(1 + 2 * most, REFUSED_STREAM, PROTOCOL_ERROR)


@group.rule
def a_body_larger_than_the_window_comes_through(c: Conversation) -> None:
    """Section 5.2"""
    c.begin()
    c.say(c.ask(1, "POST", "/echo", flags=END_HEADERS))
    left, room, seen = 300_000, 65535, 0
    stream_room = min(said(c, INITIAL_WINDOW_SIZE, 65535), 1 << 30)
    while left:
        for update in c.frames[seen:]:
            if update.kind == WINDOW_UPDATE:
                more = int.from_bytes(update.payload)
                room += more if update.stream == 0 else 0
                stream_room += more if update.stream == 1 else 0
        seen = len(c.frames)
        n = min(16384, left, room, stream_room)
        if n == 0:
            c.wait_for_frame()
            continue
        left, room, stream_room = left - n, room - n, stream_room - n
        c.say(frame(DATA, 0 if left else END_STREAM, 1, bytes(n)))
    c.expect(lambda: c.status(1) in c.accepted)


@group.own
def what_is_said_in_settings(c: Conversation) -> None:
    """Section 6.5.2, RFC 9218 section 2.1"""
    c.begin()
    assert said(c, MAX_CONCURRENT_STREAMS, 0) == 100
    assert said(c, INITIAL_WINDOW_SIZE, 0) == 256 << 10
    assert said(c, 6, 0) == 64 << 10
    assert said(c, 9, 0) == 1
