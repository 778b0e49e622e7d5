"""Host: exactly one on 1.1, and uri-host [":" port] (RFC 9112 section 3.2, RFC 3986 3.2.2).

Runs in: cli
"""

from __future__ import annotations

from tests.wire.case import Case, Want, Why, accept, head, refuse, table

OLD = Want(version=(1, 0), keep_alive=False)
GET = "GET / HTTP/1.1"
GET_OLD = "GET / HTTP/1.0"


def good(host: str) -> Case:
    """A Host that is accepted."""
    return accept(repr(host), head(GET, f"Host: {host}"), Want())


def bad(host: str) -> Case:
    """A Host that is refused."""
    return refuse(400, repr(host), head(GET, f"Host: {host}"))


WHY = {
    "Host": Why(
        "Exactly one in HTTP/1.1, so that everybody on the way means the same site.",
        "RFC 9112 section 3.2",
    ),
    "valid Host": Why(
        "A name, an IPv4 or a bracketed IPv6 address, and perhaps a port.",
        "RFC 3986 section 3.2.2",
    ),
    "invalid Host": Why(
        "Applications build links from it.",
        "RFC 9112 section 3.2, RFC 3986 section 3.2.2",
    ),
}

CASES = [
    *table(
        "Host",
        refuse(400, "missing", head(GET)),
        refuse(400, "missing on 1.9", head("GET / HTTP/1.9")),
        accept("missing on 1.0", head(GET_OLD), OLD),
        accept("empty", head(GET, "Host:"), Want()),
        accept("any case of the name", head(GET, "hOST: a"), Want()),
        refuse(400, "twice", head(GET, "Host: a", "Host: b")),
        refuse(400, "twice and equal", head(GET, "Host: a", "Host: a")),
        refuse(400, "twice in two cases", head(GET, "Host: a", "HOST: a")),
        refuse(400, "twice, the second one empty", head(GET, "Host: a", "Host:")),
        refuse(400, "twice on 1.0", head(GET_OLD, "Host: a", "Host: a")),
        refuse(400, "bad on 1.0", head(GET_OLD, "Host: a b")),
        refuse(400, "only a name like it", head(GET, "Hosts: a", "X-Host: a")),
    ),
    *table(
        "valid Host",
        good("example.org"),
        good("EXAMPLE.ORG."),
        good("localhost:8000"),
        good("a:"),
        good(":80"),
        good("a:0"),
        good("a:65535"),
        good("127.0.0.1"),
        good("[::1]"),
        good("[::1]:8000"),
        good("[2001:DB8::ff00:42:8329]"),
        good("[::ffff:192.0.2.1]"),
        good("[0:0:0:0:0:0:0:1]"),
        good("1.2.3.4.5"),
        good("a..b"),
        good("a_b-c~d"),
        good("a%20b"),
        good("!$&'()*+,;="),
    ),
    *table(
        "invalid Host",
        *map(
            bad,
            [
                "a b",
                "a\tb",
                "a, b",
                "a/",
                "a/b",
                "a?b",
                "a#b",
                "u@a",
                "u:p@a",
                "http://a",
                "a\\b",
                'a"b',
                "a<b>",
                "a:x",
                "a:80x",
                "a:-1",
                "a:+80",
                "a: 80",
                "a:65536",
                "a:4294967376",
                "a:1:2",
                "::1",
                "a\xe9",
                "\xa0",
                "%",
                "a%2",
                "a%zz",
                "[",
                "[]",
                "[::1",
                "::1]",
                "[::1]x",
                "[::1]80",
                "[::1]:x",
                "[127.0.0.1]",
                "[1::2::3]",
                "[fe80::1%eth0]",
                "[v1.a]",
                "[1:2:3:4:5:6:7:8:9]",
                "[::ffff:999.0.2.1]",
                "[::1%25eth0]",
                "[::1]:65536",
                "[[::1]]",
                "[ ::1]",
                "a[::1]",
            ],
        ),
    ),
]
