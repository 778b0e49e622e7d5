"""What must hold for any bytes given to the parsers: parse it or refuse it, and say the same.

- Both backends give one verdict, the same heads and bodies.
- Packets change nothing: whole, in the packets of the input, byte by byte.
- A prefix says nothing that the whole takes back.
- A parser that has served other connections reads as a new one does.
- What was read can be written down again, and is then read as the same.
- Nothing but HttpError is raised, with a status that this server has.

Runs in: cli
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from fastfork._core.http.parsers import HeadParser
from fastfork.http import BACKENDS, RequestHead, make_head_parser
from tests.fuzz.inputs import Input, decode
from tests.wire.feeding import (
    Outcome,
    byte_by_byte,
    connection_with,
    drive,
    parser_settings,
    read_all,
)

STATUSES: Final = {None, 400, 413, 414, 417, 431, 501, 505}
BYTE_BY_BYTE_UP_TO: Final = 600  # bytes: what is kept is copied for each byte
SHARED_MOST: Final = 64  # parsers that go on from input to input
EVERY_METHOD: Final[Mapping[str, Any]] = {
    "line": 0, "fields": 0, "field_size": 0, "head": 0, "max_body": 0,
    "permit_unconventional_http_method": True,
}  # fmt: skip

TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
VALUE = re.compile(rb"([\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?")

_shared: dict[tuple[object, ...], HeadParser] = {}


def check(data: bytes) -> None:
    """Assert all of it for one input."""
    given = decode(data)
    outcomes = {backend: _one_outcome(backend, given) for backend in sorted(BACKENDS)}
    native = outcomes["native"]
    for backend, outcome in outcomes.items():
        assert outcome.verdict() == native.verdict(), f"{backend}: {outcome.detail}"
    _check_prefix(given, native)
    for head, body in native.requests:
        _check_head(head, body)
        _check_written_down(head, body)
    if native.unfinished:
        _check_head(native.unfinished[0], None)


def _one_outcome(backend: str, given: Input) -> Outcome:
    """What the backend says, which must not depend on how it is asked."""
    outcome = drive(backend, [given.raw], given.settings)
    assert outcome.status in STATUSES
    assert drive(backend, given.pieces(), given.settings) == outcome, "in packets"
    if len(given.raw) <= BYTE_BY_BYTE_UP_TO:
        assert drive(backend, byte_by_byte(given.raw), given.settings) == outcome, "byte by byte"
    shared = connection_with(_shared_parser(backend, given.settings))
    assert read_all(shared, given.pieces()) == outcome, "with a used parser"
    return outcome


def _shared_parser(backend: str, settings: Mapping[str, Any]) -> HeadParser:
    key = (backend, *sorted(settings.items()))
    if key not in _shared:
        if len(_shared) >= SHARED_MOST:
            _shared.clear()
        _shared[key] = make_head_parser(backend, **parser_settings(settings))
    return _shared[key]


def _check_prefix(given: Input, whole: Outcome) -> None:
    cut = len(given.raw) * given.manner // 256
    prefix = drive("native", [given.raw[:cut]], given.settings)
    assert prefix.requests == whole.requests[: len(prefix.requests)], f"cut at {cut}"
    assert prefix.status in (None, whole.status), f"cut at {cut}"


def _check_head(head: RequestHead, body: bytes | None) -> None:
    """body: None when it has not ended."""
    assert TOKEN.fullmatch(head.method.encode("ascii"))
    assert re.fullmatch(rb"[\x21\x22\x24-\x7e\x80-\xff]+", head.target)  # no "#"
    assert head.path
    assert "\0" not in head.path
    for name, value in head.fields:
        assert TOKEN.fullmatch(name), name
        assert VALUE.fullmatch(value), value
    hosts = [value for name, value in head.fields if name.lower() == b"host"]
    assert len(hosts) == 1 if head.version == (1, 1) else len(hosts) <= 1
    assert not (head.chunked and head.content_length is not None)
    if body is not None and not head.chunked:
        assert len(body) == (head.content_length or 0)


def _check_written_down(head: RequestHead, body: bytes) -> None:
    """Written in the plainest way, a request that was read is read again as the same.

    Only by the native parser: httptools is not asked about versions above 1.1, which are
    served as 1.1, and would be here.
    """
    first = b"%s %s HTTP/1.%d" % (head.method.encode("ascii"), head.target, head.version[1])
    lines = [first, *(name + b": " + value for name, value in head.fields), b"", b""]
    if head.chunked:
        body_sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if body else b"0\r\n\r\n"
    else:
        body_sent = body
    again = drive("native", [b"\r\n".join(lines) + body_sent], EVERY_METHOD)
    assert again.requests == ((head, body),), again.detail
    assert again.complete
