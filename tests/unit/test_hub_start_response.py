"""start_response as PEP 3333 has it: twice, never, late, with exc_info, with bad arguments."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pytest

from tests.kit.blocks import Blocks, returning
from tests.kit.inproc import App, HubClient, Served
from tests.kit.response import ConnectionEnded
from tests.unit.conftest import Serve

Environ = dict[str, Any]
Start = Callable[..., Any]

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Pair(NamedTuple):
    """A field as some libraries keep it."""

    name: str
    value: str


class Headers:
    """No list, but what iterates over pairs as one would."""

    def __init__(self, pairs: list[tuple[str, str]]) -> None:
        self.pairs = pairs

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.pairs)


OLD = [("X-Old", "1"), ("Content-Length", "3"), ("Date", "old"), ("Server", "old")]


def refused(served: Served, error: str) -> None:
    """The answer is a 500 that closes, and the log has the error."""
    client = served.connect()
    answer = client.request()
    assert (answer.status, answer.closes) == (500, True)
    assert answer.get("content-type") == "text/html; charset=utf-8"
    assert b"Traceback" not in answer.body
    assert error not in answer.text
    client.expect_end()
    assert error in served.logged("Error handling request GET /")


def test_status_reason_and_fields_reach_the_client_in_order(serve: Serve) -> None:
    fields = [("X-B", "2"), ("X-A", "1"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]
    served = serve(returning([b"x"], *fields, status="404 Nothing Here"))
    answer = served.connect().request()
    assert (answer.status, answer.reason) == (404, "Nothing Here")
    assert answer.fields[:4] == fields


def test_exc_info_before_the_head_replaces_everything(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [*OLD, ("Connection", "close")])
        try:
            raise LookupError("gone")
        except LookupError:
            start_response("503 Busy", [("X-New", "1")], sys.exc_info())
        return [b"later"]

    answer = serve(app).connect().request()
    assert (answer.status, answer.body) == (503, b"later")
    assert answer.all("x-old") == []
    assert answer.get("x-new") == "1"
    assert answer.get("content-length") == "5"
    assert answer.get("server") == "fastfork"
    assert answer.get("date") not in (None, "old")
    assert not answer.closes


def test_exc_info_after_the_head_is_raised_again(serve: Serve) -> None:
    raised: list[BaseException] = []

    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"first"
        try:
            raise LookupError("on the way")
        except LookupError as error:
            try:
                start_response("500 Oops", [("X-New", "1")], sys.exc_info())
            except LookupError as again:
                raised.extend([error, again])
                raise

    served = serve(app)
    client = served.connect()
    client.send_request()
    with pytest.raises(ConnectionEnded):
        client.read_response()
    assert raised[0] is raised[1]
    assert b"X-New" not in client.received
    assert client.received.endswith(b"5\r\nfirst\r\n")
    assert "LookupError: on the way" in served.logged("Error handling request")


def test_exc_info_in_the_first_call_is_an_ordinary_start(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        try:
            raise LookupError
        except LookupError:
            start_response("500 Oops", [], sys.exc_info())
        return [b"page"]

    answer = serve(app).connect().request()
    assert (answer.status, answer.body, answer.closes) == (500, b"page", False)


def test_exc_info_of_nothing_is_an_ordinary_start(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [], None)
        return [b"page"]

    assert serve(app).connect().request().body == b"page"


def test_second_call_without_exc_info_is_an_error(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", [])
        start_response("200 OK", [])
        return [b"never"]

    refused(serve(app), "start_response was called twice")


def test_second_call_that_the_application_survives_changes_nothing(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("201 Made", [("X-First", "1")])
        with pytest.raises(AssertionError):
            start_response("200 OK", [("X-Second", "1")])
        return [b"body"]

    answer = serve(app).connect().request()
    assert (answer.status, answer.get("x-first"), answer.get("x-second")) == (201, "1", None)


def test_call_after_the_head_without_exc_info_is_an_error(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield b"first"
        start_response("200 OK", [])

    served = serve(app)
    client = served.connect()
    client.send_request()
    with pytest.raises(ConnectionEnded):
        client.read_response()
    assert "called twice" in served.logged("Error handling request")


@pytest.mark.parametrize("body", [[b"x"], [], (b"x",), b"", iter([b"x"]), iter([])])
def test_application_that_never_starts_gets_a_500(serve: Serve, body: Any) -> None:
    def app(environ: Environ, start_response: Start) -> Any:
        return body

    refused(serve(app), "without calling start_response")


def test_generator_that_never_starts_gets_a_500_and_is_closed(serve: Serve) -> None:
    body = Blocks([b"", b"too early"])
    refused(serve(lambda environ, start_response: body), "without calling start_response")
    assert body.closed == 1


def test_lazy_generator_starts_with_its_first_block(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        yield b""
        start_response("202 Later", [("X-Late", "1")])
        yield b"one"
        yield b"two"

    answer = serve(app).connect().request()
    assert (answer.status, answer.get("x-late"), answer.body) == (202, "1", b"onetwo")


def test_lazy_generator_that_has_no_block_may_start_at_its_end(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterator[bytes]:
        start_response("200 OK", [])
        yield from ()

    answer = serve(app).connect().request()
    assert (answer.status, answer.body, answer.get("content-length")) == (200, b"", "0")


def test_application_object_may_be_a_class(serve: Serve) -> None:
    class App:
        def __init__(self, environ: Environ, start_response: Start) -> None:
            self.start_response = start_response

        def __iter__(self) -> Iterator[bytes]:
            self.start_response("200 OK", [])
            yield b"from a class"

    assert serve(App).connect().request().body == b"from a class"


def test_start_response_after_the_response_is_an_error(serve: Serve) -> None:
    kept: list[Start] = []

    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        kept.append(start_response)
        start_response("200 OK", [])
        return [b"x"]

    client = serve(app).connect()
    client.request()
    with pytest.raises(RuntimeError, match="after the response had ended"):
        kept[0]("200 OK", [])
    assert client.request().body == b"x"
    with pytest.raises(RuntimeError):
        kept[0]("200 OK", [])


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (200, "TypeError: status must be a str"),
        (b"200 OK", "TypeError: status must be a str"),
        (None, "TypeError: status must be a str"),
        ("", "status must be three digits"),
        ("OK", "status must be three digits"),
        ("20 OK", "status must be three digits"),
        ("2000 OK", "status must be three digits"),
        ("099 Low", "status must be three digits"),
        ("200\tOK", "status must be three digits"),
        (" 200 OK", "status must be three digits"),
        ("20", "status must be three digits"),
        ("2000", "status must be three digits"),
        ("200\n", "status must be three digits"),
        ("2OO", "status must be three digits"),
        ("２00 OK", "outside latin-1"),
        ("200 OK\r\nX-Forged: 1", "status must be three digits"),
        ("200 OK\n", "status must be three digits"),
        ("200 O\0K", "status must be three digits"),
        ("200 Überall €", "outside latin-1"),
    ],
)
def test_bad_status_is_refused(serve: Serve, status: Any, error: str) -> None:
    refused(serve(returning([b"x"], status=status)), error)


@pytest.mark.parametrize(
    ("field", "error"),
    [
        (("X-A", "1\r\nX-Forged: 1"), "control character"),
        (("X-A", "1\n"), "control character"),
        (("X-A", "1\r"), "control character"),
        (("X-A", "1\0"), "control character"),
        (("X-A", "\x0b"), "control character"),
        (("X-A", "\x7f"), "control character"),
        (("X-A", "€"), "outside latin-1"),
        (("X-A", 1), "must be str"),
        (("X-A", b"1"), "must be str"),
        (("X-A", None), "must be str"),
        ((b"X-A", "1"), "must be str"),
        (("", "1"), "no header name"),
        (("X A", "1"), "no header name"),
        (("X-A:", "1"), "no header name"),
        (("X-A\r\n", "1"), "no header name"),
        (("X-Ä", "1"), "no header name"),
        (("X-€", "1"), "outside latin-1"),
        (("X-A",), "tuple"),
        (("X-A", "1", "2"), "tuple"),
        (["X-A"], "tuple"),
        (["X-A", "1", "2"], "tuple"),
        (["X-A", 1], "must be str"),
        ({"X-A": "1", "X-B": "2"}, "tuple"),
        ("X-A: 1", "tuple"),
        ("XA", "tuple"),
        (None, "tuple"),
    ],
    ids=repr,
)
def test_bad_field_is_refused(serve: Serve, field: Any, error: str) -> None:
    refused(serve(returning([b"x"], ("X-Good", "1"), field)), error)


@pytest.mark.parametrize("status", ["200", "200 ", "404", "599"])
def test_status_without_a_reason_is_sent_with_its_space(serve: Serve, status: str) -> None:
    client = serve(returning([b"x"], status=status)).connect()
    for _ in range(2):
        client.send(GET)
        assert client.take().startswith(f"HTTP/1.1 {status[:3]} \r\n".encode())
        answer = client.request()
        assert (answer.status, answer.reason, answer.body) == (int(status), "", b"x")


@pytest.mark.parametrize(
    "fields",
    [
        [["X-A", "1"], ["X-B", "2"]],
        (("X-A", "1"), ["X-B", "2"]),
        {"X-A": "1", "X-B": "2"}.items(),
        (pair for pair in [("X-A", "1"), ("X-B", "2")]),
        [Pair("X-A", "1"), Pair("X-B", "2")],
        Headers([("X-A", "1"), ("X-B", "2")]),
    ],
    ids=["lists", "tuple", "items", "generator", "named tuples", "object that iterates"],
)
def test_fields_come_as_any_pairs(serve: Serve, fields: Any) -> None:
    answer = serve(lambda _environ, start: start("200 OK", fields) and [b"x"]).connect().request()
    assert (answer.status, answer.fields[:2]) == (200, [("X-A", "1"), ("X-B", "2")])


@pytest.mark.parametrize(
    ("value", "sent"),
    [(" v; ", "v;"), ("\tv\t", "v"), (" \t v w \t ", "v w"), (" ", ""), ("\t \t", ""), ("", "")],
    ids=repr,
)
def test_blanks_around_a_value_are_not_sent(serve: Serve, value: str, sent: str) -> None:
    client = serve(returning([b"x"], ("X-A", value), ("X-B", "2"))).connect()
    client.send(GET)
    assert f"\r\nX-A: {sent}\r\nX-B: 2\r\n".encode() in client.take()


def test_connection_with_blanks_still_closes(serve: Serve) -> None:
    answer = serve(returning([b"x"], ("Connection", " close "))).connect().request()
    assert (answer.status, answer.closes) == (200, True)


@pytest.mark.parametrize("fields", [None, {"X-A": "1"}, "X-A: 1", b"X-A: 1", 5], ids=repr)
def test_fields_must_be_a_list(serve: Serve, fields: Any) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", fields)
        return [b"x"]

    refused(serve(app), "TypeError: headers must be a list")


def test_values_may_have_every_printable_latin_1_character(serve: Serve) -> None:
    value = "\t".join(["", *(chr(code) for code in range(0x21, 0x100) if code != 0x7F)]).strip()
    value = "".join(char for char in value if char == "\t" or not 0x7F <= ord(char) < 0xA0)
    answer = serve(returning([b""], ("X-All", value), status="200 Grüß Gott")).connect().request()
    assert answer.get("x-all") == value
    assert answer.reason == "Grüß Gott"


def test_bad_field_that_the_application_survives_is_not_sent(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        with pytest.raises(ValueError):
            start_response("200 OK", [("X-Half", "1"), ("X-A", "1\r\n")])
        start_response("200 OK", [("X-Whole", "1")])
        return [b"x"]

    answer = serve(app).connect().request()
    assert (answer.status, answer.get("x-half"), answer.get("x-whole")) == (200, None, "1")


def test_bad_replacement_leaves_nothing_of_the_first_try(serve: Serve) -> None:
    def app(environ: Environ, start_response: Start) -> Iterable[bytes]:
        start_response("200 OK", OLD)
        try:
            raise LookupError
        except LookupError:
            start_response("500 Oops", [("X-A", "\n")], sys.exc_info())
        return [b"x"]

    served = serve(app)
    answer = served.connect().request()
    assert (answer.status, answer.get("x-old"), answer.get("server")) == (500, None, "fastfork")
    served.logged("Error handling request")


def serving(served: Served) -> HubClient:
    """A client that was already served once on its connection."""
    client = served.connect()
    client.request()
    return client


def test_next_response_has_nothing_of_the_one_before(serve: Serve) -> None:
    apps: Iterator[App] = iter(
        [
            returning([b"abc"], *OLD, status="201 Made"),
            returning(iter([b"x"]), ("X-Second", "1")),
        ]
    )
    served = serve(lambda environ, start_response: next(apps)(environ, start_response))
    answer = serving(served).request()
    assert (answer.status, answer.framing, answer.body) == (200, "chunked", b"x")
    assert [answer.get(name) for name in ("x-old", "server")] == [None, "fastfork"]


def test_environ_and_start_response_are_passed_by_position(serve: Serve) -> None:
    def app(*args: Any, **kwargs: Any) -> Iterable[bytes]:
        assert not kwargs
        environ, start_response = args
        assert type(environ) is dict
        assert callable(start_response("200 OK", []))
        return [b"x"]

    assert serve(app).connect().request().status == 200
