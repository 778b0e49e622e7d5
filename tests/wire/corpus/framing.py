"""Content-Length and Transfer-Encoding (RFC 9112 section 6, RFC 9110 section 8.6).

Runs in: cli
"""

from __future__ import annotations

from tests.wire.case import Case, Want, Why, accept, get, head, post, refuse, starve, table

END = "0\r\n\r\n"
NEXT = get().decode()
ZEROS = "0" * 22


def sized(name: str, value: str, size: int) -> Case:
    """A Content-Length that is read as `size`."""
    raw = post(f"Content-Length:{value}", body="x" * size)
    return accept(name, raw, Want(method="POST", content_length=size, body=b"x" * size))


def bad_length(name: str, *values: str) -> Case:
    """Content-Length fields that are refused."""
    return refuse(400, name, post(*(f"Content-Length: {value}" for value in values), body="x"))


def coded(name: str, value: str) -> Case:
    """A Transfer-Encoding that is read as chunked."""
    raw = post(f"Transfer-Encoding:{value}", body=f"1\r\nx\r\n{END}")
    return accept(name, raw, Want(method="POST", chunked=True, body=b"x"))


def bad_coding(status: int, name: str, *values: str) -> Case:
    """Transfer-Encoding fields that are refused."""
    lines = (f"Transfer-Encoding: {value}" for value in values)
    return refuse(status, name, post(*lines, body=END))


WHY = {
    "no body": Why(
        "Without a length and without chunks there is none, whatever the method: what "
        "follows is the next request.",
        "RFC 9112 section 6.3",
    ),
    "Content-Length": Why(
        "Digits, once. Signs, lists, other digits of Unicode and a second field are each "
        "taken by some program and read differently by another.",
        "RFC 9110 section 8.6, RFC 9112 section 6.3",
    ),
    "limit_request_body": Why(
        "Known from the head, a body that is too large is refused before it is sent.",
        "RFC 9110 section 15.5.14",
        ("limit_request_body",),
    ),
    "Transfer-Encoding": Why(
        "Exactly `chunked`. Everything else is either a coding that we do not have (501) "
        "or an attempt to be read in two ways; beside Content-Length it always is.",
        "RFC 9112 sections 6.1 and 6.3",
    ),
}

CASES = [
    *table(
        "no body",
        accept("GET", get() + get(), Want(), Want()),
        accept("POST without a length", post() + get(), Want(method="POST"), Want()),
        refuse(
            400, "POST without a length, but with data", post(body="a=b\r\n"), Want(method="POST")
        ),
    ),
    *table(
        "Content-Length",
        sized("zero", " 0", 0),
        sized("one", " 1", 1),
        sized("no space", "3", 3),
        sized("spaces around it", "   3   ", 3),
        sized("tabs around it", "\t3\t", 3),
        sized("leading zeros", " 003", 3),
        sized("40 characters", " " + "0" * 39 + "3", 3),
        sized("longer than a read", " 70000", 70000),
        accept(
            "on GET",
            get("Content-Length: 3") + b"abc" + get(),
            Want(content_length=3, body=b"abc"),
            Want(),
        ),
        accept(
            "on 1.0",
            post("Content-Length: 3", body="abc", version="HTTP/1.0"),
            Want(
                method="POST",
                version=(1, 0),
                keep_alive=False,
                content_length=3,
                body=b"abc",
            ),
        ),
        accept(
            "a request in the body stays there",
            post(f"Content-Length: {len(NEXT)}", body=NEXT) + get(),
            Want(method="POST", content_length=len(NEXT), body=NEXT.encode()),
            Want(),
        ),
        accept(
            "a name with an underscore is another field",
            post("Content_Length: 3") + get(),
            Want(method="POST"),
            Want(),
        ),
        starve("body one byte short", post("Content-Length: 4", body="abc")),
        starve("no byte of the body", post("Content-Length: 4")),
        starve("18 digits", post("Content-Length: " + "9" * 18), max_body=0),
        refuse(400, "19 digits", post("Content-Length: 1" + "0" * 18), max_body=0),
        bad_length("41 characters", ZEROS + "0" * 18 + "1"),
        bad_length("empty", ""),
        bad_length("plus sign", "+1"),
        bad_length("minus sign", "-1"),
        bad_length("minus zero", "-0"),
        bad_length("hexadecimal", "0x1"),
        bad_length("hexadecimal digit", "a"),
        bad_length("exponent", "1e0"),
        bad_length("decimal point", "1.0"),
        bad_length("underscore", "1_0"),
        bad_length("space inside", "1 0"),
        bad_length("tab inside", "1\t0"),
        bad_length("list of equal ones", "1, 1"),
        bad_length("list of different ones", "1, 2"),
        bad_length("comma behind", "1,"),
        bad_length("comma in front", ",1"),
        bad_length("semicolon behind", "1;"),
        bad_length("quotes", '"1"'),
        bad_length("word", "chunked"),
        bad_length("superscript digit", "\xb9"),
        bad_length("Arabic digit", "\xd9\xa1"),
        bad_length("no-break space", "1\xa0"),
        bad_length("NEL behind", "1\x85"),
        bad_length("NUL behind", "1\x00"),
        bad_length("vertical tab behind", "1\x0b"),
        bad_length("2**32", "4294967296, 0"),
        bad_length("2**64 + 1", "18446744073709551617"),
        bad_length("twice and equal", "1", "1"),
        bad_length("twice and different", "1", "2"),
        bad_length("twice, the second one empty", "1", ""),
        bad_length("three times", "1", "1", "1"),
        refuse(
            400,
            "twice in two cases",
            post("Content-Length: 1", "CONTENT-LENGTH: 1", body="x"),
        ),
    ),
    *table(
        "limit_request_body",
        accept(
            "as large as allowed",
            post("Content-Length: 4", body="abcd"),
            Want(method="POST", content_length=4, body=b"abcd"),
            max_body=4,
        ),
        refuse(413, "one byte more", post("Content-Length: 5", body="abcde"), max_body=4),
        refuse(413, "before the body is there", post("Content-Length: 5"), max_body=4),
        refuse(413, "more than 32 bits", post("Content-Length: 4294967297"), max_body=4),
        refuse(413, "default", post("Content-Length: 1073741825")),
        starve("as much as the default", post("Content-Length: 1073741824")),
        refuse(
            400,
            "a second length comes first",
            post("Content-Length: 5", "Content-Length: 5"),
            max_body=4,
        ),
        refuse(
            400,
            "a missing Host comes first",
            head("POST / HTTP/1.1", "Content-Length: 5"),
            max_body=4,
        ),
        accept(
            "chunks as large as allowed",
            post("Transfer-Encoding: chunked", body=f"2\r\nab\r\n2\r\ncd\r\n{END}"),
            Want(method="POST", chunked=True, body=b"abcd"),
            max_body=4,
        ),
        refuse(
            413,
            "chunks one byte larger",
            post("Transfer-Encoding: chunked", body=f"2\r\nab\r\n3\r\ncde\r\n{END}"),
            max_body=4,
        ),
        refuse(
            413,
            "one chunk too large, before its data",
            post("Transfer-Encoding: chunked", body="5\r\n"),
            max_body=4,
        ),
    ),
    *table(
        "Transfer-Encoding",
        coded("chunked", " chunked"),
        coded("no space", "chunked"),
        coded("any case", " CHUNKED"),
        coded("mixed case", " Chunked"),
        coded("spaces around it", "  chunked  "),
        coded("tab in front", "\tchunked"),
        coded("tab behind", "chunked\t"),
        coded("tab behind a space", "chunked \t"),
        coded("tabs on both sides", "\tchunked\t"),
        coded("tabs and spaces behind", " chunked \t \t"),
        accept(
            "any case of the name",
            post("TRANSFER-encoding: chunked", body=END),
            Want(method="POST", chunked=True),
        ),
        accept(
            "on GET",
            get("Transfer-Encoding: chunked") + END.encode() + get(),
            Want(chunked=True),
            Want(),
        ),
        accept(
            "a name with an underscore is another field",
            post("Transfer_Encoding: chunked") + get(),
            Want(method="POST"),
            Want(),
        ),
        refuse(400, "on 1.0", post("Transfer-Encoding: chunked", body=END, version="HTTP/1.0")),
        refuse(
            400,
            "with Content-Length",
            post("Transfer-Encoding: chunked", "Content-Length: 5", body=END),
        ),
        refuse(
            400,
            "behind Content-Length",
            post("Content-Length: 5", "Transfer-Encoding: chunked", body=END),
        ),
        refuse(
            400,
            "with Content-Length zero",
            post("Content-Length: 0", "Transfer-Encoding: chunked", body=END),
        ),
        refuse(
            400,
            "unknown, with Content-Length",
            post("Content-Length: 5", "Transfer-Encoding: x", body=END),
        ),
        refuse(
            400,
            "with Content-Length named in Connection",
            post("Connection: content-length", "Content-Length: 5", "Transfer-Encoding: chunked"),
        ),
        bad_coding(400, "empty", ""),
        bad_coding(400, "identity", "identity"),
        bad_coding(400, "gzip alone", "gzip"),
        bad_coding(400, "unknown", "x"),
        bad_coding(400, "unknown, then chunked", "x, chunked"),
        bad_coding(400, "identity, then chunked", "identity, chunked"),
        bad_coding(400, "chunked, then identity", "chunked, identity"),
        bad_coding(400, "chunked, then gzip", "chunked, gzip"),
        bad_coding(400, "twice in a list", "chunked, chunked"),
        bad_coding(400, "twice in two fields", "chunked", "chunked"),
        bad_coding(400, "something in a second field", "chunked", "x"),
        bad_coding(400, "empty second field", "chunked", ""),
        bad_coding(400, "empty first field", "", "chunked"),
        bad_coding(400, "empty member in front", ",chunked"),
        bad_coding(400, "empty member behind", "chunked,"),
        bad_coding(400, "parameter", "chunked;q=1"),
        bad_coding(400, "parameter without value", "chunked;"),
        bad_coding(400, "quotes", '"chunked"'),
        bad_coding(400, "single quotes", "'chunked'"),
        bad_coding(400, "letter more in front", "xchunked"),
        bad_coding(400, "letter more behind", "chunkedx"),
        bad_coding(400, "letter less", "chunke"),
        bad_coding(400, "space inside", "chun ked"),
        bad_coding(400, "two words", "x chunked"),
        bad_coding(400, "no-break space in front", "\xa0chunked"),
        bad_coding(400, "no-break space behind", "chunked\xa0"),
        bad_coding(400, "NEL behind", "chunked\x85"),
        bad_coding(400, "tab inside", "chun\tked"),
        bad_coding(400, "nothing but a tab", "\t"),
        bad_coding(400, "tab behind a comma", "chunked,\t"),
        bad_coding(400, "tab behind the first of two fields", "chunked\t", "chunked"),
        bad_coding(400, "vertical tab in front", "\x0bchunked"),
        bad_coding(400, "form feed behind", "chunked\x0c"),
        bad_coding(400, "NUL behind", "chunked\x00"),
        bad_coding(400, "Kelvin sign", "chun\xe2\x84\xaaed"),
        bad_coding(400, "folded", "\r\n chunked"),
        bad_coding(501, "gzip, then chunked", "gzip, chunked"),
        bad_coding(501, "gzip, then chunked in two fields", "gzip", "chunked"),
        bad_coding(501, "deflate", "deflate, chunked"),
        bad_coding(501, "compress", "Compress,chunked"),
        bad_coding(501, "two codings", "gzip, deflate, chunked"),
        bad_coding(501, "the same coding twice", "gzip, gzip, chunked"),
        bad_coding(400, "gzip with a parameter", "gzip;q=1, chunked"),
        bad_coding(501, "gzip by its old name", "x-gzip, chunked"),
        bad_coding(400, "chunked on both sides", "chunked, gzip, chunked"),
        bad_coding(400, "empty member between", "gzip,, chunked"),
        bad_coding(400, "gzip behind chunked in a second field", "chunked", "gzip"),
        refuse(400, "space before the colon", post("Transfer-Encoding : chunked", body=END)),
    ),
]
