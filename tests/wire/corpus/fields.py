"""Field lines (RFC 9112 section 5, RFC 9110 sections 5.1, 5.5).

Runs in: cli
"""

from __future__ import annotations

from tests.wire.case import Case, Want, Why, accept, get, head, refuse, starve, table

HOST = (b"Host", b"a")


def read(name: str, line: str, *fields: tuple[bytes, bytes]) -> Case:
    """A field line that is read as these fields."""
    return accept(name, get(line), Want(fields=(HOST, *fields)))


def bad(name: str, line: str) -> Case:
    """A field line that is refused."""
    return refuse(400, name, get(line))


WHY = {
    "field line": Why(
        "A name that is a token, a colon directly behind it, and white space around the "
        "value that does not count: space and tab only, whatever else may be blank in "
        "Unicode.",
        "RFC 9112 section 5.1, RFC 9110 section 5.6.3",
        (
            "strip_header_spaces",
            "header_map",
        ),
    ),
    "line ends of fields": Why(
        "CRLF. A bare LF or CR is a line end for some and not for others.",
        "RFC 9112 section 2.2",
    ),
    "obs-fold": Why(
        "A line that goes on on the next one hides fields from whoever does not join them.",
        "RFC 9112 section 5.2",
        ("permit_obsolete_folding",),
    ),
    "bytes of a value": Why(
        "Control characters mean something to terminals, logs and C strings. Bytes from "
        "0x80 are text of an unknown encoding and reach the application as latin-1.",
        "RFC 9110 section 5.5",
    ),
    "Content-Type": Why(
        "It has one value; two would be read differently by different programs.",
        "RFC 9110 section 8.3",
    ),
}

CASES = [
    *table(
        "field line",
        read("plain", "A: b", (b"A", b"b")),
        read("no space", "A:b", (b"A", b"b")),
        read("spaces and tabs around the value", "A: \t b \t ", (b"A", b"b")),
        read("spaces and tabs in the value", "A: b \t c", (b"A", b"b \t c")),
        read("empty value", "A:", (b"A", b"")),
        read("value of white space", "A: \t", (b"A", b"")),
        read("colon in the value", "A: b: c", (b"A", b"b: c")),
        read("colon first in the value", "A::", (b"A", b":")),
        read("case stays", "aBc: DeF", (b"aBc", b"DeF")),
        read("every mark of a token", "!#$%&'*+-.^`|~9: b", (b"!#$%&'*+-.^`|~9", b"b")),
        read("repeated", "A: 1\r\nA: 2", (b"A", b"1"), (b"A", b"2")),
        read("Proxy, which the environ leaves out", "Proxy: b", (b"Proxy", b"b")),
        read("in order", "B: 1\r\nA: 2\r\nB: 3", (b"B", b"1"), (b"A", b"2"), (b"B", b"3")),
        read(
            "Cookie twice", "Cookie: a=1\r\nCookie: b=2", (b"Cookie", b"a=1"), (b"Cookie", b"b=2")
        ),
        bad("no colon", "A"),
        bad("no colon, but a value", "A b"),
        bad("empty name", ": b"),
        bad("only a colon", ":"),
        bad("space before the colon", "A : b"),
        bad("tab before the colon", "A\t: b"),
        bad("space in the name", "A B: c"),
        bad("parenthesis in the name", "A(: c"),
        bad("equal sign in the name", "A=: c"),
        bad("slash in the name", "A/B: c"),
        bad("quote in the name", 'A": c'),
        bad("bracket in the name", "[A]: c"),
        bad("at-sign in the name", "A@B: c"),
        bad("NUL in the name", "A\x00: b"),
        bad("vertical tab in the name", "A\x0b: b"),
        bad("DEL in the name", "A\x7f: b"),
        bad("obs-text in the name", "\xc4: b"),
        bad("no-break space before the colon", "A\xa0: b"),
        starve("without its end", b"GET / HTTP/1.1\r\nHost: a"),
        starve("without the LF of its end", b"GET / HTTP/1.1\r\nHost: a\r"),
        starve("without the empty line", b"GET / HTTP/1.1\r\nHost: a\r\n"),
        starve("half an empty line", b"GET / HTTP/1.1\r\nHost: a\r\n\r"),
    ),
    *table(
        "line ends of fields",
        refuse(400, "bare LF", b"GET / HTTP/1.1\r\nHost: a\nA: b\r\n\r\n"),
        refuse(400, "bare CR", b"GET / HTTP/1.1\r\nHost: a\rA: b\r\n\r\n"),
        refuse(400, "CR CR LF", b"GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"),
        refuse(400, "bare LF as the empty line", b"GET / HTTP/1.1\r\nHost: a\r\n\n"),
        refuse(400, "LF LF", b"GET / HTTP/1.1\r\nHost: a\n\n"),
        refuse(400, "bare CR as the empty line", b"GET / HTTP/1.1\r\nHost: a\r\n\rGET / HTTP/1.1"),
        refuse(400, "bare LF in a name", b"GET / HTTP/1.1\r\nHost: a\r\nA\nB: c\r\n\r\n"),
    ),
    *table(
        "obs-fold",
        bad("space", "A: b\r\n c"),
        bad("tab", "A: b\r\n\tc"),
        bad("only white space", "A: b\r\n "),
        bad("behind an empty value", "A:\r\n b"),
        refuse(400, "before the first field", head("GET / HTTP/1.1", " Host: a")),
        bad("that hides a length", "A: b\r\n Content-Length: 3"),
    ),
    *table(
        "bytes of a value",
        read("obs-text", "A: \x80\xff", (b"A", b"\x80\xff")),
        read("UTF-8", "A: \xc3\xa9", (b"A", b"\xc3\xa9")),
        read("no-break space is not trimmed", "A: \xa0b\xa0", (b"A", b"\xa0b\xa0")),
        read("NEL is no line end", "A: b\x85C: d", (b"A", b"b\x85C: d")),
        read("tab", "A: b\tc", (b"A", b"b\tc")),
        read("first and last visible", "A: !~", (b"A", b"!~")),
        read("quotes and backslash", 'A: "b\\"', (b"A", b'"b\\"')),
        *(
            bad(f"0x{byte:02x}", f"A: b{chr(byte)}c")
            for byte in (0x00, 0x01, 0x08, 0x0B, 0x0C, 0x0E, 0x1B, 0x1F, 0x7F)
        ),
        bad("vertical tab is no white space in front", "A:\x0bb"),
        bad("form feed is no white space behind", "A: b\x0c"),
        bad("NUL behind many good ones", "A: " + "b" * 100 + "\x00"),
    ),
    *table(
        "Content-Type",
        read("once", "Content-Type: a/b", (b"Content-Type", b"a/b")),
        bad("twice", "Content-Type: a/b\r\nContent-Type: a/b"),
        bad("twice in two cases", "Content-Type: a/b\r\nCONTENT-TYPE: c/d"),
    ),
]
