"""What a worker counts of its requests, and what becomes of the counts when it has gone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from fastfork.ipc import SLOT_BYTES, Field, Scoreboard, State, counters
from fastfork.ipc import recent_exits as exits
from fastfork.ipc.counters import BOUNDS, BUCKETS, Reason, quantile
from fastfork.ipc.recent_exits import RecentExit, note_exit, recent_exits
from tests.kit.blocks import Blocks, returning
from tests.kit.inproc import Served
from tests.unit.conftest import Serve

SLEPT = 0.02  # seconds of an application that takes its time


def words(served: Served) -> list[int]:
    served.settle()
    return list(memoryview(served.slot).cast("q"))


def answers(served: Served) -> list[int]:
    return words(served)[counters.ANSWERS : counters.ANSWERS + counters.ANSWER_CLASSES]


@pytest.mark.parametrize("status", ["200 OK", "304 Same", "404 No", "599 Odd"])
def test_answer_is_counted_by_the_first_digit_of_its_status(serve: Serve, status: str) -> None:
    served = serve(returning([b"abc"], status=status))
    client = served.connect()
    for _ in range(3):
        client.request("GET", "/")
    expected = [0] * 10
    expected[int(status[0])] = 3
    assert answers(served) == expected


def test_exception_of_the_application_is_a_500(serve: Serve) -> None:
    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        raise RuntimeError("on purpose")

    served = serve(app)
    served.connect().request("GET", "/")
    served.logged("on purpose")
    assert answers(served)[5] == 1


def test_refused_request_is_counted_as_an_answer_too(serve: Serve) -> None:
    served = serve(returning([b""]))
    client = served.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
    assert client.read_response().status == 400
    served.logged("Invalid request")
    found = words(served)
    assert answers(served)[4] == found[Field.REFUSED] == 1
    assert found[Field.REQUESTS] == 0


def test_stream_that_its_client_left_is_counted_as_cut(serve: Serve) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 60_000

    served = serve(returning(Blocks(endless())), small_buffers=True)
    client = served.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert sum(answers(served)) == 0
    assert words(served)[Field.REQUESTS] == 1
    client.reset()
    served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")
    assert sum(answers(served)) == 1


def test_every_answer_is_in_one_bucket_of_each_histogram(serve: Serve) -> None:
    served = serve(returning([b"abc"]))
    client = served.connect()
    for _ in range(50):
        client.request("GET", "/")
    found = words(served)
    for at, total in (
        (counters.DURATIONS, counters.DURATION_SUM),
        (counters.WAITED, counters.WAIT_SUM),
    ):
        counts = found[at : at + BUCKETS]
        lower = sum(n * (BOUNDS[i - 1] if i else 0.0) for i, n in enumerate(counts))
        assert sum(counts) == 50
        assert lower * 1e9 <= found[total]


def test_slow_answer_is_in_a_bucket_that_holds_its_time(serve: Serve) -> None:
    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        time.sleep(SLEPT)
        start("200 OK", [])
        return [b""]

    served = serve(app)
    served.connect().request("GET", "/")
    found = words(served)
    counts = found[counters.DURATIONS : counters.DURATIONS + BUCKETS]
    at = counts.index(1)
    assert BOUNDS[at] > SLEPT
    assert BOUNDS[at - 1] <= found[counters.DURATION_SUM] / 1e9 < BOUNDS[at]


def test_second_of_two_requests_that_come_together_has_waited_for_the_first(serve: Serve) -> None:
    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        time.sleep(SLEPT)
        start("200 OK", [])
        return [b""]

    served = serve(app)
    client = served.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
    assert words(served)[counters.WAIT_SUM] >= SLEPT * 1e9


def test_bytes_received_are_all_of_them(serve: Serve) -> None:
    served = serve(returning([b"abc"]))
    client = served.connect()
    head = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n"
    client.send(head, b"x" * 40_000, b"x" * 60_000)
    assert client.read_response().status == 200
    assert words(served)[counters.BYTES_RECEIVED] == len(head) + 100_000


def test_connections_that_wait_for_their_next_request_are_counted(serve: Serve) -> None:
    served = serve(returning([b"abc"]))
    clients = [served.connect() for _ in range(3)]
    served.settle()
    assert words(served)[counters.KEPT_ALIVE] == 0  # they have asked nothing yet
    for client in clients[:2]:
        client.request("GET", "/")
    assert words(served)[counters.KEPT_ALIVE] == 2
    clients[0].close()
    served.turn_until(lambda: served.hub.connections.count == 2, "one connection is closed")
    assert words(served)[counters.KEPT_ALIVE] == 1


# -- on the arbiter's side


def test_counts_of_a_worker_that_has_gone_are_the_servers() -> None:
    board = Scoreboard(2)
    for nr, count in ((0, 5), (1, 7), (0, 1)):
        slot = board.claim(nr)
        slot.requests = slot.ints[counters.ANSWERS + 2] = slot.ints[counters.BYTES_RECEIVED] = count
        slot.ints[counters.KEPT_ALIVE] = slot.connections = 9
        slot.clear()
        assert bytes(slot.view) == bytes(SLOT_BYTES)
    found = [board.server[word] for word in (3, counters.ANSWERS + 2, counters.BYTES_RECEIVED)]
    assert found == [13, 13, 13]
    assert board.server[counters.KEPT_ALIVE] == board.server[Field.CONNECTIONS] == 0
    assert board.server[counters.EDITS] == 6
    assert board.slot(0).state is State.EMPTY


def test_highest_number_that_was_used_is_remembered() -> None:
    board = Scoreboard(9)
    assert board.server[counters.SLOTS] == 0
    for nr in (0, 4, 2):
        board.claim(nr)
    assert board.server[counters.SLOTS] == 5


def end(pid: int, reason: Reason = Reason.CRASH, line: str = "") -> RecentExit:
    return RecentExit(1_700_000_000, 3, pid, reason, -11, 2500, line)


def test_ends_come_back_as_they_were_noted_the_latest_first() -> None:
    server = Scoreboard(1).server
    noted = [end(1, line="GET /a HTTP/1.1"), end(2, Reason.RELOAD), end(3, line="x" * 192)]
    for one in noted:
        note_exit(server, one)
    assert recent_exits(server) == noted[::-1]
    assert server[counters.ENDS + Reason.CRASH] == 2


def test_longer_request_line_of_an_end_is_cut() -> None:
    server = Scoreboard(1).server
    note_exit(server, end(1, line="y" * 240))
    assert recent_exits(server) == [end(1, line="y" * 192)]


def test_end_that_is_exchanged_while_it_is_read_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Scoreboard(1).server
    for pid in (1, 2):
        note_exit(server, end(pid))
    looks = iter(
        [2, 2, 2 + counters.EVENTS, 1, 1]
    )  # newest; around the second end; around the first
    monkeypatch.setattr(exits, "look", lambda words, at: next(looks))
    assert [one.pid for one in recent_exits(server)] == [1]


def test_of_many_ends_the_last_are_kept_and_all_are_counted() -> None:
    server = Scoreboard(1).server
    for pid in range(1, 201):
        note_exit(server, end(pid))
    assert [one.pid for one in recent_exits(server)] == list(range(200, 200 - counters.EVENTS, -1))
    assert server[counters.ENDS + Reason.CRASH] == 200


def test_quantile_is_within_the_bucket_that_holds_it() -> None:
    counts = [0] * BUCKETS
    counts[3], counts[10] = 90, 10
    assert BOUNDS[2] < quantile(counts, 0.5) < BOUNDS[3]
    assert BOUNDS[9] < quantile(counts, 0.99) <= BOUNDS[10]
    assert quantile([0] * BUCKETS, 0.5) == 0.0
    assert quantile([0] * (BUCKETS - 1) + [1], 0.5) == BOUNDS[-1]
