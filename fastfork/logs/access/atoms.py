"""Atoms of an access line as a mapping, for lines that Python's logging makes.

Values are escaped when they are asked for: a line uses a handful of what a request has.

Runs in: worker
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any, Final

from fastfork.config.kinds import logformat
from fastfork.config.kinds.logformat import Atom

from ..base.escaping import escape
from . import jsontemplate

__all__ = ["JsonAtoms", "SafeAtoms", "mapping_format"]

MISSING: Final = "-"
# Before the name of an atom that stands outside quotes in a JSON format, and of one that has a
# layout, which must be applied before escaping: a cut would go through the middle of an escape.
_BARE: Final = "="
_LAID_OUT: Final = "~"


class SafeAtoms(dict[str, Any]):
    r"""Escapes each text as `\xHH`; an atom that is not there is a dash."""

    def __init__(self, atoms: Mapping[str, Any]) -> None:
        super().__init__(atoms)

    def __missing__(self, name: str) -> object:
        """Names in braces are in lower case here, however the format writes them."""
        lower = name.lower()
        return self[lower] if name.startswith("{") and lower in self else MISSING

    def __getitem__(self, name: str) -> object:
        """The value, escaped."""
        found = super().__getitem__(name)
        return found if isinstance(found, int) else escape(found)


class JsonAtoms(SafeAtoms):
    """Escapes for a format that is a JSON object; see mapping_format."""

    def __getitem__(self, name: str) -> object:
        """The value as part of a JSON string, or as a JSON value."""
        if name.startswith(_BARE):
            return jsontemplate.bare(name[1:])(self._raw(name[1:]))
        if name.startswith(_LAID_OUT):
            layout, _, name = name[1:].partition(_LAID_OUT)
            return jsontemplate.inside(self._raw(name), f"%{layout}s")
        found = self._raw(name)
        return found if isinstance(found, int) else jsontemplate.inside(found)

    def _raw(self, name: str) -> object:
        found = self.get(name, MISSING)
        if found is MISSING and name.startswith("{"):
            found = self.get(name.lower(), MISSING)
        return found


@functools.lru_cache(maxsize=32)
def mapping_format(text: str) -> tuple[str, bool]:
    """Return a format for `%` with a mapping, and whether it is a JSON object.

    Atoms outside quotes get names by which JsonAtoms knows them.
    """
    pieces = logformat.parse(text)
    quoted = jsontemplate.positions(pieces)
    made = ""
    number = 0
    for piece in pieces:
        if not isinstance(piece, Atom):
            made += piece.replace("%", "%%")
            continue
        is_quoted = None if quoted is None else quoted[number]
        made += _placeholder(piece, is_quoted)
        number += 1
    return made, quoted is not None


def _placeholder(atom: Atom, is_quoted: bool | None) -> str:
    """Return how the atom is written in the format; is_quoted: None when that is no JSON."""
    if is_quoted is None or atom.letter == "d":
        return f"%({atom.written}){atom.layout}{atom.letter}"
    if not is_quoted:
        return f"%({_BARE}{atom.written})s"
    if atom.layout:
        return f"%({_LAID_OUT}{atom.layout}{_LAID_OUT}{atom.written})s"
    return f"%({atom.written})s"
