"""Config files in TOML: fastfork.toml, and the table [tool.fastfork] of a pyproject.toml.

Unlike a Python file, which has variables of its own, TOML has settings and nothing else: an
unknown key is an error.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import IO, Any, Final

from fastfork.errors import ConfigError

from ..gunicorn.names import OTHER_SETTINGS, one_edit_apart
from ..kinds.spec import Spec
from ..values import ConfigFile, Raw
from .unasked import HEADER, LARGEST_FILE

__all__ = ["read_into", "text_of"]

PYPROJECT: Final = "pyproject.toml"


def read_into(
    found: ConfigFile, path: Path, origin: str, settings: Mapping[str, Spec[Any]]
) -> None:
    """Sort the keys of the file into settings, gunicorn's others, and complaints.

    origin: where the path was given.  Raises ConfigError when there is no such file, or when it
    is no TOML.
    """
    import tomllib  # here: most servers never need it

    text = text_of(path, found.shown, origin, _open)
    try:
        table: object = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"config: {found.shown!r} is not TOML: {error}") from None
    start = 0
    if path.name == PYPROJECT:
        assert isinstance(table, dict)
        tool = table.get("tool", {})
        table = tool.get("fastfork") if isinstance(tool, dict) else None
        header = re.search(HEADER, text, re.MULTILINE)
        start = header.start() if header else 0
    if not isinstance(table, dict):
        raise ConfigError(
            f"config: {found.shown!r} has no table [tool.fastfork] ({origin}); add one"
        )
    for key, value in table.items():
        _sort(found, key, Raw(value, _place(found.shown, text, start, key)), settings)


def _sort(found: ConfigFile, key: str, raw: Raw, settings: Mapping[str, Spec[Any]]) -> None:
    if key == "config":
        found.notices.append(f"{raw.origin}: config has no effect in a config file; use -c")
    elif key in settings:
        found.given[key] = raw
    elif key in OTHER_SETTINGS:
        found.others[key] = raw
    else:
        near = [name for name in settings if one_edit_apart(key.lower(), name)]
        near += get_close_matches(key.lower(), settings, n=1, cutoff=0.6)
        hint = f"did you mean {near[0]}?" if near else "`fastfork config init` lists what there is"
        found.bad.append(f"{key}: there is no such setting; {hint} ({raw.origin})")


def _place(shown: str, text: str, start: int, key: str) -> str:
    """Return the file and the line of a key; only the file when it is written in some unusual
    way."""
    written = re.compile(rf"^\s*(?:\[\s*(?:tool\.fastfork\.)?)?[\"']?{re.escape(key)}\b", re.M)
    match = written.search(text, start)
    if match is None:
        return shown
    return f"{shown} line {text.count(chr(10), 0, match.end()) + 1}"


def _open(path: Path) -> IO[str]:
    return path.open(encoding="utf-8")


def text_of(path: Path, shown: str, origin: str, opened: Callable[[Path], IO[str]]) -> str:
    """Return the text of a config file.  Raises ConfigError, in one line."""
    kind = "TOML" if path.suffix == ".toml" else "Python"
    try:
        if path.is_file() and path.stat().st_size > LARGEST_FILE:
            raise ConfigError(
                f"config: {shown!r} is larger than 1 MiB ({origin}); name a config file"
            )
        with opened(path) as stream:
            return stream.read(LARGEST_FILE)
    except FileNotFoundError:
        raise ConfigError(
            f"config: {shown!r} does not exist ({origin}); write the path of a config file"
        ) from None
    except OSError as error:
        raise ConfigError(
            f"config: {shown!r} cannot be read: {error.strerror} ({origin})"
        ) from None
    except (SyntaxError, ValueError) as error:  # not UTF-8; a NUL in the path
        raise ConfigError(f"config: {shown!r} is not {kind} text: {error} ({origin})") from None
