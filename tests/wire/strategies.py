"""Requests for hypothesis: built from parts that make trouble, and cases of the corpus with
something done to them.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from hypothesis import strategies as st

from tests.wire.case import Case

MOST = 2000  # bytes of a mutated case; longer ones are about limits, and slow

METHODS = ["GET", "POST", "HEAD", "OPTIONS", "CONNECT", "PUT", "FROB", "get", "PRI", "SOURCE", ""]
TARGETS = [
    "/",
    "/a?b",
    "*",
    "http://b/",
    "http://b",
    "b:80",
    "/%00",
    "/%41",
    "//",
    "/\xe9",
    "/#",
    "",
]
VERSIONS = ["HTTP/1.1", "HTTP/1.0", "HTTP/1.9", "HTTP/2.0", "http/1.1", "HTTP/1.", ""]
SPACES = [" ", " ", " ", " ", "  ", "\t", ""]
LINE_ENDS = ["\r\n"] * 12 + ["\n", "\r", "\r\r\n", "\r\n "]
NAMES = [
    "Host",
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "Expect",
    "Upgrade",
    "Content-Type",
    "Cookie",
    "Proxy-Connection",
    "Keep-Alive",
    "HTTP2-Settings",
    "X-A",
    "X_A",
    "",
]
VALUES = [
    "a",
    "a:80",
    "0",
    "3",
    "03",
    "+3",
    "3, 3",
    "99999999999999999999",
    "chunked",
    "Chunked",
    "gzip, chunked",
    "chunked, chunked",
    "identity",
    "close",
    "keep-alive",
    "keep-alive, close",
    "upgrade",
    "Upgrade, HTTP2-Settings",
    "h2c",
    "websocket",
    "100-continue",
    "\xe9",
    "\x0b",
    "",
]
BODIES = [
    "",
    "abc",
    "3\r\nabc\r\n0\r\n\r\n",
    "0\r\n\r\n",
    "1;a=b\r\nx\r\n0\r\nA: b\r\n\r\n",
    "3\nabc\n0\n\n",
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
]

# What a mutation puts in.
MORSELS = [
    *(bytes([byte]) for byte in b'\r\n\t :;,=%#?/\\"\x00\x01\x0b\x7f\x80\xa0\xff0aA_-'),
    b"\r\n",
    b"\r\n\r\n",
    b"\r\n ",
    b"HTTP/1.1",
    b"chunked",
    b"Content-Length: 1\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: upgrade\r\n",
    b"0\r\n\r\n",
]


def _latin(parts: Sequence[str]) -> bytes:
    return "".join(parts).encode("latin-1")


@st.composite
def _field_lines(draw: st.DrawFn) -> str:
    name, value = draw(st.sampled_from(NAMES)), draw(st.sampled_from(VALUES))
    left = draw(st.sampled_from(["", "", " ", "\t"]))
    right = draw(st.sampled_from(["", "", "", " ", "\t", ";q=1"]))
    colon = draw(st.sampled_from([":"] * 10 + [" :", ""]))
    return f"{name}{colon}{left}{value}{right}" + draw(st.sampled_from(LINE_ENDS))


@st.composite
def _requests(draw: st.DrawFn) -> bytes:
    pick = st.sampled_from
    first = [draw(pick(METHODS)), draw(pick(SPACES)), draw(pick(TARGETS)), draw(pick(SPACES))]
    first += [draw(pick(VERSIONS)), draw(pick(LINE_ENDS))]
    host = draw(st.booleans())
    lines = draw(st.lists(_field_lines(), max_size=5))
    blank = draw(pick(["\r\n"] * 9 + ["\n"]))
    return _latin([*first, "Host: a\r\n" * host, *lines, blank, draw(pick(BODIES))])


@st.composite
def built_requests(draw: st.DrawFn) -> bytes:
    """One to three requests of which most parts are good and some are not."""
    return b"".join(draw(st.lists(_requests(), min_size=1, max_size=3)))


@st.composite
def mutated_cases(draw: st.DrawFn, cases: Sequence[Case]) -> bytes:
    """A case of the corpus with one to four changes."""
    raws = [case.raw for case in cases if len(case.raw) <= MOST]
    raw = draw(st.sampled_from(raws))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(raw)))
        end = min(len(raw), at + draw(st.integers(0, 4)))
        what = draw(st.sampled_from(["insert", "replace", "delete", "repeat", "join"]))
        if what == "insert":
            raw = raw[:at] + draw(st.sampled_from(MORSELS)) + raw[at:]
        elif what == "replace":
            raw = raw[:at] + draw(st.sampled_from(MORSELS)) + raw[end:]
        elif what == "delete":
            raw = raw[:at] + raw[end:]
        elif what == "repeat":
            raw = raw[:end] + raw[at:]
        else:
            raw = raw[:at] + draw(st.sampled_from(raws))
    return raw


def noise() -> st.SearchStrategy[bytes]:
    """Bytes of any kind, some of them behind a good beginning."""
    starts = [b"", b"GET / HTTP/1.1\r\nHost: a\r\n", b"POST / HTTP/1.1\r\nHost: a\r\n"]
    return st.builds(bytes.__add__, st.sampled_from(starts), st.binary(max_size=200))


@st.composite
def pieces_of(draw: st.DrawFn, raw: bytes) -> list[bytes]:
    """The bytes cut at up to six places."""
    cuts = sorted(draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    bounds = [0, *cuts, len(raw)]
    return [raw[a:b] for a, b in pairwise(bounds)]
