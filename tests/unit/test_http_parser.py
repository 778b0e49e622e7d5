"""RequestParser: the public form of both parsers, event by event.

Runs in: cli
"""

from __future__ import annotations

import pytest

from fastfork.errors import ConfigError, HttpError
from fastfork.http import (
    BACKENDS,
    BodyPart,
    Limits,
    RequestEnd,
    RequestHead,
    RequestParser,
    error_page,
    resolve_parser,
)
from tests.kit.inproc import descriptors

GET = b"GET /a%20b?c=d HTTP/1.1\r\nHost: a\r\nX-One:  1 \r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(params=sorted(BACKENDS))
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def parser(backend: str) -> RequestParser:
    return RequestParser(backend)


def status_of(parser: RequestParser, data: bytes) -> int:
    with pytest.raises(HttpError) as refused:
        parser.feed(data)
    return refused.value.status


def test_head_has_everything_about_the_request(parser: RequestParser) -> None:
    assert parser.feed(GET) == [
        RequestHead(
            method="GET",
            target=b"/a%20b?c=d",
            path="/a b",
            query="c=d",
            authority=None,
            version=(1, 1),
            fields=[(b"Host", b"a"), (b"X-One", b"1")],
            content_length=None,
            chunked=False,
            keep_alive=True,
            expect_continue=False,
            upgrade=False,
        ),
        RequestEnd(),
    ]


def test_nothing_comes_out_before_the_head_is_complete(parser: RequestParser) -> None:
    assert parser.feed(GET[:-1]) == []
    assert len(parser.feed(GET[-1:])) == 2


def test_head_comes_out_before_its_body_is_there(parser: RequestParser) -> None:
    (head,) = parser.feed(POST)
    assert isinstance(head, RequestHead)
    assert head.content_length == 6


def test_body_comes_out_as_it_arrives(parser: RequestParser) -> None:
    parser.feed(POST)
    assert parser.feed(b"abc") == [BodyPart(b"abc")]
    assert parser.feed(b"def") == [BodyPart(b"def"), RequestEnd()]


def test_chunks_come_out_without_their_framing(parser: RequestParser) -> None:
    parser.feed(CHUNKED)
    assert parser.feed(b"3\r\nab") == [BodyPart(b"ab")]
    assert parser.feed(b"c\r\n0\r\n") == [BodyPart(b"c")]
    assert parser.feed(b"\r\n") == [RequestEnd()]


def test_empty_body_has_no_part(parser: RequestParser) -> None:
    head, end = parser.feed(POST.replace(b"6", b"0"))
    assert isinstance(head, RequestHead)
    assert end == RequestEnd()


def test_bytes_behind_a_body_are_the_next_request(parser: RequestParser) -> None:
    kinds = [type(event) for event in parser.feed(POST + b"abcdef" + GET)]
    assert kinds == [RequestHead, BodyPart, RequestEnd, RequestHead, RequestEnd]


def test_what_came_before_the_offence_is_returned_first(parser: RequestParser) -> None:
    assert len(parser.feed(GET + b"get / HTTP/1.1\r\n")) == 2
    assert status_of(parser, b"") == 400


def test_head_comes_out_before_its_body_is_refused(parser: RequestParser) -> None:
    assert parser.feed(CHUNKED + b"1\r\nax")[1:] == [BodyPart(b"a")]
    assert status_of(parser, b"") == 400


def test_nothing_behind_a_refusal_is_read(parser: RequestParser) -> None:
    assert status_of(parser, b"get / HTTP/1.1\r\n") == 400
    assert status_of(parser, GET) == 400
    assert status_of(parser, b"") == 400


def test_refusal_keeps_the_beginning_of_what_was_refused(parser: RequestParser) -> None:
    with pytest.raises(HttpError) as refused:
        parser.feed(b"get /" + b"a" * 100 + b" HTTP/1.1\r\n")
    assert refused.value.received == b"get /" + b"a" * 59
    assert "get" not in refused.value.detail


def test_end_between_requests_is_no_error(parser: RequestParser) -> None:
    parser.eof()
    parser.feed(GET)
    parser.eof()


@pytest.mark.parametrize("begun", [b"G", GET[:-1], POST, POST + b"abcde", CHUNKED + b"0\r\n"])
def test_end_inside_a_request_is_refused(parser: RequestParser, begun: bytes) -> None:
    parser.feed(begun)
    with pytest.raises(HttpError) as refused:
        parser.eof()
    assert refused.value.status == 400


def test_limits_are_those_given(backend: str) -> None:
    parser = RequestParser(backend, limits=Limits(line=20, fields=2, field_size=30, head=80))
    assert status_of(parser, b"GET /" + b"a" * 30) == 414


def test_body_limit_is_the_one_given(backend: str) -> None:
    assert status_of(RequestParser(backend, max_body=5), POST) == 413
    assert len(RequestParser(backend, max_body=6).feed(POST)) == 1
    assert len(RequestParser(backend, max_body=0).feed(POST)) == 1


def test_default_limits_are_the_documented_ones() -> None:
    assert Limits() == Limits(line=8190, fields=100, field_size=8190, head=262144)


def test_parsers_know_nothing_of_each_other(backend: str) -> None:
    one, other = RequestParser(backend), RequestParser(backend)
    assert one.feed(GET[:20]) == []
    assert len(other.feed(GET)) == 2
    assert len(one.feed(GET[20:])) == 2


def test_auto_is_httptools_where_it_is_installed() -> None:
    assert resolve_parser("auto") == "httptools"
    assert {resolve_parser(name) for name in BACKENDS} == set(BACKENDS)


def test_unknown_parser_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'picohttp' is none of: auto, httptools, native"):
        RequestParser("picohttp")


@pytest.mark.parametrize("status", [400, 408, 413, 414, 417, 431, 500, 501, 505])
def test_error_page_names_its_status_and_nothing_else(status: int) -> None:
    line, page = error_page(status)
    assert line.startswith(f"{status} ")
    assert f"<h1>{line}</h1>".encode() in page


def test_large_body_is_handed_on_without_a_file(parser: RequestParser) -> None:
    before = descriptors()
    parser.feed(POST.replace(b": 6", b": 1000000000"))
    assert parser.feed(b"abc") == [BodyPart(b"abc")]
    assert descriptors() == before
