"""Chunked bodies (RFC 9112 section 7.1).

Runs in: cli
"""

from __future__ import annotations

from tests.wire.case import Case, Want, Why, accept, get, post, refuse, starve, table

END = "0\r\n\r\n"


def raw(body: str) -> bytes:
    """A request with this body as it is on the wire."""
    return post("Transfer-Encoding: chunked", body=body)


def good(name: str, body: str, decoded: str, **settings: int) -> Case:
    """A body that is decoded; the next request is found behind it."""
    want = Want(method="POST", chunked=True, body=decoded.encode("latin-1"))
    return accept(name, raw(body) + get(), want, Want(), **settings)


def bad(name: str, body: str, status: int = 400, **settings: int) -> Case:
    """A body that is refused."""
    return refuse(status, name, raw(body), **settings)


def size(name: str, line: str) -> Case:
    """A chunk of one byte whose size line is refused."""
    return bad(name, f"{line}\r\na\r\n{END}")


def extension(name: str, line: str) -> Case:
    """A chunk of one byte whose extensions are accepted."""
    return good(name, f"1;{line}\r\na\r\n{END}", "a")


def trailer(name: str, lines: str, **settings: int) -> Case:
    """A trailer section that is accepted."""
    return good(name, f"0\r\n{lines}\r\n\r\n", "", **settings)


def bad_trailer(name: str, lines: str, status: int = 400, **settings: int) -> Case:
    """A trailer section that is refused."""
    return bad(name, f"1\r\na\r\n0\r\n{lines}\r\n\r\n", status, **settings)


WHY = {
    "chunks": Why(
        "The body is received and decoded whole before the application is called.",
        "RFC 9112 section 7.1",
        ("limit_request_body",),
    ),
    "chunk size": Why(
        "Hexadecimal digits and nothing around them; a number that wraps is another number.",
        "RFC 9112 section 7.1",
    ),
    "line ends of chunks": Why(
        "CRLF behind the size and behind the data. Whoever skips two bytes unseen reads "
        "the next chunk from elsewhere.",
        "RFC 9112 section 7.1",
    ),
    "chunk extensions": Why(
        "Nobody uses them, so they are read by the grammar (with its white space around "
        "semicolon and equal sign), forgotten, and bounded: 256 bytes a line, 16 KiB a body.",
        "RFC 9112 section 7.1.1",
    ),
    "trailer fields": Why(
        "Checked as fields, bounded as a head is, and dropped, also those that may not be "
        "there. Only what would frame or route the request again is refused: whoever heeds it "
        "reads another request.",
        "RFC 9110 section 6.5.1",
        (
            "limit_request_fields",
            "limit_request_field_size",
            "limit_request_head",
        ),
    ),
}

CASES = [
    *table(
        "chunks",
        good("none", END, ""),
        good("one", f"3\r\nabc\r\n{END}", "abc"),
        good("two", f"3\r\nabc\r\n2\r\nde\r\n{END}", "abcde"),
        good("hundred of one byte", "1\r\na\r\n" * 100 + END, "a" * 100),
        good("data like framing", f"5\r\n0\r\n\r\n\r\n{END}", "0\r\n\r\n"),
        good("data with every kind of byte", f"4\r\n\x00\n\r\xff\r\n{END}", "\x00\n\r\xff"),
        good(
            "hexadecimal", f"A\r\n0123456789\r\nb\r\n0123456789a\r\n{END}", "01234567890123456789a"
        ),
        good("two digits", f"10\r\n{'x' * 16}\r\n{END}", "x" * 16),
        good("leading zeros", "0003\r\nabc\r\n000\r\n\r\n", "abc"),
        good("40 digits", f"{'0' * 39}1\r\na\r\n{END}", "a"),
        good("longer than a read", f"11170\r\n{'x' * 70000}\r\n{END}", "x" * 70000),
        starve("nothing", raw("")),
        starve("size without end", raw("3")),
        starve("half of the data", raw("3\r\na")),
        starve("no line end behind the data", raw("3\r\nabc")),
        starve("no last chunk", raw("3\r\nabc\r\n")),
        starve("no empty line", raw("3\r\nabc\r\n0\r\n")),
        starve("half an empty line", raw("3\r\nabc\r\n0\r\n\r")),
    ),
    *table(
        "chunk size",
        size("empty", ""),
        size("plus sign", "+1"),
        size("minus sign", "-1"),
        size("prefix 0x", "0x1"),
        size("underscore", "1_0"),
        size("space in front", " 1"),
        size("space behind", "1 "),
        size("tab behind", "1\t"),
        size("no hexadecimal digit", "g"),
        size("letter behind", "1g"),
        size("decimal point", "1.0"),
        size("comma", "1,"),
        size("quotes", '"1"'),
        size("NUL behind", "1\x00"),
        size("vertical tab behind", "1\x0b"),
        size("no-break space", "1\xa0"),
        size("full-width digit", "\xef\xbc\x91"),
        size("41 digits", "0" * 40 + "1"),
        size("17 digits", "1" + "0" * 16),
        size("17 digits that are 1 in 64 bits", "1" + "0" * 15 + "1"),
        bad("16 digits, more than 63 bits", "f" * 16 + "\r\n", 413),
        bad("16 digits without a limit", "f" * 16 + "\r\n", 413, max_body=0),
        bad("the sum wraps", f"1\r\na\r\n{'f' * 16}\r\n", 413, max_body=0),
        starve("15 digits without a limit", raw("f" * 15 + "\r\n"), max_body=0),
    ),
    *table(
        "line ends of chunks",
        bad("bare LF behind the size", f"1\na\r\n{END}"),
        bad("bare CR behind the size", f"1\ra\r\n{END}"),
        bad("CR CR LF behind the size", f"1\r\r\na\r\n{END}"),
        bad("bare LF behind the data", f"1\r\na\n{END}"),
        bad("bare CR behind the data", f"1\r\na\r{END}"),
        bad("nothing behind the data", f"1\r\na{END}"),
        bad("two other bytes behind the data", f"1\r\naXX{END}"),
        bad("another byte for CR", f"1\r\naX\n{END}"),
        bad("another byte for LF", f"1\r\na\rX{END}"),
        bad("size one too small", f"1\r\nab\r\n{END}"),
        bad("size one too large", f"3\r\nab\r\n{END}"),
        bad("empty line between chunks", f"1\r\na\r\n\r\n{END}"),
        bad("bare LF behind the last chunk", "0\n\r\n"),
        bad("bare LF as the last line", "0\r\n\n"),
        bad("bare CR as the last line", "0\r\n\rX"),
        bad("no empty line before the next request", "0\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ),
    *table(
        "chunk extensions",
        extension("name", "a"),
        extension("name and value", "a=b"),
        extension("two", "a=b;c"),
        extension("quoted value", 'a="b c"'),
        extension("empty quoted value", 'a=""'),
        extension("escaped quote", 'a="\\""'),
        extension("semicolon and CRLF-free text in quotes", 'a="b;c,d"'),
        extension("tab and obs-text in quotes", 'a="\t\xe9"'),
        extension("256 bytes", "a" * 255),
        good("behind the last chunk", "0;a=b\r\n\r\n", ""),
        size("257 bytes", "1;" + "a" * 256),
        size("without end", "1;" + "a" * 5000),
        good("16 KiB in a body", ("1;" + "a" * 255 + "\r\nx\r\n") * 64 + END, "x" * 64),
        bad("more than 16 KiB in a body", ("1;" + "a" * 255 + "\r\nx\r\n") * 65 + END),
        size("empty name", "1;"),
        size("empty name, then one", "1;;a"),
        size("value without name", "1;=b"),
        size("empty value", "1;a="),
        size("two equal signs", "1;a==b"),
        extension("space in front of the name", " a"),
        extension("space around the equal sign", "a = b"),
        extension("tabs around the equal sign", "a\t=\tb"),
        extension("space around quotes", 'a = "b" ;c'),
        extension("space before the second semicolon", "a ; b"),
        extension("space behind a value and before a semicolon", "a=b\t ;c"),
        extension("256 bytes with spaces", " " * 100 + "a" + " " * 100 + ";" + "b" * 53),
        good("space before the semicolon", f"1 ;a\r\na\r\n{END}", "a"),
        good("tabs before the semicolon", f"1\t\t;a\r\na\r\n{END}", "a"),
        good("space before a semicolon behind the last chunk", "0 ; a\r\n\r\n", ""),
        size("spaces before the semicolon, 257 bytes", "1" + " " * 256 + ";a"),
        size("spaces behind the name, 257 bytes", "1;a" + " " * 255 + "=b"),
        size("spaces without end", "1" + " " * 5000),
        bad(
            "more than 16 KiB of spaces in a body",
            ("1" + " " * 253 + ";a\r\nx\r\n") * 65 + END,
        ),
        size("space behind a name", "1;a "),
        size("tab behind a value", "1;a=b\t"),
        size("space behind quotes", '1;a="b" '),
        size("space behind the equal sign only", "1;a= "),
        size("space and no name", "1; "),
        size("space before the semicolon and no name", "1 ;"),
        size("space inside a name", "1;a b"),
        size("space inside a value", "1;a=b c"),
        size("digits behind a space", "1 1"),
        size("digits behind a space, then an extension", "1 1;a"),
        size("equal sign behind a size", "1 =a"),
        size("no-break space before the semicolon", "1\xa0;a"),
        size("vertical tab before the semicolon", "1\x0b;a"),
        bad("bare LF behind a space", f"1 \na\r\n{END}"),
        size("text behind the quotes", '1;a="b"c'),
        size("unclosed quotes", '1;a="b'),
        size("control byte in quotes", '1;a="\x01"'),
        size("NUL in the name", "1;\x00"),
        size("obs-text in the name", "1;\xe9"),
        bad("bare LF", f"1;a\na\r\n{END}"),
        bad("bare LF in quotes", f'1;a="\n"\r\na\r\n{END}'),
        bad("bare CR", f"1;a\ra\r\n{END}"),
        bad("line end in quotes", f'1;a="\r\n"\r\na\r\n{END}'),
    ),
    *table(
        "trailer fields",
        trailer("one", "A: b"),
        trailer("two", "A: b\r\nC: d"),
        trailer("empty value", "A:"),
        trailer("obs-text", "A: \xe9"),
        trailer("a name like a forbidden one", "Hostname: b"),
        *(
            bad_trailer(f"{name} is forbidden", f"{name}: 1")
            for name in ("Content-Length", "Transfer-Encoding", "Host")
        ),
        *(
            trailer(f"{name} is dropped", f"{name}: 1")
            for name in (
                "Connection",
                "TE",
                "Trailer",
                "Authorization",
                "Proxy-Authorization",
                "Cookie",
                "Expect",
                "Content-Type",
                "Content-Encoding",
                "Upgrade",
                "Cache-Control",
                "Forwarded",
                "X-Forwarded-For",
                "Proxy",
                "Range",
            )
        ),
        bad_trailer("forbidden in any case", "hOST: 1"),
        bad_trailer("forbidden behind another", "A: b\r\nHost: 1"),
        bad_trailer("no colon", "A"),
        bad_trailer("empty name", ": b"),
        bad_trailer("space before the colon", "A : b"),
        bad_trailer("obs-fold", "A: b\r\n c"),
        bad_trailer("white space first", " A: b"),
        bad_trailer("control byte", "A: \x01"),
        bad_trailer("NUL", "A: b\x00"),
        bad_trailer("DEL", "A: \x7f"),
        bad_trailer("bare LF", "A: b\nC: d"),
        bad_trailer("bare CR", "A: b\rC: d"),
        trailer("as many as allowed", "A: b\r\nC: d", fields=3),
        bad_trailer("too many", "A: b\r\nC: d\r\nE: f\r\nG: h", 431, fields=3),
        trailer("as long as allowed", "A: " + "b" * 35, field_size=40),
        bad_trailer("too long", "A: " + "b" * 36, 431, field_size=40),
        bad_trailer("more than a head may have", "A: b\r\n" * 20 + "C: d", 431, head=100),
    ),
]
