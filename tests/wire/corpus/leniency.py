"""What settings permit or refuse beyond the rules; each rule bears the name of its setting.

Runs in: cli
"""

from __future__ import annotations

from tests.wire.case import Want, Why, accept, get, head, post, refuse, starve, table

FOLDED = {"permit_obsolete_folding": True}
STRIPPED = {"strip_header_spaces": True}
METHODS = {"permit_unconventional_http_method": True}
VERSIONS = {"permit_unconventional_http_version": True}
ANY_CASE = {"casefold_http_method": True}
REFUSED = {"header_map": "refuse"}


def field(*fields: tuple[str, str]) -> Want:
    """A GET with these fields behind Host."""
    return Want(fields=((b"Host", b"a"), *((n.encode(), v.encode()) for n, v in fields)))


WHY = {
    "permit_obsolete_folding": Why(
        "Lines are joined by one space. Fields that frame, route or close may not be "
        "folded even then.",
        "RFC 9112 section 5.2",
        ("permit_obsolete_folding",),
    ),
    "strip_header_spaces": Why(
        "White space between name and colon goes.",
        "RFC 9112 section 5.1",
        ("strip_header_spaces",),
    ),
    "permit_unconventional_http_method": Why(
        "Every token is a method.",
        "RFC 9110 section 9.1",
        ("permit_unconventional_http_method",),
    ),
    "permit_unconventional_http_version": Why(
        "Other versions are served as the nearest that we speak.",
        "RFC 9110 section 2.5",
        ("permit_unconventional_http_version",),
    ),
    "casefold_http_method": Why(
        "Methods are read in any case and reach the application in upper case.",
        "RFC 9110 section 9.1",
        ("casefold_http_method",),
    ),
    "header_map": Why(
        "In the environ `X_A` and `X-A` are one name, so a client could send one where a "
        "proxy checks the other. The parser reports such fields; what becomes of them is "
        "this setting's to say.",
        "RFC 3875 section 4.1.18",
        ("header_map",),
    ),
}

CASES = [
    *table(
        "permit_obsolete_folding",
        accept(
            "two lines are joined by one space", get("A: b", " c"), field(("A", "b c")), **FOLDED
        ),
        accept(
            "white space around the fold goes",
            get("A: b \t", "\t  c "),
            field(("A", "b c")),
            **FOLDED,
        ),
        accept("an empty first line adds nothing", get("A:", " c"), field(("A", "c")), **FOLDED),
        accept("three lines", get("A: b", " c", "\td"), field(("A", "b c d")), **FOLDED),
        accept(
            "a field behind a fold",
            get("A: b", " c", "D: e"),
            field(("A", "b c"), ("D", "e")),
            **FOLDED,
        ),
        accept(
            "a folded Cookie", get("Cookie: b=1;", " c=2"), field(("Cookie", "b=1; c=2")), **FOLDED
        ),
        accept(
            "a body behind a fold",
            post("A: b", " c", "Content-Length: 2", body="xy"),
            Want(method="POST", content_length=2, body=b"xy"),
            **FOLDED,
        ),
        refuse(
            400, "a fold of the request line", head("GET / HTTP/1.1", " A: b", "Host: a"), **FOLDED
        ),
        refuse(400, "a folded Host", head("GET / HTTP/1.1", "Host: a", " b"), **FOLDED),
        refuse(400, "a folded Content-Length", post("Content-Length:", " 2", body="xy"), **FOLDED),
        refuse(
            400,
            "a folded Transfer-Encoding",
            post("Transfer-Encoding:", " chunked", body="0\r\n\r\n"),
            **FOLDED,
        ),
        refuse(400, "a folded Connection", get("Connection: x,", " close"), **FOLDED),
        refuse(400, "a folded Expect", get("Expect:", " 100-continue"), **FOLDED),
        refuse(400, "a line of white space", get("A: b", " ", "C: d"), **FOLDED),
        refuse(400, "a bare LF behind a fold", get("A: b", " c\n"), **FOLDED),
        refuse(400, "a control character behind a fold", get("A: b", " c\x01"), **FOLDED),
        accept(
            "the lines count together",
            get("A: b", " cde"),
            field(("A", "b cde")),
            field_size=12,
            **FOLDED,
        ),
        refuse(
            431, "and may not be longer together", get("A: b", " cdef"), field_size=12, **FOLDED
        ),
        starve("a fold that may go on", get("A: b", " c")[:-2], **FOLDED),
        refuse(
            400,
            "a trailer does not fold",
            post("Transfer-Encoding: chunked", body="0\r\nA: b\r\n c\r\n\r\n"),
            **FOLDED,
        ),
    ),
    *table(
        "strip_header_spaces",
        accept("a space before the colon", get("A : b"), field(("A", "b")), **STRIPPED),
        accept("a tab before the colon", get("A\t: b"), field(("A", "b")), **STRIPPED),
        accept(
            "Content-Length with a space frames",
            post("Content-Length : 2", body="xy"),
            Want(method="POST", content_length=2, body=b"xy"),
            **STRIPPED,
        ),
        refuse(
            400,
            "Content-Length with a space is a second one",
            post("Content-Length : 2", "Content-Length: 2", body="xy"),
            **STRIPPED,
        ),
        refuse(
            400,
            "Transfer-Encoding with a space meets Content-Length",
            post("Content-Length: 2", "Transfer-Encoding : chunked", body="xy"),
            **STRIPPED,
        ),
        refuse(
            400,
            "white space alone is no name",
            head("GET / HTTP/1.1", "Host: a", " : b"),
            **STRIPPED,
        ),
        refuse(400, "two words", get("A B: c"), **STRIPPED),
        refuse(400, "no colon", get("A "), **STRIPPED),
        refuse(400, "a fold is not meant", get("A : b", " c"), **STRIPPED),
    ),
    *table(
        "permit_unconventional_http_method",
        accept("one letter", head("G / HTTP/1.1", "Host: a"), Want(method="G"), **METHODS),
        accept(
            "lower case stays", head("get / HTTP/1.1", "Host: a"), Want(method="get"), **METHODS
        ),
        accept("a hash", head("A#B / HTTP/1.1", "Host: a"), Want(method="A#B"), **METHODS),
        accept(
            "21 letters",
            head("ABCDEFGHIJKLMNOPQRSTU / HTTP/1.1", "Host: a"),
            Want(method="ABCDEFGHIJKLMNOPQRSTU"),
            **METHODS,
        ),
        refuse(400, "no token", head("G@T / HTTP/1.1", "Host: a"), **METHODS),
        refuse(400, "none at all", head(" / HTTP/1.1", "Host: a"), **METHODS),
        refuse(400, "options is not OPTIONS", head("options * HTTP/1.1", "Host: a"), **METHODS),
    ),
    *table(
        "permit_unconventional_http_version",
        accept("HTTP/2.0 is served as 1.1", get(version="HTTP/2.0"), **VERSIONS),
        accept("HTTP/3.7 is served as 1.1", get(version="HTTP/3.7"), **VERSIONS),
        accept(
            "HTTP/0.9 is served as 1.0",
            head("GET / HTTP/0.9"),
            Want(version=(1, 0), keep_alive=False),
            **VERSIONS,
        ),
        refuse(400, "HTTP/2 without a digit", get(version="HTTP/2"), **VERSIONS),
        refuse(400, "lower case", get(version="http/1.1"), **VERSIONS),
        refuse(400, "the HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", **VERSIONS),
        refuse(
            400,
            "Transfer-Encoding in HTTP/0.9",
            post("Transfer-Encoding: chunked", body="0\r\n\r\n", version="HTTP/0.9"),
            **VERSIONS,
        ),
    ),
    *table(
        "casefold_http_method",
        accept("get is GET", head("get / HTTP/1.1", "Host: a"), Want(), **ANY_CASE),
        accept("Head is HEAD", head("Head / HTTP/1.1", "Host: a"), Want(method="HEAD"), **ANY_CASE),
        accept(
            "options is OPTIONS",
            head("options * HTTP/1.1", "Host: a"),
            Want(method="OPTIONS", path="*"),
            **ANY_CASE,
        ),
        refuse(501, "connect is CONNECT", head("connect a:1 HTTP/1.1", "Host: a"), **ANY_CASE),
        refuse(400, "too short all the same", head("go / HTTP/1.1", "Host: a"), **ANY_CASE),
    ),
    *table(
        "header_map",
        accept(
            "drop: the parser reports it, the environ leaves it out",
            get("A_B: c"),
            field(("A_B", "c")),
        ),
        accept(
            "dangerous: the parser reports it",
            get("A_B: c"),
            field(("A_B", "c")),
            header_map="dangerous",
        ),
        refuse(400, "refuse: a name with an underscore", get("A_B: c"), **REFUSED),
        refuse(400, "refuse: Content_Length", get("Content_Length: 3"), **REFUSED),
        accept("refuse: an underscore in a value", get("A: b_c"), field(("A", "b_c")), **REFUSED),
    ),
]
