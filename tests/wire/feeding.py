"""Feeding a parser in pieces, and what came of it.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from fastfork import records
from fastfork._core.http.parsers import HeadParser
from fastfork._core.http.reader import RequestReader
from fastfork.errors import HttpError
from fastfork.http import BodyPart, Leniency, Limits, RequestEnd, RequestHead, RequestParser
from tests.wire.case import Case, Want

# Longer inputs are cut near both ends, and at every PRIMEth byte between them.
EVERY_CUT_UP_TO = 1500
NEAR_THE_END = 300
PRIME = 1997

Request = tuple[RequestHead, bytes]
LENIENT = frozenset(field.name for field in records.fields(Leniency))


@dataclass(frozen=True)
class Outcome:
    """Everything a parser said about some bytes.

    requests: complete ones.  unfinished: a head whose body did not end.  status and detail:
    of the refusal.  complete: nothing was left over when the input ended.
    """

    requests: tuple[Request, ...]
    unfinished: Request | None
    status: int | None
    detail: str
    complete: bool

    def verdict(self) -> Outcome:
        """Without the reason of the refusal, which a second judge words in its own way."""
        return Outcome(self.requests, self.unfinished, self.status, "", self.complete)


def make_parser(backend: str, settings: Mapping[str, Any]) -> RequestParser:
    """A parser with these settings; what is not given has its default."""
    return RequestParser(backend, **parser_settings(settings))


def parser_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as whoever makes a parser takes them."""
    given = dict(settings)
    max_body = given.pop("max_body", 1 << 30)
    lenient = {name: given.pop(name) for name in LENIENT if name in given}
    return {
        "limits": Limits(**given),
        "max_body": max_body,
        "leniency": Leniency(**lenient),
    }


def connection_with(shared: HeadParser) -> RequestParser:
    """A new connection whose heads the shared parser reads, as in a worker."""
    parser = RequestParser.__new__(RequestParser)
    parser._reader = RequestReader(
        shared,
        make_head=RequestHead,
        make_part=BodyPart,
        end_event=RequestEnd(),
        error_class=HttpError,
    )
    return parser


def drive(backend: str, pieces: Iterable[bytes], settings: Mapping[str, Any]) -> Outcome:
    """Feed the pieces to a new parser, then the end of the connection."""
    return read_all(make_parser(backend, settings), pieces)


def read_all(parser: RequestParser, pieces: Iterable[bytes]) -> Outcome:
    """Feed the pieces, then the end of the connection.

    Whatever else than HttpError a parser raises goes through: it is a bug.
    """
    done: list[Request] = []
    unfinished: Request | None = None
    refusal: HttpError | None = None
    complete = False
    try:
        for piece in (*pieces, b""):
            for event in parser.feed(piece):
                match event:
                    case RequestHead():
                        assert unfinished is None, "a head inside a request"
                        unfinished = (event, b"")
                    case BodyPart(data):
                        assert unfinished is not None, "a body without a head"
                        assert data, "an empty part"
                        unfinished = (unfinished[0], unfinished[1] + data)
                    case RequestEnd():
                        assert unfinished is not None, "an end without a head"
                        done.append(unfinished)
                        unfinished = None
    except HttpError as error:
        refusal = error
    else:
        complete = _ends_well(parser)
    return Outcome(
        tuple(done),
        unfinished,
        refusal.status if refusal else None,
        refusal.detail if refusal else "",
        complete,
    )


def _ends_well(parser: RequestParser) -> bool:
    """Is the end of the connection not in the middle of a request?"""
    try:
        parser.eof()
    except HttpError as error:
        if error.status == 400:
            return False
        raise
    return True


def whole(raw: bytes) -> list[bytes]:
    """All at once."""
    return [raw]


def byte_by_byte(raw: bytes) -> list[bytes]:
    """One byte a piece."""
    return [raw[i : i + 1] for i in range(len(raw))]


def in_two(raw: bytes) -> Iterator[list[bytes]]:
    """Two pieces, cut at every position (see EVERY_CUT_UP_TO for long inputs)."""
    size = len(raw)
    for cut in range(1, size):
        near = cut < NEAR_THE_END or cut > size - NEAR_THE_END
        if size <= EVERY_CUT_UP_TO or near or cut % PRIME == 0:
            yield [raw[:cut], raw[cut:]]


def differences(case: Case, outcome: Outcome) -> list[str]:
    """How the outcome differs from what the case wants, a line each."""
    found = []
    if outcome.status != case.status:
        found.append(f"status {outcome.status} ({outcome.detail}), not {case.status}")
    if case.status is None and outcome.complete != case.complete:
        found.append("complete" if outcome.complete else "incomplete")
    if len(outcome.requests) != len(case.wants):
        found.append(f"{len(outcome.requests)} requests, not {len(case.wants)}")
    for number, (request, want) in enumerate(zip(outcome.requests, case.wants, strict=False)):
        found += [f"request {number}: {line}" for line in _request_differences(request, want)]
    return found


def _request_differences(request: Request, want: Want) -> Iterator[str]:
    head, body = request
    if body != want.body:
        yield f"body {body[:60]!r}, not {want.body[:60]!r}"
    for attribute in fields(want):
        wanted = getattr(want, attribute.name)
        if attribute.name == "body" or (wanted is None and attribute.name in ("target", "fields")):
            continue
        got = getattr(head, attribute.name)
        if attribute.name == "fields":
            got = tuple(got)
        if got != wanted:
            yield f"{attribute.name} {got!r}, not {wanted!r}"
