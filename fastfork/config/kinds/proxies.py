"""Kinds of value of the settings about proxies.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from fastfork.records import replace

from .basic import PATHS, BadValue, Kind, choice, complaint

__all__ = ["FIELD_NAMES", "FORWARDED_FIELDS", "PROXY_PROTOCOL", "SCHEME_HEADERS", "FieldValues"]

_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z"  # a token: RFC 9110 section 5.6.2
_FORWARDED = (
    "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "forwarded",
)  # fmt: skip

_VERSION = choice("off", "v1", "v2", "auto")


class FieldValues(dict[str, str]):
    """Field -> value.  A dict, as hooks of gunicorn expect it, that nobody changes."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))


def _proxy_protocol(value: object) -> str:
    """gunicorn knew True and False before it knew versions."""
    word = str(value).strip().lower() if isinstance(value, str | bool | None) else value
    known = {"true": "auto", "false": "off", "none": "off", "": "off"}
    return _VERSION.parse(known.get(word, word) if isinstance(word, str) else word)


def _names(value: object) -> tuple[str, ...]:
    words = tuple(word.strip().upper() for word in PATHS.parse(value))
    for word in words:
        if not re.match(_NAME, word):
            raise complaint(word, "is no name of a field", "write one like REMOTE_USER, or *")
    return words


def _forwarded_fields(value: object) -> tuple[str, ...]:
    words = tuple(word.strip().lower() for word in PATHS.parse(value))
    if words == ("off",):
        return ()
    one = choice(*_FORWARDED)
    words = tuple(one.parse(word) for word in words)
    if "forwarded" in words and len(words) > 1:
        raise BadValue(
            f"{', '.join(words)!r} are two ways to say the same; write forwarded, or the others"
        )
    return words


def _scheme_headers(value: object) -> Mapping[str, str]:
    advice = "write a dict like {'X-FORWARDED-PROTO': 'https'}"
    if not isinstance(value, Mapping):
        raise complaint(value, "is no dict", advice)
    for name, secure in value.items():
        if not isinstance(name, str) or not re.match(_NAME, name):
            raise complaint(name, "is no name of a field", advice)
        if not isinstance(secure, str):
            raise complaint(secure, "is not text", advice)
    return FieldValues({name.upper(): secure for name, secure in value.items()})


def _show_names(words: tuple[str, ...]) -> str:
    return ",".join(words) or "none"


def _show_headers(headers: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in headers.items()) or "none"


FIELD_NAMES: Kind[tuple[str, ...]] = Kind("list of fields", "NAMES", _names, show=_show_names)
FORWARDED_FIELDS: Kind[tuple[str, ...]] = Kind(
    "list of fields", "FIELDS", _forwarded_fields, show=_show_names
)
SCHEME_HEADERS: Kind[Mapping[str, str]] = Kind("mapping", "", _scheme_headers, show=_show_headers)
PROXY_PROTOCOL: Kind[str] = replace(_VERSION, parse=_proxy_protocol, alone="auto")
