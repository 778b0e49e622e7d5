"""HTTP/2 without a socket, with a client of another library: python h2."""

from __future__ import annotations

import gc
import sys

import pytest

pytest.importorskip("fastfork._core.http.http2")

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings

from fastfork._core.http.http2receiver import VERSION, Http2Limits
from tests.http2.memory import MemoryTransport
from tests.http2.pair import PLAIN, Pair
from tests.http2.wire import Conversation


def test_request_comes_as_its_fields_and_is_answered() -> None:
    pair = Pair()
    pair.ask(1, "GET", "/a?b=1", ("cookie", "a=1"), ("cookie", "b=2"))
    [(kind, stream, method, target, fields), end] = pair.turn()
    assert (kind, method, target, end[0]) == ("request", b"GET", b"/a?b=1", "end")
    assert fields == [(b"host", b"example.org"), (b"cookie", b"a=1"), (b"cookie", b"b=2")]
    pair.session.answer(stream, "200 OK", PLAIN, b"hello")
    pair.turn()
    [head] = pair.of(h2.events.ResponseReceived)
    assert dict(head.headers)[":status"] == "200"
    assert [event.data for event in pair.of(h2.events.DataReceived)] == [b"hello"]
    assert pair.of(h2.events.StreamEnded)


def test_nothing_that_comes_in_the_middle_of_a_frame_head_changes_nothing() -> None:
    pair = Pair()
    pair.ask(1)
    asked = pair.client.data_to_send()
    pair.session.receive(asked[:4], pair.now)
    assert pair.session.receive(b"", pair.now) == []
    events = pair.session.receive(asked[4:], pair.now)
    assert [event[0] for event in events] == ["request", "end"]


def test_the_library_says_its_version() -> None:
    assert tuple(map(int, VERSION.split("."))) >= (1, 52, 0)


def test_upload_larger_than_the_window_waits_for_whoever_takes_it() -> None:
    pair = Pair(Http2Limits(window=65535, connection_window=65535))
    pair.ask(1, "POST", ends=False)
    pair.turn()
    [stream] = pair.session.streams.values()
    sent = taken = 0
    while sent < 1_000_000:
        room = min(pair.client.local_flow_control_window(1), 16384, 1_000_000 - sent)
        if room == 0:
            assert taken < sent
            pair.session.consumed(stream, sent - taken)
            taken = sent
            pair.turn()
            assert pair.client.local_flow_control_window(1) > 0
            continue
        pair.client.send_data(1, bytes(room))
        sent += room
        pair.turn()
    assert len(pair.of(h2.events.WindowUpdated)) > 10


def test_more_data_than_the_window_allows_is_an_error() -> None:
    pair = Pair(Http2Limits(window=65535))
    pair.ask(1, "POST", ends=False)
    pair.turn()
    frame = b"\0\x40\0\0\0" + (1).to_bytes(4) + bytes(16384)
    pair.session.receive(frame * 4, 1.0)
    pair.heard += pair.client.receive_data(pair.session.send())
    [reset] = pair.of(h2.events.StreamReset)
    assert reset.error_code == h2.errors.ErrorCodes.FLOW_CONTROL_ERROR


def test_a_stalled_stream_holds_up_no_other() -> None:
    pair = Pair(Http2Limits(window=65535, connection_window=65535))
    pair.ask(1, "POST", ends=False)
    pair.turn()
    for _ in range(4):  # nobody takes it
        pair.client.send_data(1, bytes(min(16384, pair.client.local_flow_control_window(1))))
    pair.settle()
    assert pair.client.local_flow_control_window(1) == 0
    pair.ask(3, "POST", ends=False)
    pair.client.send_data(3, bytes(16384), end_stream=True)
    assert any(event[0] == "end" for event in pair.turn())


def test_hints_come_before_the_answer() -> None:
    pair = Pair()
    pair.ask(1)
    [(_, stream, *_), _] = pair.turn()
    pair.session.hint(stream, "103 Early Hints", [("Link", "</a.css>; rel=preload")])
    pair.turn()
    [hint] = pair.of(h2.events.InformationalResponseReceived)
    assert dict(hint.headers) == {":status": "103", "link": "</a.css>; rel=preload"}
    pair.session.answer(stream, "204 No Content", [], b"")
    pair.session.hint(stream, "103 Early Hints", [])  # too late
    pair.turn()
    assert len(pair.of(h2.events.ResponseReceived)) == 1
    assert len(pair.of(h2.events.InformationalResponseReceived)) == 1


def test_body_that_comes_in_parts_is_sent_as_it_comes() -> None:
    pair = Pair()
    pair.ask(1)
    [(_, stream, *_), _] = pair.turn()
    pair.session.answer(stream, "200 OK", PLAIN)
    pair.turn()
    assert not pair.of(h2.events.DataReceived)
    for part in (b"one", b"two"):
        pair.session.add(stream, part)
        pair.turn()
    assert [event.data for event in pair.of(h2.events.DataReceived)] == [b"one", b"two"]
    assert not pair.of(h2.events.StreamEnded)
    pair.session.end(stream)
    pair.turn()
    assert pair.of(h2.events.StreamEnded)


def test_large_answers_of_clients_without_priorities_take_turns() -> None:
    pair = Pair()
    for stream in (1, 3):
        pair.ask(stream)
    for kind, stream, *_ in pair.turn():
        if kind == "request":
            pair.session.answer(stream, "200 OK", PLAIN, bytes(30000))
    pair.settle()
    assert len(pair.order()) > 2  # neither is sent whole before the other


def test_urgent_answers_come_first() -> None:
    pair = Pair()
    pair.ask(1, "GET", "/", ("priority", "u=6"))
    pair.ask(3, "GET", "/", ("priority", "u=0"))
    pair.ask(5, "GET", "/", ("priority", "u=3"))
    for kind, stream, *_ in pair.turn():
        if kind == "request":
            pair.session.answer(stream, "200 OK", PLAIN, bytes(20000))
    pair.turn()
    assert pair.order() == [3, 5, 1]


def test_incremental_answers_take_turns_and_others_do_not() -> None:
    for incremental, turns in ((", i", True), ("", False)):
        pair = Pair()
        for stream in (1, 3):
            pair.ask(stream, "GET", "/", ("priority", "u=3" + incremental))
        for kind, stream, *_ in pair.turn():
            if kind == "request":
                pair.session.answer(stream, "200 OK", PLAIN, bytes(30000))
        pair.settle()
        assert (len(pair.order()) > 2) == turns


def test_goaway_in_two_steps_serves_what_crosses_the_first() -> None:
    pair = Pair()
    pair.ask(1)
    pair.turn()
    pair.session.say_goodbye(False)
    pair.ask(3)  # it is on its way
    events = pair.turn()
    [goaway] = pair.of(h2.events.ConnectionTerminated)
    assert (goaway.last_stream_id, goaway.error_code) == (2**31 - 1, 0)
    assert [event[0] for event in events] == ["request", "end"]
    pair.session.say_goodbye(True)
    pair.turn()
    assert pair.of(h2.events.ConnectionTerminated)[-1].last_stream_id == 3
    assert pair.session.goaways == 2
    assert not pair.session.over
    for stream in list(pair.session.streams.values()):
        pair.session.answer(stream, "200 OK", PLAIN, b"x")
    pair.session.send()
    assert pair.session.over


def test_streams_behind_the_last_goaway_are_not_looked_at() -> None:
    transport = MemoryTransport()
    talk = Conversation(transport)
    talk.begin()
    talk.expect_service(1)
    transport.session.say_goodbye(True)
    talk.say()
    talk.say(talk.ask(3))
    assert talk.status(3) is None
    assert [asked for asked, *_ in transport.asked] == [1]


def test_reset_request_whose_application_runs_keeps_its_place() -> None:
    pair = Pair(Http2Limits(max_streams=2))
    streams = []
    for number in (1, 3):
        pair.ask(number)
        streams += [event[1] for event in pair.turn() if event[0] == "request"]
    for stream in streams:
        pair.session.called(stream, True)
        pair.client.reset_stream(stream.id)
    pair.turn()
    pair.ask(5)
    assert pair.turn() == []
    [refused] = pair.of(h2.events.StreamReset)
    assert refused.error_code == h2.errors.ErrorCodes.REFUSED_STREAM
    pair.session.called(streams[0], False)
    pair.ask(7)
    assert [event[0] for event in pair.turn()] == ["request", "end"]


def test_trailers_are_read_and_dropped() -> None:
    pair = Pair()
    pair.ask(1, "POST", ends=False)
    pair.client.send_data(1, b"abc")
    pair.client.send_headers(1, [("x-sum", "1")], end_stream=True)
    assert [event[0] for event in pair.turn()] == ["request", "data", "end"]


def test_trailers_that_are_too_large_are_an_error() -> None:
    pair = Pair(Http2Limits(header_list=500))
    pair.ask(1, "POST", ends=False)
    pair.turn()
    pair.client.send_headers(1, [("x-sum", "y" * 600)], end_stream=True)
    assert ("malformed",) in pair.turn()
    assert pair.of(h2.events.StreamReset)


def test_extended_connect_is_a_get_that_upgrades() -> None:
    pair = Pair(Http2Limits(websockets=True))
    assert pair.client.remote_settings.enable_connect_protocol == 1
    fields = [(":method", "CONNECT"), (":protocol", "websocket"), (":path", "/chat"),
              (":scheme", "http"), (":authority", "example.org")]  # fmt: skip
    pair.client.send_headers(1, fields)
    [(kind, _, method, target, fields)] = pair.turn()
    assert (kind, method, target) == ("request", b"GET", b"/chat")
    assert (b"upgrade", b"websocket") in fields


def test_incomplete_frame_has_a_beginning() -> None:
    pair = Pair()
    assert pair.session.incomplete_since == 0
    pair.ask(1)
    data = pair.client.data_to_send()
    pair.session.receive(data[:5], 7.0)
    pair.session.receive(data[5:-1], 8.0)
    assert pair.session.incomplete_since == 7_000_000_000
    pair.session.receive(data[-1:], 9.0)
    assert pair.session.incomplete_since == 0


def test_header_block_that_does_not_end_has_a_beginning() -> None:
    pair = Pair()
    pair.session.receive(b"\0\0\x01\x01\0\0\0\0\x01\x82", 7.0)
    pair.session.receive(b"\0\0\x01\x09\0\0\0\0\x01\x86", 8.0)
    assert pair.session.incomplete_since == 7_000_000_000


def test_rules_of_rate_forget_with_time() -> None:
    pair = Pair()
    for second in range(60):
        pair.now = 2.0 + second
        for i in range(15):
            stream = 1 + 2 * (15 * second + i)
            pair.ask(stream)
            pair.client.reset_stream(stream)
        pair.turn()
    assert pair.session.refusal is None
    assert pair.session.resets == 900


def test_end_of_the_connection_closes_each_stream_once() -> None:
    pair = Pair()
    for stream in (1, 3):
        pair.ask(stream)
    pair.turn()
    closed = pair.session.hang_up()
    assert sorted((kind, stream.id, code) for kind, stream, code in closed) == [
        ("closed", 1, 8), ("closed", 3, 8),
    ]  # fmt: skip
    assert pair.session.hang_up() == []


def test_nothing_keeps_what_has_ended() -> None:
    pair = Pair()
    pair.ask(1)
    [(_, stream, *_), _] = pair.turn()
    before = sys.getrefcount(stream)
    pair.session.answer(stream, "200 OK", PLAIN, b"x")
    pair.turn()
    pair.turn()
    assert stream.closed
    assert sys.getrefcount(stream) == before - 1  # that of the session
    del stream
    session = pair.session
    del pair
    gc.collect()
    alone = object()
    assert sys.getrefcount(session) == sys.getrefcount(alone)  # 2, or 1 since Python 3.14


def test_answers_to_streams_that_are_gone_go_nowhere() -> None:
    pair = Pair()
    pair.ask(1)
    [(_, stream, *_), _] = pair.turn()
    pair.client.reset_stream(1)
    pair.turn()
    assert stream.closed
    pair.session.answer(stream, "200 OK", PLAIN, b"x")
    pair.session.cancel(stream, 2)
    pair.session.consumed(stream, 5)
    assert pair.session.send() == b""


def test_a_window_of_a_client_that_does_not_read_holds_what_waits() -> None:
    pair = Pair()
    pair.ask(1)
    [(_, stream, *_), _] = pair.turn()
    pair.session.answer(stream, "200 OK", PLAIN, bytes(1_000_000))
    pair.turn()
    assert stream.size == 1_000_000 - 65535
    pair.client.increment_flow_control_window(1 << 20)
    pair.client.increment_flow_control_window(1 << 20, 1)
    pair.turn()
    assert stream.closed
    assert sum(len(event.data) for event in pair.of(h2.events.DataReceived)) == 1_000_000
