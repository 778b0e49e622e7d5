"""The kinds of value a setting may have: how one is read, and how it is shown.

`Kind.parse` takes what a source gives: text from the command line and the environment,
any Python value from a config file.  It raises BadValue with one line: the value, what is
wrong with it, what to write instead.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from fastfork import address
from fastfork.errors import BadAddress
from fastfork.records import record

from . import logformat

__all__ = [
    "ADDRESSES",
    "DURATION",
    "ENVIRONMENT",
    "FLAG",
    "FLAG_ON",
    "FOLDER",
    "FORMAT",
    "HEADER",
    "LOG_PATH",
    "PATH",
    "PATHS",
    "SIZE",
    "TEXT",
    "WORD",
    "BadValue",
    "Kind",
    "choice",
    "integer",
]

T = TypeVar("T")

KIBI = 1024
_UNIT_SECONDS = {"ms": 0.001, "": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_UNIT_BYTES = {"": 1, "K": KIBI, "M": KIBI**2, "G": KIBI**3, "T": KIBI**4}

# A year is "never" to everybody, and still far from the range where poll(2) overflows.
LONGEST_SECONDS = 366 * 86400.0
LARGEST_BYTES = 2**62

# Compiled when they are used: a start reads few settings.
_INTEGER = r"[+-]?[0-9]{1,18}\Z"
_DURATION = r"([0-9]{1,12}(?:\.[0-9]{1,9})?|\.[0-9]{1,9}) ?(ms|s|m|h|d|)\Z"
_SIZE = r"([0-9]{1,18}) ?([KMGT]?)(?:I?B)?\Z"

_TRUE = frozenset({"true", "yes", "y", "on", "1"})
_FALSE = frozenset({"false", "no", "n", "off", "0"})

# Characters, as the compiled part has room for (csrc/fastfork/_core/http/response_head.pxd).
HEADER_MAX = 200

# Longer values are cut in messages: enough to recognise, too little to flood.
SHOWN_CHARACTERS = 80


class BadValue(ValueError):
    """A value that is not of its kind.  The text is the whole complaint but for the name."""


@record(frozen=True)
class Kind(Generic[T]):
    """One kind of value.

    name: what the reference calls it.  metavar: what stands for it in --help.
    show: the value as a reader would type it.  many: its option may be repeated.
    switch: its option takes no value and has a --no- twin.
    alone: what its option means without a value; None: it needs one.
    """

    name: str
    metavar: str
    parse: Callable[[object], T]
    show: Callable[[T], str] = str
    many: bool = False
    switch: bool = False
    alone: str | None = None


def complaint(value: object, problem: str, advice: str) -> BadValue:
    """BadValue for `value`, in the one form that every message has."""
    shown = repr(value)
    if len(shown) > SHOWN_CHARACTERS:
        shown = shown[:SHOWN_CHARACTERS] + "..."
    return BadValue(f"{shown} {problem}; {advice}")


def integer(minimum: int, maximum: int) -> Kind[int]:
    """Whole numbers from `minimum` to `maximum`, both included."""
    advice = f"write a whole number from {minimum} to {maximum}"

    def parse(value: object) -> int:
        number = value
        if isinstance(value, str) and re.match(_INTEGER, value.strip()):
            number = int(value)
        if not isinstance(number, int) or isinstance(number, bool):
            raise complaint(value, "is not an integer", advice)
        if number < minimum:
            raise complaint(value, f"is less than {minimum}", advice)
        if number > maximum:
            raise complaint(value, f"is more than {maximum}", advice)
        return number

    return Kind("integer", "N", parse)


def choice(*values: str, **others: str) -> Kind[str]:
    """Return one of a few words, in any case.  others: words of gunicorn's, and which each
    means."""
    listed = ", ".join(values)

    def parse(value: object) -> str:
        word = value.strip().lower() if isinstance(value, str) else ""
        word = others.get(word, word)
        if word in values:
            return word
        from difflib import get_close_matches  # here: for slips only

        near = get_close_matches(word, values, n=1)
        raise complaint(value, f"is none of {listed}", f"write {near[0] if near else values[0]}")

    return Kind(f"one of {', '.join(f'`{value}`' for value in values)}", "WORD", parse)


def _flag(value: object) -> bool:
    if value is None:
        return False  # as gunicorn has it
    word = str(value).strip().lower() if isinstance(value, str | int) else ""
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise complaint(value, "is neither true nor false", "write True or False")


def _on_unless_told(value: object) -> bool:
    return True if value is None else _flag(value)  # gunicorn's default of sendfile is None


def _duration(value: object) -> float:
    advice = "write seconds, or a number with a unit, such as 30, 500ms or 2m"
    if isinstance(value, str):
        match = re.match(_DURATION, value.strip().lower())
        if match is None:
            raise complaint(value, "is not a duration", advice)
        seconds = float(match[1]) * _UNIT_SECONDS[match[2]]
    elif isinstance(value, int | float) and not isinstance(value, bool):
        seconds = float(value)
    else:
        raise complaint(value, "is not a duration", advice)
    if not math.isfinite(seconds) or seconds < 0:
        raise complaint(value, "is not a duration", advice)
    if seconds > LONGEST_SECONDS:
        raise complaint(value, "is more than a year", advice)
    return seconds


def _optional_duration(value: object) -> float | None:
    return None if value is None or value == "" else _duration(value)


def _show_duration(seconds: float) -> str:
    if seconds == 0:
        return "0"
    for unit in ("d", "h", "m"):
        if seconds % _UNIT_SECONDS[unit] == 0:
            return f"{seconds / _UNIT_SECONDS[unit]:g}{unit}"
    return f"{seconds:g}s" if seconds >= 1 else f"{seconds * 1000:g}ms"


def _size(value: object) -> int:
    advice = "write bytes, or a number with K, M or G, such as 8190 or 512M"
    number = value
    if isinstance(value, str):
        match = re.match(_SIZE, value.strip(), re.IGNORECASE)
        number = int(match[1]) * _UNIT_BYTES[match[2].upper()] if match else None
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise complaint(value, "is not a size", advice)
    if number > LARGEST_BYTES:
        raise complaint(value, "is more than any machine holds", advice)
    return number


def _show_size(size: int) -> str:
    for unit in ("G", "M", "K"):
        if size and size % _UNIT_BYTES[unit] == 0:
            return f"{size // _UNIT_BYTES[unit]}{unit}"
    return str(size)


def _text(value: object) -> str | None:
    """Return the text on one line; None and empty text mean that nothing is set."""
    if value is None:
        return None
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str):
        raise complaint(value, "is not text", "write it in quotes")
    if any(character in value for character in "\0\r\n"):
        raise complaint(value, "has a line end or a NUL byte", "write it on one line")
    return value.strip() or None


def _folder(value: object) -> str:
    return _text(value) or "."


def _log_path(value: object) -> str:
    return _text(value) or "-"


def _word(value: object) -> str:
    word = _text(value)
    if word is None:
        raise complaint(value, "is empty", "write a word, or leave the setting out")
    return word


def _header(value: object) -> str:
    if not isinstance(value, str):
        raise complaint(value, "is not text", "write it in quotes")
    # RFC 9110 section 5.5; what is beyond ASCII has no meaning that is agreed on.
    if not value.isascii() or not (value.isprintable() or not value):
        raise complaint(value, "is no value of a field", "write printable ASCII, such as 'web'")
    if len(value) > HEADER_MAX:
        raise complaint(value, f"is longer than {HEADER_MAX} characters", "write a short name")
    return value.strip()


def _format(value: object) -> str:
    if not isinstance(value, str):
        raise complaint(value, "is not text", "write it in quotes")
    try:
        logformat.parse(value)
    except logformat.BadFormat as error:
        raise complaint(value, error.problem, error.advice) from None
    return value


def _words(value: object, example: str) -> Sequence[str]:
    """Return the members of a repeated option, a list, or text with commas (as gunicorn reads
    it)."""
    if value is None:
        return ()
    if isinstance(value, str):
        return [word.strip() for word in value.split(",") if word.strip()]
    if isinstance(value, list | tuple) and all(isinstance(word, str) for word in value):
        return value
    raise complaint(value, "is not a list of texts", f"write [{example!r}]")


def _addresses(value: object) -> tuple[str, ...]:
    words = _words(value, "127.0.0.1:8000")
    if not words:
        raise complaint(value, "names no address", "write ['127.0.0.1:8000']")
    seen: set[address.Address] = set()
    for word in words:
        try:
            where = address.parse(word)
        except BadAddress as error:
            raise BadValue(str(error)) from None
        # The kernel chooses another port for each :0.
        chosen_by_kernel = isinstance(where, address.TcpAddress) and where.port == 0
        if where in seen and not chosen_by_kernel:
            raise complaint(word, "is named twice", "write it once")
        seen.add(where)
    return tuple(word.strip() for word in words)


def _paths(value: object) -> tuple[str, ...]:
    for path in (words := _words(value, "templates/**/*.html")):
        if not path.strip() or "\0" in path:
            raise complaint(path, "is no path", "write one like templates/**/*.html")
    return tuple(words)


def _environment(value: object) -> tuple[str, ...]:
    words = _words(value, "DEBUG=0")
    for word in words:
        if not word.partition("=")[0] or "=" not in word or "\0" in word:
            raise complaint(word, "is not KEY=VALUE", "write it like DEBUG=0")
    return tuple(words)


def _show_text(text: str | None) -> str:
    return "none" if text is None else text


def _show_words(words: tuple[str, ...]) -> str:
    return ", ".join(words) or "none"


def _show_flag(value: bool) -> str:
    return "on" if value else "off"


FLAG: Kind[bool] = Kind("flag", "", _flag, show=_show_flag, switch=True)
FLAG_ON: Kind[bool] = Kind("flag", "", _on_unless_told, show=_show_flag, switch=True)
DURATION: Kind[float] = Kind("duration", "SECONDS", _duration, show=_show_duration)
OPTIONAL_DURATION: Kind[float | None] = Kind(
    "duration",
    "SECONDS",
    _optional_duration,
    show=lambda value: "none" if value is None else _show_duration(value),
)
SIZE: Kind[int] = Kind("size", "BYTES", _size, show=_show_size)
TEXT: Kind[str | None] = Kind("text", "TEXT", _text, show=_show_text)
PATH: Kind[str | None] = Kind("path", "PATH", _text, show=_show_text)
FOLDER: Kind[str] = Kind("directory", "DIR", _folder)
LOG_PATH: Kind[str] = Kind("path", "PATH", _log_path)
WORD: Kind[str] = Kind("word", "WORD", _word)
HEADER: Kind[str] = Kind("field value", "TEXT", _header)
FORMAT: Kind[str] = Kind("format", "FORMAT", _format)
ADDRESSES: Kind[tuple[str, ...]] = Kind(
    "addresses", "ADDRESS", _addresses, show=_show_words, many=True
)
PATHS: Kind[tuple[str, ...]] = Kind("list of paths", "PATH", _paths, show=_show_words, many=True)
ENVIRONMENT: Kind[tuple[str, ...]] = Kind(
    "list of KEY=VALUE", "KEY=VALUE", _environment, show=_show_words, many=True
)
