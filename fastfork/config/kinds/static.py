"""Kinds of value of the settings about static files.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from .basic import BadValue, Kind, complaint

__all__ = ["FIELDS_BY_PATTERN", "HASHED", "MOUNTS", "PATTERN", "FieldsByPattern", "Mounts"]

# Names that hold a hash of what is in the file.  A wrong guess is kept for a year, so each form
# asks for what words, dates and sizes do not have:
# - twelve hexadecimal digits between dots: Django's ManifestStaticFilesStorage, and WhiteNoise's;
# - eight and more, with digits and letters: webpack, Parcel and others;
# - eight letters, digits, - and _ of Vite and Rollup: with upper case, lower case and a digit; in
#   a directory `assets`, where they put them, with upper case.
HASHED: Final = (
    r"\.[0-9a-f]{12}\.[^/]+$"
    r"|[.-](?=[0-9]*[a-f])(?=[a-f]*[0-9])(?:[0-9a-f]{8}|[0-9a-f]{16,64})\.[^/]+$"
    r"|[.-](?=[^./]*[0-9])(?=[^./]*[A-Z])(?=[^./]*[a-z])[A-Za-z0-9_-]{8}\.[^/]+$"
    r"|/assets/(?:[^/]+/)*[^/]*[.-](?=[^./]*[A-Z])[A-Za-z0-9_-]{8}\.[^/]+$"
)

_FIELD_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z"  # RFC 9110 section 5.6.2
# What these say is known of the file or the connection alone.
_OURS: Final = (
    "accept-ranges", "connection", "content-encoding", "content-length", "content-range", "date",
    "etag", "keep-alive", "last-modified", "location", "server", "te", "trailer",
    "transfer-encoding", "upgrade",
)  # fmt: skip


class Mounts(dict[str, str]):
    """Prefix of paths -> directory, which nobody changes."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(self.items()))


class FieldsByPattern(dict[str, Mapping[str, str]]):
    """Pattern of paths -> fields of the response, which nobody changes."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple((pattern, tuple(more.items())) for pattern, more in self.items()))


def _pairs(value: object, example: str, advice: str) -> Iterable[tuple[object, Any]]:
    """Return what a mapping has, or a list of KEY=VALUE as options give it."""
    if value is None or (isinstance(value, str) and value.strip() in ("", "none")):
        return []
    if isinstance(value, Mapping):
        return list(value.items())
    # A comma may be in a path; one before a second pair is none of it.
    words = re.split(r",(?=\s*[/*][^=,]*=)", value) if isinstance(value, str) else value
    if not isinstance(words, list | tuple):
        raise complaint(value, "is no mapping", advice)
    pairs = []
    for word in words:
        if not isinstance(word, str) or "=" not in word:
            raise complaint(word, f"is not {example}", advice)
        key, _, rest = word.partition("=")
        pairs.append((key.strip(), rest.strip()))
    return pairs


def _mounts(value: object) -> Mounts:
    advice = "write /static=/srv/static"
    found = Mounts()
    for prefix, directory in _pairs(value, "PREFIX=DIRECTORY", advice):
        if not isinstance(prefix, str) or not prefix.startswith("/"):
            raise complaint(prefix, "does not begin with a slash", advice)
        segments = prefix.rstrip("/").split("/")[1:]
        if any(segment in ("", ".", "..") for segment in segments) or "%" in prefix:
            raise complaint(prefix, "is no path that a request can have", advice)
        if not isinstance(directory, str) or not directory or "\0" in directory:
            raise complaint(directory, "is no directory", advice)
        prefix = prefix.rstrip("/") or "/"
        if prefix in found:
            raise complaint(prefix, "is named twice", "write it once")
        found[prefix] = directory
    return found


def _fields(value: object) -> FieldsByPattern:
    advice = "write *.woff2=Access-Control-Allow-Origin: *"
    found = FieldsByPattern()
    for pattern, given in _pairs(value, "PATTERN=FIELD: VALUE", advice):
        if not isinstance(pattern, str) or not pattern:
            raise complaint(pattern, "is no pattern of paths", advice)
        more = dict(found.get(pattern, {}))
        if isinstance(given, str):
            name, colon, text = given.partition(":")
            if not colon:
                raise complaint(given, "is not FIELD: VALUE", advice)
            given = {name.strip(): text.strip()}
        if not isinstance(given, Mapping):
            raise complaint(given, "is no mapping of fields", advice)
        for name, text in given.items():
            more[_name(name, advice)] = _text(text, advice)
        found[pattern] = more
    return found


def _name(name: object, advice: str) -> str:
    if not isinstance(name, str) or not re.match(_FIELD_NAME, name):
        raise complaint(name, "is no name of a field", advice)
    if name.lower() in _OURS:
        raise BadValue(f"{name!r} is for the server to say; leave it out")
    return name


def _text(text: object, advice: str) -> str:
    if not isinstance(text, str) or not text.isascii() or not (text.isprintable() or not text):
        raise complaint(text, "is no value of a field", advice)
    return text.strip()


def _pattern(value: object) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise complaint(value, "is not text", "write it in quotes")
    word = value.strip().lower()
    if word in ("none", "auto"):
        return None if word == "none" else HASHED
    try:
        re.compile(value)
    except re.error as error:
        raise complaint(
            value, f"is no regular expression: {error}", r"write one like \.[0-9a-f]{12}\."
        ) from None
    return value


def _show_pattern(pattern: str | None) -> str:
    return "none" if pattern is None else "auto" if pattern == HASHED else pattern


def _show_mounts(mounts: Mapping[str, str]) -> str:
    return ", ".join(f"{prefix}={directory}" for prefix, directory in mounts.items()) or "none"


def _show_fields(fields: Mapping[str, Mapping[str, str]]) -> str:
    told = [
        f"{pattern}={name}: {text}"
        for pattern, more in fields.items()
        for name, text in more.items()
    ]
    return ", ".join(told) or "none"


MOUNTS: Kind[Mapping[str, str]] = Kind(
    "mapping", "PREFIX=DIR", _mounts, show=_show_mounts, many=True
)
FIELDS_BY_PATTERN: Kind[Mapping[str, Mapping[str, str]]] = Kind(
    "mapping", "PATTERN=FIELD", _fields, show=_show_fields, many=True
)
PATTERN: Kind[str | None] = Kind("regular expression", "REGEX", _pattern, show=_show_pattern)
