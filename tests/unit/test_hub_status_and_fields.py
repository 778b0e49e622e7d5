"""What start_response takes as status and fields, and what of it is sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import pytest

from tests.kit.blocks import returning
from tests.kit.inproc import refused
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


class Text(str):
    """A str that is not only one."""

    __slots__ = ()


def names_of_a_kind(name: str) -> list[str]:
    """The same characters as one object, twice, and as others."""
    return [name, name, "".join(list(name)), Text(name), name.upper()]


@pytest.mark.parametrize("name", ["X-A", "te", "x" * 64, "x" * 65, "Keep-Alive", "Trailer"])
def test_name_means_the_same_however_often_it_comes(serve: Serve, name: str) -> None:
    names = names_of_a_kind(name)
    served = serve(returning([b"x"], *[(one, "1") for one in names]))
    client = served.connect()
    is_ours = name in ("te", "Keep-Alive", "Trailer")
    for _ in range(2):
        answer = client.request()
        sent = [one for one, _ in answer.fields if one.lower() == name.lower()]
        assert sent == ([] if is_ours else [str(one) for one in names])
    if is_ours:
        served.logged(f"hop-by-hop header {name.lower()!r}")


def test_more_names_than_are_remembered_are_all_sent(serve: Serve) -> None:
    names = [f"X-{number}" for number in range(1000)]
    client = serve(returning([b"x"], *[(name, name) for name in names])).connect()
    for _ in range(2):
        fields = client.request().fields
        assert [name for name, value in fields if name == value] == names


@pytest.mark.parametrize("name", ["X A", "X-\u20ac", ""], ids=repr)
def test_bad_name_is_refused_each_time(serve: Serve, name: str) -> None:
    served = serve(returning([b"x"], (name, "1")))
    for _ in range(2):
        refused(served, "ValueError: ")


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
