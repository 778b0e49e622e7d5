"""Which framing fields an answer has, which fields are the server's, and when it closes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.kit.blocks import Blocks, returning
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]

STREAM = "stream"
BODIES: dict[str, Callable[[], Any]] = {
    "whole": lambda: [b"abc"],
    "pieces": lambda: [b"a", b"bc"],
    STREAM: lambda: Blocks([b"a", b"bc"]),
}
FRAMING = ("content-length", "transfer-encoding")


@pytest.fixture(params=sorted(BODIES))
def kind(request: pytest.FixtureRequest) -> str:
    """How the application gives its three bytes."""
    return str(request.param)


@pytest.mark.parametrize("status", ["204 Nothing", "304 Same"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_status_without_a_body_has_none_and_the_connection_stays(
    serve: Serve, kind: str, method: str, status: str
) -> None:
    served = serve(lambda *args: returning(BODIES[kind](), status=status)(*args))
    client = served.connect()
    for _ in range(2):
        answer = client.request(method)
        assert [answer.get(name) for name in FRAMING] == [None, None]
        assert (answer.body, answer.closes) == (b"", False)
    client.expect_nothing()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_204_has_no_length_even_if_the_application_says_one(serve: Serve, method: str) -> None:
    """RFC 9110 section 8.6."""
    served = serve(returning([], ("Content-Length", "0"), ("X-A", "1"), status="204 Nothing"))
    client = served.connect()
    for _ in range(2):
        answer = client.request(method)
        assert (answer.status, answer.get("x-a"), answer.get("content-length")) == (204, "1", None)


@pytest.mark.parametrize("length", [None, "0", "3"])
@pytest.mark.parametrize("version", ["1.0", "1.1"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_205_has_no_body_and_says_so(
    serve: Serve, kind: str, method: str, version: str, length: str | None
) -> None:
    """RFC 9110 section 15.3.6."""
    fields = [("X-A", "1")] if length is None else [("X-A", "1"), ("Content-Length", length)]
    served = serve(lambda *args: returning(BODIES[kind](), *fields, status="205 Reset")(*args))
    client = served.connect()
    for _ in range(2):
        client.send(
            f"{method} / HTTP/{version}\r\nHost: a\r\nConnection: keep-alive\r\n\r\n".encode()
        )
        answer = client.read_response(method)
        assert (answer.status, answer.get("x-a"), answer.body) == (205, "1", b"")
        assert [answer.all(name) for name in FRAMING] == [["0"], []]
    client.expect_nothing()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_304_keeps_the_length_that_the_application_says(serve: Serve, method: str) -> None:
    served = serve(returning([], ("Content-Length", "300"), status="304 Same"))
    client = served.connect()
    for _ in range(2):
        answer = client.request(method)
        assert (answer.status, answer.get("content-length"), answer.closes) == (304, "300", False)


def test_304_does_not_invent_a_length(serve: Serve) -> None:
    assert serve(returning([], status="304 Same")).connect().request().fields[0][0] == "Server"


@pytest.mark.parametrize("status", ["100 Continue", "101 Switch", "103 Hints", "199 Odd"])
def test_informational_status_is_no_answer(serve: Serve, status: str) -> None:
    """A client would wait for the final one for ever (RFC 9110 section 15.2)."""
    served = serve(returning([b"abc"], ("Content-Length", "3"), status=status))
    client = served.connect()
    answer = client.request()
    assert (answer.status, answer.closes, answer.interim) == (500, True, [])
    assert "is no answer" in served.logged("Error handling request GET /")


def test_head_has_the_fields_of_get_and_no_body(serve: Serve, kind: str) -> None:
    client = serve(lambda *args: returning(BODIES[kind](), ("X-A", "1"))(*args)).connect()
    get, head = client.request("GET"), client.request("HEAD")
    assert get.body == b"abc"
    assert head.body == b""
    assert [field for field in head.fields if field[0] != "Date"] == [
        field for field in get.fields if field[0] != "Date"
    ]
    client.expect_nothing()


def test_head_keeps_the_length_that_the_application_says(serve: Serve) -> None:
    client = serve(returning([], ("Content-Length", "12345"))).connect()
    for _ in range(2):
        answer = client.request("HEAD")
        assert (answer.get("content-length"), answer.closes) == ("12345", False)


@pytest.mark.parametrize("body", [[], (), b"", [b""]], ids=repr)
def test_head_without_a_body_claims_no_length(serve: Serve, body: Any) -> None:
    """The GET may well have one (RFC 9110 section 8.6)."""
    client = serve(returning(body)).connect()
    for _ in range(2):
        answer = client.request("HEAD")
        assert [answer.get(name) for name in FRAMING] == [None, None]
        assert not answer.closes


def test_head_on_http_1_0_closes_only_if_told(serve: Serve) -> None:
    served = serve(lambda *args: returning(Blocks([b"abc"]))(*args))
    client = served.connect()
    client.send(b"HEAD / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    answer = client.read_response("HEAD")
    assert (answer.get("connection"), answer.body) == ("keep-alive", b"")
    client.send(b"HEAD / HTTP/1.0\r\n\r\n")
    assert client.read_response("HEAD").closes
    client.expect_end()


# -- fields of the server


def test_date_and_server_are_added(serve: Serve) -> None:
    answer = serve(returning([b"x"])).connect().request()
    assert answer.get("server") == "fastfork"
    date = answer.get("date")
    assert date is not None
    assert re.fullmatch(
        r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d "
        r"(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d GMT",
        date,
    )
    import time

    assert abs(parsedate_to_datetime(date).timestamp() - time.time()) < 5


@pytest.mark.parametrize(
    "fields",
    [
        [("Date", "Thu, 01 Jan 1970 00:00:00 GMT")],
        [("date", "Thu, 01 Jan 1970 00:00:00 GMT"), ("SERVER", "mine")],
        [("Server", "mine")],
    ],
)
def test_date_and_server_of_the_application_are_kept(
    serve: Serve, fields: list[tuple[str, str]]
) -> None:
    answer = serve(returning([b"x"], *fields)).connect().request()
    said = {name.lower(): value for name, value in fields}
    assert answer.get("server") == said.get("server", "fastfork")
    assert answer.get("date") is not None
    assert answer.get("date") == said.get("date", answer.get("date"))


HOP_BY_HOP = [
    ("Connection", "keep-alive"),
    ("Connection", "X-A"),
    ("Keep-Alive", "timeout=5"),
    ("Proxy-Authenticate", "Basic"),
    ("Proxy-Authorization", "Basic x"),
    ("Proxy-Connection", "close"),
    ("TE", "trailers"),
    ("Trailer", "X-A"),
    ("Trailers", "X-A"),
    ("Transfer-Encoding", "chunked"),
    ("transfer-encoding", "gzip"),
    ("Upgrade", "websocket"),
]


@pytest.mark.parametrize("field", HOP_BY_HOP, ids=repr)
def test_hop_by_hop_field_is_dropped_and_logged_once(serve: Serve, field: tuple[str, str]) -> None:
    served = serve(returning([b"abc"], ("X-A", "1"), field, ("X-B", "2")))
    client = served.connect()
    for _ in range(3):
        answer = client.request()
        assert [name for name, _ in answer.fields if name not in ("Server", "Date")] == [
            "X-A",
            "X-B",
            "Content-Length",
        ]
        assert answer.body == b"abc"
    assert f"hop-by-hop header {field[0].lower()!r}" in served.logged("ERROR")


@pytest.mark.parametrize("value", ["close", "Close", "CLOSE"])
def test_application_may_close(serve: Serve, kind: str, value: str) -> None:
    served = serve(returning(BODIES[kind](), ("Connection", value)))
    client = served.connect()
    answer = client.request()
    assert (answer.body, answer.get("connection")) == (b"abc", "close")
    client.expect_end()


def test_names_that_only_look_like_the_servers_are_kept(serve: Serve) -> None:
    fields = [("Upgrades", "1"), ("Dates", "2"), ("Keep-Alives", "3"), ("XE", "4"), ("T-E", "5")]
    assert serve(returning([b"x"], *fields)).connect().request().fields[:5] == fields


def test_many_large_fields_are_sent(serve: Serve) -> None:
    fields = [(f"X-{number}", "v" * 1000) for number in range(200)]
    client = serve(returning([b"x"], *fields)).connect()
    for _ in range(2):
        assert client.request().fields[:200] == fields


# -- versions and Connection


@pytest.mark.parametrize("version", ["1.1", "1.2", "1.9"])
def test_every_1_x_is_answered_as_1_1(serve: Serve, http_parser: str, version: str) -> None:
    client = serve(lambda *args: returning(Blocks([b"abc"]))(*args), parser=http_parser).connect()
    for _ in range(2):
        client.send_request(version=version)
        answer = client.read_response()
        assert (answer.framing, answer.body, answer.closes) == ("chunked", b"abc", False)


def test_http_1_0_stream_ends_with_the_connection(serve: Serve, http_parser: str) -> None:
    served = serve(returning(Blocks([b"a", b"", b"bc"])), parser=http_parser)
    client = served.connect()
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    answer = client.read_response()
    assert (answer.framing, answer.body, answer.closes) == ("close", b"abc", True)
    assert [answer.get(name) for name in FRAMING] == [None, None]


def test_http_1_0_stream_closes_although_keep_alive_was_asked(
    serve: Serve, http_parser: str
) -> None:
    client = serve(returning(Blocks([b"abc"])), parser=http_parser).connect()
    client.send(b"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n")
    answer = client.read_response()
    assert (answer.framing, answer.body) == ("close", b"abc")


def test_http_1_0_stays_open_only_for_keep_alive_and_is_told(
    serve: Serve, http_parser: str
) -> None:
    client = serve(returning([b"abc"]), parser=http_parser).connect()
    for value in (b"keep-alive", b"Keep-Alive", b"x, KEEP-ALIVE"):
        client.send(b"GET / HTTP/1.0\r\nConnection: " + value + b"\r\n\r\n")
        answer = client.read_response()
        assert (answer.get("connection"), answer.get("content-length")) == ("keep-alive", "3")
    client.send(b"GET / HTTP/1.0\r\n\r\n")
    assert client.read_response().get("connection") == "close"
    client.expect_end()


@pytest.mark.parametrize(
    ("fields", "closes"),
    [
        ([], False),
        (["keep-alive"], False),
        (["close"], True),
        (["Close"], True),
        (["close, TE"], True),
        (["TE, close"], True),
        (["TE,close"], True),
        (["keep-alive, close"], True),
        (["close, keep-alive"], True),
        ([" , ,\tclose ,"], True),
        (["keep-alive", "close"], True),
        (["close", "keep-alive"], True),
        (["closed"], False),
        (["not-close"], False),
        (["close;q=1"], False),
        (['"close"'], False),
        (["c\u212aose"], False),
        ([""], False),
    ],
    ids=repr,
)
def test_close_anywhere_in_connection_closes(
    serve: Serve, http_parser: str, fields: list[str], closes: bool
) -> None:
    client = serve(returning([b"abc"]), parser=http_parser).connect()
    lines = [f"Connection: {value}".encode() for value in fields]
    client.send(b"\r\n".join([b"GET / HTTP/1.1", b"Host: h", *lines, b"", b""]))
    answer = client.read_response()
    assert (answer.body, answer.closes) == (b"abc", closes)
    if closes:
        client.expect_end()
    else:
        assert client.request().body == b"abc"


def test_upgrade_that_is_not_done_is_an_ordinary_request(serve: Serve, http_parser: str) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])
        return [environ["wsgi.input"].read()]

    client = serve(app, parser=http_parser).connect()
    fields = [("Connection", "Upgrade"), ("Upgrade", "websocket")]
    for _ in range(2):
        assert client.request("POST", "/", fields, b"body").body == b"body"


def test_generator_may_be_slow_and_its_first_block_is_not(serve: Serve) -> None:
    """PEP 3333: a block goes out before the application is asked for the next."""

    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"first"
        assert client.take().endswith(b"5\r\nfirst\r\n")
        yield b"second"

    client = serve(app).connect()
    client.send_request()
    assert b"".join(client.packets()) == b"6\r\nsecond\r\n0\r\n\r\n"


def test_whole_answer_does_not_wait_for_a_slow_close(serve: Serve) -> None:
    """Applications do work in close() that the client need not wait for."""

    class Slow(Blocks):
        def close(self) -> None:
            assert client.take().endswith(b"abc")

    client = serve(returning(Slow([b"abc"]), ("Content-Length", "3"))).connect()
    client.send_request()
    client.expect_nothing()


def test_last_announced_block_does_not_wait_for_a_slow_end(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Length", "3")])
        yield b"abc"
        assert client.take().endswith(b"abc")

    client = serve(app).connect()
    client.send_request()
    client.expect_nothing()
