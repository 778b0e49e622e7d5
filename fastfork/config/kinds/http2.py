"""Kinds of value of the settings about HTTP/2.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from .basic import PATHS, Kind, choice, complaint

__all__ = ["CLEARTEXT", "HTTP_PROTOCOLS"]

_ONE = choice("h2", "h1")
_CLEARTEXT = choice("off", "prior-knowledge")


def _protocols(value: object) -> tuple[str, ...]:
    """gunicorn has a string of them."""
    words = [word.strip().lower() for word in PATHS.parse(value) if word.strip()]
    names = tuple(dict.fromkeys(_ONE.parse(word) for word in words))
    if not names:
        raise complaint(value, "names no protocol", "write h1, or h2,h1")
    return names


def _cleartext(value: object) -> str:
    word = value.strip().lower() if isinstance(value, str) else value
    if word in ("upgrade", "both"):
        raise complaint(
            value, "is no way to speak HTTP/2 since RFC 9113 section 3.1", "write prior-knowledge"
        )
    return _CLEARTEXT.parse(word)


HTTP_PROTOCOLS: Kind[tuple[str, ...]] = Kind(
    "`h1`, `h2,h1` or `h2`", "LIST", _protocols, show=",".join
)
CLEARTEXT: Kind[str] = Kind("one of `off`, `prior-knowledge`", "WORD", _cleartext)
