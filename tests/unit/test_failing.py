"""Which URLs fail: what a worker notes, and what becomes of it when the worker has gone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from fastfork import clock
from fastfork.ipc import Scoreboard
from fastfork.ipc.failing import (
    LINE,
    LINE_SIZE,
    NUMBER,
    OF_SERVER,
    OF_WORKER,
    Failure,
    add_up,
    failures,
)
from fastfork.metrics.reading import read
from tests.kit.blocks import Blocks, returning
from tests.kit.inproc import Served
from tests.unit.conftest import Serve


def noted(served: Served) -> dict[str, tuple[int, int]]:
    """line -> (count, last status)"""
    served.settle()
    found = failures(memoryview(served.slot).cast("q"))
    return {one.line: (one.count, one.status) for one in found}


def by_path(environ: dict[str, Any], start: Any) -> list[bytes]:
    """/503/anything is answered with that status."""
    start(f"{environ['PATH_INFO'][1:4]} Said", [])
    return [b"abc"]


@pytest.mark.parametrize(
    ("status", "expected"), [(200, {}), (404, {}), (499, {}), (500, 500), (503, 503), (599, 599)]
)
def test_answers_of_500_and_above_are_noted(serve: Serve, status: int, expected: Any) -> None:
    served = serve(by_path)
    served.connect().request("GET", f"/{status}/a")
    line = {f"GET /{status}/a": (1, expected)} if expected else {}
    assert noted(served) == line


def test_failures_are_counted_by_method_and_path_without_the_query(serve: Serve) -> None:
    served = serve(by_path)
    client = served.connect()
    before = clock.now_ns()
    for target in ("/500/a?token=1", "/500/a?token=2", "/500/a", "/500/b?"):
        client.request("GET", target)
    client.request("POST", "/500/a")
    assert noted(served) == {
        "GET /500/a": (3, 500), "GET /500/b": (1, 500), "POST /500/a": (1, 500)
    }  # fmt: skip
    assert b"token" not in bytes(served.slot)[8 * OF_WORKER.start :]
    found = failures(memoryview(served.slot).cast("q"))
    assert all(before <= one.last_ns <= clock.now_ns() for one in found)


def test_exception_of_the_application_is_noted(serve: Serve) -> None:
    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        raise RuntimeError("on purpose")

    served = serve(app)
    served.connect().request("GET", "/a")
    served.logged("on purpose")
    assert noted(served) == {"GET /a": (1, 500)}


def broken_off(status: str = "200 OK") -> Any:
    def blocks() -> Iterator[bytes]:
        yield b"x"
        raise RuntimeError("on purpose")

    return returning(Blocks(blocks()), status=status)


@pytest.mark.parametrize(("status", "expected"), [("200 OK", 0), ("502 Odd", 502)])
def test_answer_that_breaks_off_is_noted_once(serve: Serve, status: str, expected: int) -> None:
    served = serve(broken_off(status))
    client = served.connect()
    client.send(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
    served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")
    served.logged("on purpose")
    assert noted(served) == {"GET /a": (1, expected)}


def test_body_that_is_shorter_than_announced_is_noted_as_cut(serve: Serve) -> None:
    served = serve(returning([b"abc"], ("Content-Length", "5")))
    client = served.connect()
    client.send(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\n")
    served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")
    served.logged("2 bytes shorter")
    assert noted(served) == {"GET /a": (1, 0)}


def test_client_that_leaves_a_stream_is_no_failure(serve: Serve) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * 60_000

    served = serve(returning(Blocks(endless())), small_buffers=True)
    client = served.connect()
    client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    served.settle()
    client.reset()
    served.turn_until(lambda: served.hub.connections.count == 0, "the connection is closed")
    assert noted(served) == {}


@pytest.mark.parametrize("access", [None, "%(r)s"])
def test_request_that_is_refused_for_its_form_is_no_failure(
    serve: Serve, access: str | None
) -> None:
    served = serve(by_path, access=access)
    client = served.connect()
    client.send(b"GET /a HTTP/3.0\r\nHost: a\r\n\r\n")
    assert client.read_response().status == 505
    served.logged("Invalid request")
    assert noted(served) == {}


def test_environ_that_the_application_has_changed_is_read_with_care(serve: Serve) -> None:
    def app(environ: dict[str, Any], start: Any) -> list[bytes]:
        environ["RAW_URI"] = None
        return by_path(environ, start)

    served = serve(app)
    served.connect().request("GET", "/500/a")
    assert noted(served) == {}


def test_bytes_of_the_peer_are_escaped_and_a_long_path_is_cut(serve: Serve) -> None:
    served = serve(by_path)
    client = served.connect()
    client.send(b"GET /500/\xff HTTP/1.1\r\nHost: a\r\n\r\n")
    assert client.read_response().status == 500
    client.request("GET", "/500/" + "y" * 300)
    assert set(noted(served)) == {r"GET /500/\xff", "GET /500/" + "y" * 183}


def test_of_many_urls_the_last_that_failed_are_kept(serve: Serve) -> None:
    served = serve(by_path)
    client = served.connect()
    for nr in range(100):
        client.request("GET", f"/500/{nr}")
        client.request("GET", "/500/often")
    expected = {f"GET /500/{nr}": (1, 500) for nr in range(69, 100)}
    assert noted(served) == {**expected, "GET /500/often": (100, 500)}


# -- on the readers' side


def write(words: memoryview[int], start: int, number: int, one: Failure) -> None:
    raw = one.line.encode()
    values = [number, one.count, one.status, one.last_ns, len(raw)]
    for at, value in enumerate(values, start):
        words[at] = value
    padded = raw.ljust(192, b"\0")
    for at in range(24):
        word = padded[at * 8 : at * 8 + 8]
        words[start + LINE + at] = int.from_bytes(word, "little", signed=True)
    words[135] = max(words[135], number)


def test_record_that_is_being_written_is_left_out() -> None:
    words = Scoreboard(1).claim(0).ints
    write(words, OF_WORKER[0], 1, Failure("GET /a", 1, 500, 5))
    write(words, OF_WORKER[1], 2, Failure("GET /b", 1, 500, 6))
    words[OF_WORKER[0] + NUMBER] = 0
    assert [one.line for one in failures(words)] == ["GET /b"]
    words[OF_WORKER[1] + LINE_SIZE] = 1 << 50
    assert [len(one.line) for one in failures(words)] == [6 + 4 * 186]


def test_failures_of_a_worker_that_has_gone_are_the_servers() -> None:
    board = Scoreboard(2)
    for nr, count, last, status in ((0, 5, 10, 500), (1, 7, 30, 502), (0, 1, 20, 503)):
        slot = board.claim(nr)
        write(slot.ints, OF_WORKER[0], 1, Failure("GET /a", count, status, last))
        write(slot.ints, OF_WORKER[1], 2, Failure(f"GET /{last}", 1, 500, last))
        slot.clear()
        assert failures(slot.ints) == []
        assert not any(slot.view)
    found = add_up(failures(board.server, OF_SERVER))
    assert Failure("GET /a", 13, 502, 30) in found
    assert {one.line for one in found} == {"GET /a", "GET /10", "GET /20", "GET /30"}


def test_table_of_the_server_keeps_the_latest() -> None:
    board = Scoreboard(1)
    for last in range(1, 401):
        slot = board.claim(0)
        write(slot.ints, OF_WORKER[0], 1, Failure(f"GET /{last}", 1, 500, last))
        slot.clear()
    found = add_up(failures(board.server, OF_SERVER))
    assert [one.last_ns for one in found] == list(range(400, 400 - len(OF_SERVER), -1))


def test_reading_adds_up_workers_and_those_that_have_gone_the_latest_first() -> None:
    board = Scoreboard(2)
    now = clock.now_ns()
    for nr, last in ((0, now - 10**9), (1, now)):
        slot = board.claim(nr)
        slot.pid, slot.ints[1] = 1, 2
        write(slot.ints, OF_WORKER[0], 1, Failure("GET /a", 2, 500 + nr, last))
        write(slot.ints, OF_WORKER[3], 2, Failure(f"GET /{nr}", 1, 500, last - 5 * 10**9))
        if nr == 0:
            slot.clear()
    found = read(board).failing
    assert [(one.line, one.count, one.status) for one in found] == [
        ("GET /a", 4, 501), ("GET /1", 1, 500), ("GET /0", 1, 500)
    ]  # fmt: skip
    assert found[0].at - found[1].at == 5
