"""A request has the same verdict over HTTP/1.1 and HTTP/2: the corpus of the one by the other.

Left out is what only one of both can say: absolute targets, fields about a connection, two Host
fields or an empty one (RFC 9113 section 8.3.1 has no empty :authority), lines that are none.
"""

from __future__ import annotations

from typing import NamedTuple

import pytest

pytest.importorskip("fastfork._core.http.http2")

from fastfork._core.http.http2receiver import Http2Limits
from tests.http2.memory import MemoryTransport
from tests.http2.wire import END_HEADERS, END_STREAM, HEADERS, Conversation, frame
from tests.wire.corpus import ALL
from tests.wire.feeding import drive

ONLY_HTTP1 = frozenset(
    b"connection keep-alive proxy-connection transfer-encoding upgrade te "
    b"content-length expect".split()
)


class Plain(NamedTuple):
    """A request as both can say it."""

    method: bytes
    target: bytes
    fields: list[tuple[bytes, bytes]]


def as_both(raw: bytes) -> Plain | None:
    """One request without a body; None where HTTP/2 cannot say it."""
    head, end, rest = raw.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    words = first.split(b" ")
    if not end or rest or len(words) != 3 or words[2] != b"HTTP/1.1":
        return None
    if not words[1].startswith(b"/") or b"\r" in head.replace(b"\r\n", b"") or b"\n" in first:
        return None
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or name.lower() in ONLY_HTTP1 or b"\n" in line or b" " in name:
            return None
        fields.append((name.lower(), value.strip(b" \t")))
    if [name for name, _ in fields].count(b"host") > 1 or (b"host", b"") in fields:
        return None
    return Plain(words[0], words[1], fields)


CASES = [
    (case, plain) for case in ALL if not case.settings and (plain := as_both(case.raw)) is not None
]


def over_http2(plain: Plain) -> tuple[int | None, list[tuple[bytes, bytes]]]:
    """Status of a refusal, None for a request that is served, and its fields."""
    transport = MemoryTransport(Http2Limits(header_list=0))
    talk = Conversation(transport)
    talk.begin()
    host = [value for name, value in plain.fields if name == b"host"]
    others = [field for field in plain.fields if field[0] != b"host"]
    fields = [(b":method", plain.method), (b":scheme", b"http"), (b":path", plain.target)]
    fields += [(b":authority", host[0])] if host else []
    block = talk.encoder.encode([*fields, *others], huffman=False)
    found: list[tuple[bytes, bytes]] = []
    status: int | None = 400  # malformed, unless there is an event
    sent = [frame(HEADERS, 0, 1, block[:16384])]
    blocks = [block[at : at + 16384] for at in range(16384, len(block), 16384)]
    sent += [frame(9, 0, 1, part) for part in blocks] + [frame(9, END_HEADERS, 1)]
    if len(block) <= 16384:
        sent = [frame(HEADERS, END_STREAM | END_HEADERS, 1, block)]
    else:
        sent[0] = frame(HEADERS, END_STREAM, 1, block[:16384])
    for event in transport.session.receive(b"".join(sent), 1.0):
        if event[0] == "request":
            status, found = None, event[4]
        elif event[0] == "refused":
            status = event[2]
    return status, found


def test_there_are_enough_of_them() -> None:
    assert len(CASES) > 200
    assert len([plain for case, plain in CASES if drive("native", [case.raw], {}).status]) > 50


@pytest.mark.parametrize(("case", "plain"), CASES, ids=[str(case) for case, _ in CASES])
def test_verdict_is_the_same(case: object, plain: Plain) -> None:
    outcome = drive("native", [b"%s %s HTTP/1.1\r\n%s\r\n" % (
        plain.method, plain.target, b"".join(b"%s: %s\r\n" % field for field in plain.fields),
    )], {})  # fmt: skip
    status, fields = over_http2(plain)
    assert status == outcome.status, outcome.detail
    if status is None:
        [(head, _)] = outcome.requests
        assert sorted(fields) == sorted((name.lower(), value) for name, value in head.fields)
