"""Connection, Expect, Upgrade, and requests one behind the other (RFC 9110 sections 7.6.1,
7.8 and 10.1.1, RFC 9112 section 9.3).

Runs in: cli
"""

from __future__ import annotations

from tests.wire.case import Case, Want, Why, accept, get, head, post, refuse, starve, table

END = "0\r\n\r\n"
OLD = "HTTP/1.0"


def keeps(name: str, *values: str) -> Case:
    """Connection fields on 1.1 that leave it open."""
    return accept(name, get(*(f"Connection: {value}" for value in values)))


def closes(name: str, *values: str) -> Case:
    """Connection fields on 1.1 that close it."""
    return accept(name, get(*(f"Connection: {value}" for value in values)), Want(keep_alive=False))


def old(name: str, keep_alive: bool, *values: str) -> Case:
    """Connection fields on 1.0."""
    lines = (f"Connection: {value}" for value in values)
    return accept(name, get(*lines, version=OLD), Want(version=(1, 0), keep_alive=keep_alive))


def expects(name: str, value: str, expect: bool, size: int = 1) -> Case:
    """An Expect field before a body of `size` bytes."""
    raw = post(f"Expect: {value}", f"Content-Length: {size}", body="x" * size)
    want = Want(method="POST", content_length=size, body=b"x" * size, expect_continue=expect)
    return accept(name, raw, want)


WHY = {
    "Connection on 1.1": Why(
        "`close` anywhere in the list, of all its fields together, ends the connection "
        "behind the answer.",
        "RFC 9112 section 9.3, RFC 9110 section 7.6.1",
        ("keepalive",),
    ),
    "Connection on 1.0": Why(
        "Ends behind the answer unless the client asked for `keep-alive`.",
        "RFC 9112 section 9.3",
        ("keepalive",),
    ),
    "fields named in Connection still frame": Why(
        "Else a client could have a field counted by the proxy and ignored by us.",
        "RFC 9110 section 7.6.1",
    ),
    "Expect": Why(
        "`100-continue` is answered when the body is wanted. Other expectations cannot be met.",
        "RFC 9110 section 10.1.1",
    ),
    "Upgrade is an ordinary field": Why(
        "We upgrade to nothing, so the request and its body are read as if the field were "
        "not there.",
        "RFC 9110 section 7.8",
    ),
    "one request behind the other": Why(
        "Answered in order. Behind one that closes, or is refused, nothing is read as a request.",
        "RFC 9112 section 9.3.2",
    ),
}

CASES = [
    *table(
        "Connection on 1.1",
        keeps("absent"),
        keeps("keep-alive", "keep-alive"),
        keeps("empty", ""),
        keeps("empty options", ", ,"),
        keeps("another option", "x"),
        keeps("words like close", "closed, xclose, clos, close-x"),
        keeps("quoted close is another word", '"close"'),
        keeps("close with a parameter is another word", "close;a, close=b"),
        keeps("close behind a space in a word", "x close"),
        closes("close", "close"),
        closes("close between empty options", ",, close ,,"),
        closes("close in the third field", "x", "", "close"),
        closes("close in any case", "cLoSe"),
        closes("close last in a list", "x, close"),
        closes("close first in a list", "close, x"),
        closes("close between tabs", "x\t,\tclose\t,y"),
        closes("close beside keep-alive", "keep-alive, close"),
        closes("close in the second field", "keep-alive", "close"),
        closes("close in the first field", "close", "keep-alive"),
        accept(
            "close on 1.9", get("Connection: close", version="HTTP/1.9"), Want(keep_alive=False)
        ),
        accept("any case of the name", get("CONNECTION: close"), Want(keep_alive=False)),
    ),
    *table(
        "Connection on 1.0",
        old("absent", False),
        old("keep-alive", True, "keep-alive"),
        old("keep-alive in any case", True, "Keep-Alive"),
        old("keep-alive in a list", True, "x , keep-alive"),
        old("close", False, "close"),
        old("keep-alive and close", False, "keep-alive, close"),
        old("keep-alive, then close in a second field", False, "keep-alive", "close"),
        old("another option", False, "x"),
    ),
    *table(
        "fields named in Connection still frame",
        accept(
            "Content-Length",
            post("Connection: Content-Length", "Content-Length: 3", body="abc") + get(),
            Want(method="POST", content_length=3, body=b"abc"),
            Want(),
        ),
        accept(
            "Transfer-Encoding",
            post("Connection: transfer-encoding", "Transfer-Encoding: chunked", body=END) + get(),
            Want(method="POST", chunked=True),
            Want(),
        ),
        refuse(400, "Host", head("GET / HTTP/1.1", "Connection: host", "Host: a", "Host: b")),
    ),
    *table(
        "Expect",
        expects("100-continue", "100-continue", True),
        expects("any case", "100-CONTINUE", True),
        expects("twice in a list", "100-continue, 100-continue", True),
        expects("before an empty body", "100-continue", False, size=0),
        starve("body still to come", post("Expect: 100-continue", "Content-Length: 3")),
        accept(
            "before chunks",
            post("Expect: 100-continue", "Transfer-Encoding: chunked", body=f"1\r\na\r\n{END}"),
            Want(method="POST", chunked=True, body=b"a", expect_continue=True),
        ),
        accept("without a body", get("Expect: 100-continue")),
        expects("in two fields", "100-continue\r\nExpect: 100-continue", True),
        refuse(
            400,
            "before chunks with a length",
            post("Expect: 100-continue", "Transfer-Encoding: chunked", "Content-Length: 1"),
        ),
        accept(
            "ignored on 1.0",
            post("Expect: 100-continue", "Content-Length: 1", body="x", version=OLD),
            Want(method="POST", version=(1, 0), keep_alive=False, content_length=1, body=b"x"),
        ),
        accept(
            "another one ignored on 1.0",
            get("Expect: x", version=OLD),
            Want(version=(1, 0), keep_alive=False),
        ),
        refuse(417, "another one", get("Expect: 200-ok")),
        refuse(417, "empty", get("Expect:")),
        refuse(417, "an empty member", get("Expect: 100-continue,")),
        refuse(417, "parameter", get("Expect: 100-continue;a=b")),
        refuse(417, "another one beside it", get("Expect: 100-continue, x")),
        refuse(417, "another one in a second field", get("Expect: 100-continue", "Expect: x")),
        refuse(417, "a word more", get("Expect: 100-continue x")),
        refuse(400, "framing errors come first", post("Expect: x", "Content-Length: x")),
        refuse(
            413, "a body too large comes first", post("Expect: x", "Content-Length: 5"), max_body=4
        ),
        refuse(
            413,
            "100-continue for a body too large",
            post("Expect: 100-continue", "Content-Length: 5"),
            max_body=4,
        ),
    ),
    *table(
        "Upgrade is an ordinary field",
        accept(
            "websocket",
            get("Connection: Upgrade", "Upgrade: websocket") + get(),
            Want(upgrade=True),
            Want(),
        ),
        accept(
            "h2c",
            get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: a") + get(),
            Want(upgrade=True),
            Want(),
        ),
        accept("without the option", get("Upgrade: x") + get(), Want(upgrade=True), Want()),
        accept("without the field", get("Connection: upgrade") + get(), Want(upgrade=True), Want()),
        accept(
            "with a body",
            post("Connection: Upgrade", "Upgrade: x", "Content-Length: 3", body="abc") + get(),
            Want(method="POST", content_length=3, body=b"abc", upgrade=True),
            Want(),
        ),
        accept(
            "with chunks",
            post(
                "Connection: Upgrade",
                "Upgrade: x",
                "Transfer-Encoding: chunked",
                body=f"1\r\na\r\n{END}",
            )
            + get(),
            Want(method="POST", chunked=True, body=b"a", upgrade=True),
            Want(),
        ),
        accept(
            "with close",
            get("Connection: close, Upgrade", "Upgrade: x"),
            Want(upgrade=True, keep_alive=False),
        ),
    ),
    *table(
        "one request behind the other",
        accept("three", get() + get() + get(), Want(), Want(), Want()),
        accept(
            "twenty of all kinds",
            (get() + post("Content-Length: 1", body="x")) * 10,
            *(Want(), Want(method="POST", content_length=1, body=b"x")) * 10,
        ),
        accept(
            "chunks, length, nothing",
            post("Transfer-Encoding: chunked", body=f"2\r\nab\r\n{END}")
            + post("Content-Length: 2", body="cd")
            + get(),
            Want(method="POST", chunked=True, body=b"ab"),
            Want(method="POST", content_length=2, body=b"cd"),
            Want(),
        ),
        accept(
            "a method no table has, then another request",
            head("FROB / HTTP/1.1", "Host: a") + get(),
            Want(method="FROB"),
            Want(),
        ),
        accept(
            "1.9, then another request",
            get(version="HTTP/1.9") + get(),
            Want(),
            Want(),
        ),
        accept(
            "1.0 that stays open, then another request",
            get("Connection: keep-alive", version=OLD) + get(),
            Want(version=(1, 0)),
            Want(),
        ),
        accept(
            "close, then another request",
            get("Connection: close") + get(),
            Want(keep_alive=False),
            Want(),
        ),
        accept(
            "1.0 that closes, then another request",
            get(version=OLD) + get(),
            Want(version=(1, 0), keep_alive=False),
            Want(),
        ),
        accept(
            "close with a body, then another request",
            post("Connection: close", "Content-Length: 1", body="x") + get(),
            Want(method="POST", keep_alive=False, content_length=1, body=b"x"),
            Want(),
        ),
        accept(
            "Proxy-Connection is no Connection",
            get("Proxy-Connection: close") + get(),
            Want(),
            Want(),
        ),
        accept(
            "what begins like an HTTP/2 preface, then another request",
            head("PRI / HTTP/1.0") + get(),
            Want(method="PRI", version=(1, 0), keep_alive=False),
            Want(),
        ),
        refuse(400, "the second one bad", get() + b"get / HTTP/1.1\r\n", Want()),
        refuse(505, "the second one of version 2.0", get() + get(version="HTTP/2.0"), Want()),
        refuse(
            400,
            "a byte more than the length",
            post("Content-Length: 1", body="x\x00") + get(),
            Want(method="POST", content_length=1, body=b"x"),
        ),
        starve("the second one unfinished", get() + b"GET / HT", Want()),
    ),
]
