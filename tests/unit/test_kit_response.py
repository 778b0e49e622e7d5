"""The strict response reader of the kit: what it takes, what it refuses, however it is cut.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.kit.response import ConnectionEnded, ProtocolViolation, ResponseReader

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"

REFUSED = {
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n",
    "no reason separator": b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    "another version": b"HTTP/1.9 200 OK\r\nContent-Length: 0\r\n\r\n",
    "space before colon": b"HTTP/1.1 200 OK\r\nContent-Length : 0\r\n\r\n",
    "folded field": b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
    "control in a value": b"HTTP/1.1 200 OK\r\nA: b\x00\r\nContent-Length: 0\r\n\r\n",
    "repeated length": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "repeated Date": b"HTTP/1.1 200 OK\r\nDate: a\r\nDate: b\r\nContent-Length: 0\r\n\r\n",
    "negative length": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "length and chunked": OK[:-6] + b"\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "unknown coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "no framing": b"HTTP/1.1 200 OK\r\n\r\nhi",
    "204 with a length": b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
    "sign in a chunk size": CHUNKED.replace(b"2\r\nab", b"+2\r\nab"),
    "chunk without its end": CHUNKED.replace(b"c\r\n", b"cc\r\n"),
    "trailer": CHUNKED[:-2] + b"A: b\r\n\r\n",
    "short body": OK[:-1],
    "chunked without an end": CHUNKED[:-5],
    "nothing at all": b"",
}


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def byte_by_byte(data: bytes) -> Iterator[bytes]:
    for index in range(len(data)):
        yield data[index : index + 1]


Feed = Callable[[bytes], Iterator[bytes]]
FEEDS = pytest.mark.parametrize("feed", [whole, byte_by_byte])


def reader(pieces: Iterator[bytes]) -> ResponseReader:
    return ResponseReader(lambda: next(pieces, b""))


@FEEDS
def test_pipelined_answers_are_cut_at_their_ends(feed: Feed) -> None:
    answers = reader(feed(OK + CHUNKED + OK))
    assert [answers.read().body for _ in range(3)] == [b"hi", b"abc", b"hi"]
    assert answers.buffer == b""


@FEEDS
def test_answer_keeps_its_fields_chunks_and_raw_bytes(feed: Feed) -> None:
    answer = reader(feed(CHUNKED)).read()
    assert answer.fields == [("Transfer-Encoding", "chunked")]
    assert (answer.framing, answer.chunks, answer.raw) == ("chunked", [b"ab", b"c"], CHUNKED)


@FEEDS
def test_head_of_an_answer_to_head_is_not_followed_by_a_body(feed: Feed) -> None:
    answers = reader(feed(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + OK))
    assert answers.read("HEAD").body == b""
    assert answers.read().body == b"hi"


@FEEDS
def test_interim_answers_are_kept_beside_the_final_one(feed: Feed) -> None:
    answer = reader(feed(b"HTTP/1.1 100 Continue\r\n\r\n" + OK)).read()
    assert answer.status == 200
    assert [interim.status for interim in answer.interim] == [100]


@FEEDS
def test_body_of_unknown_length_ends_with_the_connection(feed: Feed) -> None:
    answer = reader(feed(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it")).read()
    assert (answer.framing, answer.body, answer.closes) == ("close", b"all of it", True)


@FEEDS
@pytest.mark.parametrize("name", REFUSED)
def test_answer_that_breaks_the_protocol_is_refused(feed: Feed, name: str) -> None:
    with pytest.raises(ProtocolViolation):
        reader(feed(REFUSED[name])).read()


def test_end_before_an_answer_is_told_from_a_broken_answer() -> None:
    with pytest.raises(ConnectionEnded, match="before a response"):
        reader(whole(b"")).read()


@FEEDS
def test_trailers_are_for_who_takes_them(feed: Feed) -> None:
    answers = reader(feed(REFUSED["trailer"] + OK))
    answers.takes_trailers = True
    assert answers.read().trailers == [("A", "b")]
    assert answers.read().body == b"hi"
