"""Whatever a client of another library that keeps the rules does, it is answered."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

pytest.importorskip("fastfork._core.http.http2")

import h2.events
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.http2.pair import PLAIN, Pair

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["get", "post", "data", "end", "reset", "ping", "turn", "window"]),
        st.integers(0, 7),
        st.integers(0, 40_000),
    ),
    max_size=60,
)


def play(pair: Pair, actions: Iterable[tuple[str, int, int]]) -> tuple[set[int], set[int]]:
    """What a well-behaved client may do.  Returns the streams asked, and those it has reset."""
    begun: dict[int, bool] = {}  # stream -> has its request ended
    reset: set[int] = set()
    number = 1
    for action, which, size in actions:
        going = [stream for stream, ended in begun.items() if not ended]
        if action == "get" or (action == "post" and len(going) < 50):
            pair.ask(number, action.upper(), "/echo", ends=action == "get")
            begun[number] = action == "get"
            number += 2
        elif action == "ping":
            pair.client.ping(size.to_bytes(8))
        elif action == "turn":
            answer_all(pair)
        elif action == "window":
            pair.client.increment_flow_control_window(1 + size)
        elif going:
            stream = going[which % len(going)]
            if action == "reset":
                pair.client.reset_stream(stream)
                begun[stream] = True
                reset.add(stream)
                continue
            room = min(pair.client.local_flow_control_window(stream), 16384, size)
            pair.client.send_data(stream, bytes(room), end_stream=action == "end")
            begun[stream] = action == "end"
    for stream, ended in begun.items():
        if not ended:
            pair.client.end_stream(stream)
    return set(begun), reset


def answer_all(pair: Pair) -> None:
    for kind, stream, *facts in pair.turn():
        if kind == "data":
            pair.session.consumed(stream, len(facts[0]))
        elif kind == "end":
            pair.session.answer(stream, "200 OK", PLAIN, b"done")
    pair.turn()


@settings(max_examples=150, deadline=None)
@given(ACTIONS)
def test_every_request_of_a_client_that_keeps_the_rules_is_answered(
    actions: list[tuple[str, int, int]],
) -> None:
    pair = Pair()
    asked, reset = play(pair, actions)
    for _ in range(4):
        answer_all(pair)
    answered = {event.stream_id for event in pair.of(h2.events.StreamEnded)}
    assert asked - reset <= answered
    assert pair.session.refusal is None
    assert not pair.of(h2.events.ConnectionTerminated)
