"""Sizes of a head: the last one that passes, the first one that does not (RFC 9112 section
3, RFC 6585 section 5).

Runs in: cli
"""

from __future__ import annotations

from tests.wire.case import Case, Want, Why, accept, get, head, refuse, starve, table

LINE = len("GET / HTTP/1.1")


def long_line(name: str, size: int, status: int | None = None, **settings: int) -> Case:
    """A request line of `size` bytes."""
    target = "/" + "a" * (size - LINE)
    if status:
        return refuse(status, name, get(target=target), **settings)
    return accept(name, get(target=target), Want(path=target), **settings)


def long_field(name: str, size: int, status: int | None = None, **settings: int) -> Case:
    """A field line of `size` bytes, CRLF included."""
    raw = get("A:" + "b" * (size - 4))
    return refuse(status, name, raw, **settings) if status else accept(name, raw, **settings)


def many_fields(name: str, count: int, status: int | None = None, **settings: int) -> Case:
    """`count` field lines, Host among them."""
    raw = get(*["A: b"] * (count - 1))
    return refuse(status, name, raw, **settings) if status else accept(name, raw, **settings)


HEAD = len(get("A: b"))

WHY = {
    "limit_request_line": Why(
        "8190 bytes; the RFC asks for 8000 at least.",
        "RFC 9112 section 3",
        ("limit_request_line",),
    ),
    "limit_request_field_size": Why(
        "8190 bytes a line, its end included.",
        "RFC 6585 section 5",
        ("limit_request_field_size",),
    ),
    "limit_request_fields": Why(
        "100 fields.",
        "RFC 6585 section 5",
        ("limit_request_fields",),
    ),
    "limit_request_head": Why(
        "256 KiB, whatever the other limits add up to.",
        "RFC 6585 section 5",
        ("limit_request_head",),
    ),
}

CASES = [
    *table(
        "limit_request_line",
        long_line("as long as allowed", 30, line=30),
        long_line("one byte more", 31, 414, line=30),
        long_line("two bytes more", 32, 414, line=30),
        long_line("default, as long as allowed", 8190),
        long_line("default, one byte more", 8191, 414),
        long_line("none", 20000, line=0, head=0),
        refuse(414, "without end", b"GET /" + b"a" * 40, line=30),
        refuse(414, "a method without end", b"A" * 40, line=30),
        starve("without end, but short", b"GET /" + b"a" * 20, line=30),
        accept("empty lines do not count", b"\r\n" * 4 + get(), line=LINE),
        refuse(414, "in the second request", get() + get(target="/" + "a" * 40), Want(), line=30),
    ),
    *table(
        "limit_request_field_size",
        long_field("as long as allowed", 40, field_size=40),
        long_field("one byte more", 41, 431, field_size=40),
        long_field("two bytes more", 42, 431, field_size=40),
        long_field("default, as long as allowed", 8190),
        long_field("default, one byte more", 8191, 431),
        long_field("none", 20000, field_size=0),
        refuse(431, "without end", head("GET / HTTP/1.1")[:-2] + b"A: " + b"b" * 60, field_size=40),
        refuse(431, "a name without end", head("GET / HTTP/1.1")[:-2] + b"A" * 60, field_size=40),
        refuse(431, "white space only", get("A:" + " " * 60), field_size=40),
    ),
    *table(
        "limit_request_fields",
        many_fields("as many as allowed", 3, fields=3),
        many_fields("one more", 4, 431, fields=3),
        many_fields("default, as many as allowed", 100),
        many_fields("default, one more", 101, 431),
        many_fields("none", 500, fields=0),
        many_fields("a thousand repeats", 1000, fields=1000),
        refuse(431, "known at its first byte", get("A: b", "A: b")[:-2] + b"X", fields=3),
    ),
    *table(
        "limit_request_head",
        accept("as long as allowed", get("A: b"), head=HEAD),
        refuse(431, "one byte more", get("A: b"), head=HEAD - 1),
        refuse(431, "two bytes more", get("A: b"), head=HEAD - 2),
        refuse(431, "empty lines count", b"\r\n" + get("A: b"), head=HEAD),
        refuse(431, "the request line alone", get(), head=10),
        accept("each request has its own", get("A: b") * 3, Want(), Want(), Want(), head=HEAD),
        refuse(431, "without end", get("A: " + "b" * 300), head=100),
    ),
]
