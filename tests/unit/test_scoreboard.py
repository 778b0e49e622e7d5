"""The scoreboard: the layout that the compiled code relies on, and what the arbiter reads."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from fastfork import clock
from fastfork.ipc import (
    SLOT_BYTES,
    Field,
    Scoreboard,
    ServerState,
    Slot,
    State,
    counters,
    failing,
    published,
    scoreboard,
)
from fastfork.ipc.scoreboard import (
    PLACE_BYTES,
    PLACES_AT,
    PLACES_MAX,
    REQUEST_LINE_AT,
    REQUEST_LINE_BYTES,
)


def serving(line: bytes, *, size: int | None = None) -> Slot:
    slot = Scoreboard(1).slot(0)
    serve(slot, 0, line, since=1, size=size)
    return slot


def serve(slot: Slot, place: int, line: bytes, *, since: int, size: int | None = None) -> None:
    at = PLACES_AT + place * PLACE_BYTES
    slot.ints[at // 8] = since
    slot.ints[at // 8 + 1] = len(line) if size is None else size
    slot.view[at + REQUEST_LINE_AT : at + REQUEST_LINE_AT + len(line)] = line


def test_only_who_starts_workers_says_how_many_numbers_there_are() -> None:
    """Two processes that raise the number at the same time would lose one."""
    board = Scoreboard(3)
    board.claim(2)
    before = bytes(board.server)
    board.slot(0)
    board.slot(2)
    board.claim(1)
    assert bytes(board.server) == before


def test_layout_is_the_one_the_compiled_code_has() -> None:
    assert [(field.name, field.value) for field in Field] == [
        ("PID", 0),
        ("STATE", 1),
        ("HEARTBEAT_NS", 2),
        ("REQUESTS", 3),
        ("CONNECTIONS", 4),
        ("IN_FLIGHT", 5),
        ("IN_FLIGHT_SINCE_NS", 6),
        ("BYTES_SENT", 7),
        ("REFUSED", 8),
        ("ACCEPTED", 9),
        ("ORDER", 11),
        ("RSS_BYTES", 12),
        ("THREADS", 13),
    ]
    assert [(state.name, state.value) for state in State] == [
        ("EMPTY", 0),
        ("BOOTING", 1),
        ("READY", 2),
        ("SPENT", 3),
        ("DRAINING", 4),
        ("EXITING", 5),
        ("WARM", 6),
    ]
    assert [(state.name, state.value) for state in ServerState] == [
        ("STARTING", 0),
        ("READY", 1),
        ("DRAINING", 2),
        ("STOPPING", 3),
    ]
    assert (PLACES_AT, PLACE_BYTES, PLACES_MAX, REQUEST_LINE_AT) == (4096, 256, 256, 16)
    assert failing.OF_WORKER.start * 8 == PLACES_AT + PLACES_MAX * PLACE_BYTES
    assert SLOT_BYTES == 9728 * 8


def test_fields_are_native_64_bit_integers_at_their_index() -> None:
    slot = Scoreboard(1).slot(0)
    slot.pid, slot.heartbeat_ns, slot.accepted = 7, 1 << 40, -1
    numbers = struct.unpack_from("64q", slot.view)
    assert (numbers[0], numbers[2], numbers[9]) == (7, 1 << 40, -1)


def test_slots_are_apart() -> None:
    board = Scoreboard(3)
    board.slot(1).view[:] = b"\xff" * SLOT_BYTES
    assert bytes(board.slot(0).view) == bytes(board.slot(2).view) == bytes(SLOT_BYTES)


@pytest.mark.parametrize("nr", [-1, 2, 1000])
def test_number_outside_the_capacity_is_refused(nr: int) -> None:
    with pytest.raises(IndexError, match=f"worker number {nr} is not below 2"):
        Scoreboard(2).slot(nr)


def test_change_of_state_rings_and_heartbeat_does_not() -> None:
    rings: list[int] = []
    slot = Scoreboard(1, ring=lambda: rings.append(1)).slot(0)
    slot.beat()
    assert not rings
    slot.state = State.READY
    assert (slot.state, rings) == (State.READY, [1])


def test_heartbeat_is_on_the_clock_that_the_arbiter_reads() -> None:
    slot = Scoreboard(1).slot(0)
    before = clock.now_ns()
    slot.beat()
    assert before <= slot.heartbeat_ns <= clock.now_ns()


def test_state_that_nobody_wrote_reads_as_empty() -> None:
    slot = Scoreboard(1).slot(0)
    slot.ints[Field.STATE] = 77
    assert slot.state is State.EMPTY


def test_request_line_is_escaped() -> None:
    slot = serving(b"GET /\r\n[forged] \x1b[2J\\ caf\xe9\x7f HTTP/1.1")
    assert slot.request_line() == r"GET /\r\n[forged] \x1b[2J\\ caf\xe9\x7f HTTP/1.1"


@pytest.mark.parametrize(("size", "shown"), [(10_000, 240), (-5, 0), (240, 240), (3, 3)])
def test_length_of_the_request_line_is_bounded(size: int, shown: int) -> None:
    assert serving(b"x" * 240, size=size).request_line() == "x" * shown


def test_idle_worker_has_no_request_line() -> None:
    slot = serving(b"GET / HTTP/1.1")
    slot.ints[PLACES_AT // 8] = 0
    assert slot.request_line() == ""


def test_request_line_that_is_exchanged_while_it_is_read_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slot = serving(b"GET /first HTTP/1.1")
    looks = []

    def look(words: memoryview[int], at: int) -> int:
        if len(looks) == 1:  # behind the line: another request has come
            serve(slot, 0, b"GET /other HTTP/1.1", since=2)
        looks.append(published.look(words, at))
        return looks[-1]

    monkeypatch.setattr(scoreboard, "look", look)
    assert slot.serving() == [(2, "GET /other HTTP/1.1")]
    assert looks == [1, 2, 2, 2]


def test_request_lines_that_change_faster_than_they_are_read_are_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slot = serving(b"GET / HTTP/1.1")
    looks = iter(range(1, 1000))
    monkeypatch.setattr(scoreboard, "look", lambda words, at: next(looks))
    assert slot.serving() == []


def test_published_word_is_in_its_place_and_no_other_is_touched() -> None:
    words = memoryview(bytearray(32)).cast("q")
    published.publish(words, 2, -7)
    assert list(words) == [0, 0, -7, 0]
    assert [published.look(words, at) for at in range(4)] == list(words)


@pytest.mark.parametrize(
    ("words", "at", "error"),
    [
        (memoryview(bytearray(32)).cast("q"), 4, IndexError),
        (memoryview(bytearray(32)).cast("q"), -1, TypeError),
        (memoryview(bytearray(32)), 0, TypeError),
        ([1, 2], 0, TypeError),
    ],
)
def test_word_that_is_not_there_is_refused(words: object, at: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        published.look(words, at)
    with pytest.raises(error):
        published.publish(words, at, 1)


def test_of_several_threads_the_one_that_takes_longest_is_named() -> None:
    slot = Scoreboard(1).slot(0)
    slot.threads = 3
    serve(slot, 0, b"GET /young HTTP/1.1", since=9)
    serve(slot, 2, b"GET /old HTTP/1.1", since=4)
    assert slot.request_line() == "GET /old HTTP/1.1"


def test_cleared_slot_is_all_zero() -> None:
    slot = serving(b"GET / HTTP/1.1")
    slot.clear()
    assert bytes(slot.view) == bytes(SLOT_BYTES)
    assert slot.state is State.EMPTY


def test_state_of_the_server_is_beside_the_slots() -> None:
    board = Scoreboard(2)
    assert board.server_state == ServerState.STARTING
    board.server_state = ServerState.DRAINING
    assert board.server_state == ServerState.DRAINING
    assert bytes(board.slot(0).view) == bytes(board.slot(1).view) == bytes(SLOT_BYTES)


def test_compiled_code_has_the_same_numbers_under_the_same_names() -> None:
    source = Path(__file__).resolve().parents[2] / "csrc/fastfork/_core/scoreboard.pxd"
    compiled = {
        name: int(number)
        for name, number in re.findall(r"^    ([A-Z_]+) = (\d+)$", source.read_text(), re.MULTILINE)
    }
    words = {field.name.removesuffix("_NS"): field.value for field in Field}
    words |= {name: value for name, value in vars(counters).items() if name.isupper()}
    of_a_place = {"SINCE": 0, "LINE_SIZE": 1, "LINE": REQUEST_LINE_AT // 8}
    assert compiled == of_a_place | {
        "PLACES_AT": PLACES_AT // 8,
        "PLACES_MAX": PLACES_MAX,
        "PLACE_WORDS": PLACE_BYTES // 8,
        "SLOT_WORDS": SLOT_BYTES // 8,
        "LINE_BYTES": REQUEST_LINE_BYTES,
        **{name: words[name] for name in compiled if name in words},
    }
    assert len(compiled) > 20
