"""Options on a command line as it mostly is, read without argparse; and those of *_CMD_ARGS.

argparse takes ten times as long to be loaded and told all options as it takes to read a dozen
words, and a server needs it for nothing else.  So words are read here when each of them is
plain: an option of the table by its whole name, its value, the application.  Anything else
(--help, a slip, a value that begins with a dash, -w4, options of gunicorn's that we do not have)
is left to `options`, which says what is wrong with it.  A test asks both the same.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fastfork.errors import OptionError
from fastfork.records import field, record

from ..gunicorn.names import OTHER_OPTIONS
from ..kinds.spec import Spec
from ..settings import SETTINGS
from ..values import ARGUMENTS, OTHERS, Given, Raw

__all__ = [
    "ARGUMENTS",
    "OTHERS",
    "FromVariable",
    "OptionError",
    "from_variable",
    "other_options",
    "plain",
]


def plain(words: Sequence[str]) -> dict[str, object] | None:
    """Return the settings among `words`, as `options.read` gives them; None when that has to read
    them."""
    flags = {flag: spec for spec in SETTINGS.values() for flag in spec.flags}
    found: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            if ARGUMENTS in found:
                return None  # a second application
            found[ARGUMENTS] = [word]
            continue
        spec, value = _option(word, flags)
        if value is None:
            value = next(rest, "")
        if spec is None or value == "" or (str(value).startswith("-") and value != "-"):
            return None
        found[spec.name] = [*found.get(spec.name, ()), value] if spec.kind.many else value
    return {name: found[name] for name in (*SETTINGS, ARGUMENTS) if name in found}


def _option(
    word: str, flags: Mapping[str, Spec[Any]]
) -> tuple[Spec[Any] | None, str | bool | None]:
    """Return the setting that an option is for and the value within the word, None if it has none.

    No setting when the word is not plain.
    """
    name, equals, value = word.partition("=")
    spec = flags.get(name)
    if spec is not None and spec.kind.alone is None:
        if not equals:
            return spec, True if spec.kind.switch else None
        is_plain = word.startswith("--") and not spec.kind.switch
        return (spec, value) if is_plain else (None, None)
    spec = None if spec or equals else flags.get(f"--{word.removeprefix('--no-')}")
    is_plain = spec is not None and spec.kind.switch and word.startswith("--no-")
    return (spec, False) if is_plain else (None, None)


@record
class FromVariable:
    """What a *_CMD_ARGS variable says."""

    given: Given = field(default_factory=dict)
    notices: list[str] = field(default_factory=list)
    others: object = ()


def from_variable(variable: str, text: str) -> FromVariable:
    """Return the settings in a *_CMD_ARGS variable.  Raises OptionError."""
    found = FromVariable()
    import shlex  # here, as the next one: most servers have no such variable

    try:
        words = shlex.split(text)
    except ValueError as error:
        raise OptionError(f"cannot be split into words: {error}; close the quotes") from None
    given = plain(words)
    if given is None:
        from .options import read_variable

        given = read_variable(words)
    found.others = given.pop(OTHERS, ())
    arguments = given.pop(ARGUMENTS, None)
    if isinstance(arguments, list) and arguments:
        listed = " ".join(arguments)
        found.notices.append(f"{variable}: only options are read from it; ignored: {listed}")
    found.given = {name: Raw(value, variable) for name, value in given.items()}
    return found


def other_options(noted: object) -> list[tuple[str, str, object]]:
    """(option, setting, value) of each option noted under OTHERS."""
    pairs = noted if isinstance(noted, list) else []
    return [(option, OTHER_OPTIONS[option][0], value) for option, value in pairs]
