"""One case of the corpus: bytes, and what a parser must make of them.

A table of cases is written with `accept`, `refuse` and `starve`; the tables are in
tests/wire/corpus/, a module for each group of rules.  Everything in a `Want` is compared,
so a case only says what differs from `GET / HTTP/1.1` with an open connection.

Runs in: cli
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

# (name, value) as received; a case that leaves fields out does not compare them.
Fields = tuple[tuple[bytes, bytes], ...]
Value = int | str  # of a setting
# The short names of limits in cases -> settings; other settings have their own names.
SETTINGS = {
    "line": "limit_request_line",
    "fields": "limit_request_fields",
    "field_size": "limit_request_field_size",
    "head": "limit_request_head",
    "max_body": "limit_request_body",
}


@dataclass(frozen=True, kw_only=True)
class Want:
    """One request as the parser must report it, its body included."""

    method: str = "GET"
    path: str = "/"
    query: str = ""
    target: bytes | None = None  # None: not compared
    authority: bytes | None = None
    version: tuple[int, int] = (1, 1)
    fields: Fields | None = None  # None: not compared
    content_length: int | None = None
    chunked: bool = False
    keep_alive: bool = True
    expect_continue: bool = False
    upgrade: bool = False
    body: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Case:
    """Bytes with a name; `wants` are the complete requests in front of any refusal.

    settings: limits by name (line, fields, field_size, head, max_body) other than default, and
    settings of fastfork.http.Leniency.
    complete: False when the bytes end in the middle of a request.
    """

    rule: str = ""
    name: str
    raw: bytes
    wants: tuple[Want, ...] = ()
    status: int | None = None
    complete: bool = True
    settings: Mapping[str, Value] = field(default_factory=dict)

    def __str__(self) -> str:
        """As pytest shows it."""
        return f"{self.rule}: {self.name}"


def accept(name: str, raw: bytes, *wants: Want, **settings: Value) -> Case:
    """The bytes are these requests, one after the other (one plain GET unless told)."""
    return Case(name=name, raw=raw, wants=wants or (Want(),), settings=settings)


def refuse(status: int, name: str, raw: bytes, *wants: Want, **settings: Value) -> Case:
    """The bytes are refused with this status, after these requests."""
    return Case(name=name, raw=raw, wants=wants, status=status, settings=settings)


def starve(name: str, raw: bytes, *wants: Want, **settings: Value) -> Case:
    """The bytes end inside a request: no verdict yet, and 400 when nothing follows."""
    return Case(name=name, raw=raw, wants=wants, complete=False, settings=settings)


def table(rule: str, *cases: Case) -> list[Case]:
    """The cases of one rule."""
    return [replace(case, rule=rule) for case in cases]


def head(*lines: str, body: str = "") -> bytes:
    """Lines joined by CRLF, an empty line, the body; one character a byte."""
    return ("\r\n".join([*lines, "", ""]) + body).encode("latin-1")


def get(*lines: str, target: str = "/", version: str = "HTTP/1.1") -> bytes:
    """A GET with a Host field and these field lines."""
    return head(f"GET {target} {version}", "Host: a", *lines)


def post(*lines: str, body: str = "", version: str = "HTTP/1.1") -> bytes:
    """A POST with a Host field, these field lines and this body."""
    return head(f"POST / {version}", "Host: a", *lines, body=body)


class Why(NamedTuple):
    """Why a rule is as it is, for the reference page (page.py).

    source: of the rule.  settings: that change its verdicts.
    """

    reason: str
    source: str
    settings: tuple[str, ...] = ()
