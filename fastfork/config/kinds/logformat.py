"""The grammar of `access_log_format`: literal text and atoms such as %(h)s.

Only the grammar is here, so that a bad format is refused with the other bad settings; the
log compiles the pieces into a function.

Runs in: both
"""

from __future__ import annotations

import re
from typing import Final, Literal

from fastfork.records import record

__all__ = [
    "ATOMS",
    "COMBINED",
    "JSON",
    "NAMED_ATOMS",
    "NUMBERS",
    "Atom",
    "BadFormat",
    "Piece",
    "in_use",
    "parse",
    "unknown_atoms",
]

# Name of an atom -> what it prints.  The names are gunicorn's.
ATOMS: Final[dict[str, str]] = {
    "h": "address of the client",
    "l": "a dash",
    "u": "user of Basic authentication",
    "t": "date and time of the line",
    "r": "request line",
    "m": "method",
    "U": "path, decoded",
    "q": "query string",
    "H": "protocol",
    "s": "status",
    "b": "bytes of the body sent, or a dash",
    "B": "bytes of the body sent",
    "f": "Referer",
    "a": "User-Agent",
    "T": "duration in whole seconds",
    "M": "duration in milliseconds",
    "D": "duration in microseconds",
    "L": "duration in seconds with six decimals",
    "p": "process id, in angle brackets",
    "pid": "process id",
    "target": "target of the request line, as it was sent",
    "time": "date and time of the line, RFC 3339 with milliseconds",
    "request_id": "id of the request, or a dash without `request_id`",
}

# What a %({name}x)s prints, by its last letter.
NAMED_ATOMS: Final[dict[str, str]] = {
    "i": "field `name` of the request",
    "o": "field `name` of the response",
    "e": "key `name` of the environ",
}

# The format of Apache's httpd by this name, and gunicorn's default.
COMBINED: Final = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"'
JSON: Final = (
    '{"time": %(time)s, "remote_addr": %(h)s, "user": %(u)s, "method": %(m)s, "target": '
    '%(target)s, "path": %(U)s, "query": %(q)s, "protocol": %(H)s, "status": %(s)s, '
    '"bytes": %(B)s, "duration": %(L)s, "referer": %(f)s, "user_agent": %(a)s, "pid": %(pid)s, '
    '"request_id": %(request_id)s}'
)
_BY_NAME: Final = {"combined": COMBINED, "json": JSON}

# Atoms that are integers, and so may be printed with d.
NUMBERS: Final = frozenset({"B", "T", "M", "D", "pid"})

Source = Literal["plain", "request", "response", "environ"]
_SOURCES: Final[dict[str, Source]] = {"i": "request", "o": "response", "e": "environ"}
_LETTERS: Final = {source: letter for letter, source in _SOURCES.items()}

# Compiled when a format is read.
_PIECE = (
    r"%(?:(?P<percent>%)|\((?P<name>(?:\{[^{}]*\})?[^(){}]*)\)"
    r"(?P<layout>[-+ #0]{0,5}[0-9]{0,3}(?:\.[0-9]{0,3})?)(?P<letter>[a-zA-Z]))"
)
_NAMED = r"\{([^{}]+)\}([ioe])\Z"

# A longer format is a mistake, and would make a function that is too long to compile quickly.
LONGEST_FORMAT: Final = 8192


class BadFormat(ValueError):
    """A format that cannot be read: what is wrong, and what to write instead."""

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(f"{problem}; {advice}")
        self.problem = problem
        self.advice = advice


@record(frozen=True)
class Atom:
    """One %(name)s.

    source: where the value is found.  name: the atom's letter (plain), the field's name in
    lower case (request, response), or the environ key as written.
    layout: flags, width and precision as in printf(3); letter: `s` or `d`.
    """

    source: Source
    name: str
    layout: str
    letter: str

    @property
    def written(self) -> str:
        """The name as it is written between the parentheses."""
        if self.source == "plain":
            return self.name
        return f"{{{self.name}}}{_LETTERS[self.source]}"

    @property
    def known(self) -> bool:
        """Whether the atom prints anything but a dash."""
        return self.source != "plain" or self.name in ATOMS


Piece = str | Atom


def in_use(text: str, *, is_json: bool, has_ids: bool) -> str:
    """Return the format that is meant by `access_log_format`, with `log_format` and `request_id`.

    Those two change it only where it is the default.
    """
    if text != COMBINED:
        return _BY_NAME.get(text, text)
    if is_json:
        return JSON
    return f"{COMBINED} %(request_id)s" if has_ids else COMBINED


def parse(text: str) -> list[Piece]:
    """Return the pieces of a format, in order; adjacent literals are joined.  Raises BadFormat."""
    text = _BY_NAME.get(text, text)
    if len(text) > LONGEST_FORMAT:
        raise BadFormat(
            f"has {len(text)} characters", f"write a format of at most {LONGEST_FORMAT}"
        )
    if "\n" in text or "\r" in text or "\0" in text:
        raise BadFormat("has a line end", "write it on one line")
    pieces: list[Piece] = []
    literal = ""
    position = 0
    while True:
        percent = text.find("%", position)
        literal += text[position:] if percent < 0 else text[position:percent]
        if percent < 0:
            break
        match = re.compile(_PIECE).match(text, percent)
        if match is None:
            raise BadFormat(
                f"has a stray % before {text[percent + 1 : percent + 11]!r}",
                "write %% for a percent sign, %(h)s for an atom",
            )
        position = match.end()
        if match["percent"]:
            literal += "%"
            continue
        if literal:
            pieces.append(literal)
            literal = ""
        pieces.append(_atom(match))
    return [*pieces, literal] if literal else pieces


def unknown_atoms(text: str) -> list[str]:
    """Return the names that no atom has: they print a dash, as in gunicorn."""
    return [piece.name for piece in parse(text) if isinstance(piece, Atom) and not piece.known]


def _atom(match: re.Match[str]) -> Atom:
    written, layout, letter = match["name"], match["layout"], match["letter"]
    named = re.match(_NAMED, written)
    if named is not None:
        source = _SOURCES[named[2]]
        name = named[1] if source == "environ" else named[1].lower()
    else:
        source, name = "plain", written
    if letter == "i":
        letter = "d"
    is_number = source == "plain" and name in NUMBERS
    if letter != "s" and not (letter == "d" and is_number):
        raise BadFormat(f"has %({written}){layout}{letter}", f"write %({written}){layout}s")
    return Atom(source, name, layout, letter)
