r"""Formats that are JSON objects: found out, and filled in so that each line is JSON.

An atom inside quotes becomes the inside of a string.  An atom outside becomes a value: a number
where it is one, null for a dash, else a string.

Runs in: both
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

from fastfork.config.kinds.logformat import NUMBERS, Atom, Piece

from ..base.escaping import LONGEST_VALUE
from ..base.guard import must_pass

__all__ = ["ALWAYS_NUMBERS", "bare", "inside", "positions", "string", "value"]

# RFC 8259 section 6.
_NUMBER: Final = r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?\Z"
# A longer one may be too much for who reads it.
LONGEST_NUMBER: Final = 20
# Atoms that are always JSON numbers as they are.
ALWAYS_NUMBERS: Final = NUMBERS | {"b", "s", "L"}
NOTHING: Final = "-"


def positions(pieces: Sequence[Piece]) -> list[bool] | None:
    """For each atom of a format that is a JSON object: is it inside quotes?  Else None."""
    sample = "".join(piece if isinstance(piece, str) else _sample(piece) for piece in pieces)
    if not sample.lstrip().startswith("{"):
        return None
    import json  # here, as below: most formats are no JSON

    try:
        if not isinstance(json.loads(sample), dict):
            return None
    except (ValueError, RecursionError):
        return None
    found: list[bool] = []
    quoted = False
    for piece in pieces:
        if isinstance(piece, Atom):
            found.append(quoted)
            continue
        escaped = False
        for character in piece:
            if escaped:
                escaped = False
            elif character == "\\":
                escaped = quoted
            elif character == '"':
                quoted = not quoted
    return found


def _sample(atom: Atom) -> str:
    """Return what the atom may become: seven shows a layout that pads with zeros or blanks."""
    return f"%{atom.layout}{atom.letter}" % (7 if atom.letter == "d" else "7",)


def inside(thing: object, layout: str = "%s") -> str:
    """`thing` as the inside of a JSON string, in ASCII.  Never raises."""
    import json

    return json.dumps(layout % (_text(thing),))[1:-1]


def bare(name: str) -> Callable[[object], str]:
    """Return what makes a JSON value of the atom with this name (as written): `value` or
    `string`."""
    return value if name in ALWAYS_NUMBERS or name.startswith("{") else string


def string(thing: object) -> str:
    """`thing` as a JSON string, null for a dash.  Never raises."""
    text = _text(thing)
    import json

    return "null" if text == NOTHING else json.dumps(text)


def value(thing: object) -> str:
    """`thing` as a JSON number where it is one, else as `string`.  Never raises."""
    text = _text(thing)
    if len(text) <= LONGEST_NUMBER and re.match(_NUMBER, text):
        return text
    return string(thing)


def _text(thing: object) -> str:
    """Return the text of a value; what came as latin-1 and is UTF-8 is read as that."""
    try:
        text = str(thing)[:LONGEST_VALUE]
    except BaseException as error:
        if must_pass(error):
            raise
        return NOTHING
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except ValueError:
        return text
