"""The config file that is read when none is named.

Runs in: cli, arbiter (when it reads the settings)
"""

from __future__ import annotations

import os
import re
from typing import Final

from fastfork.records import field, record

__all__ = ["DEFAULT_NAMES", "HEADER", "LARGEST_FILE", "Unasked", "find_default"]

# Looked for in this order when no config file is named; pyproject.toml only counts with a table
# [tool.fastfork].
DEFAULT_NAMES = ("fastfork.conf.py", "fastfork.toml", "pyproject.toml", "gunicorn.conf.py")
_GUNICORNS = DEFAULT_NAMES[-1]

# A config file is typed by hand; /dev/zero and a database dump are not.
LARGEST_FILE: Final = 1024 * 1024
# Of our table in a pyproject.toml.
HEADER: Final = r"^\s*\[\s*tool\s*\.\s*[\"']?fastfork\b"


@record(frozen=True)
class Unasked:
    """The config file that is read when none is named, '' for none, and what to say of it.

    notices: lines that warn.  remarks: lines that only tell.
    """

    place: str = ""
    notices: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def find_default(folder: str | os.PathLike[str]) -> Unasked:
    """Return the config file that is read unasked."""
    paths = {name: os.path.join(folder, name) for name in DEFAULT_NAMES}
    found = [name for name, path in paths.items() if _counts(path)]
    if not found:
        return Unasked()
    first, *rest = found
    notices, remarks = [], []
    if rest:
        notices.append(f"{paths[first]} is read; not read, though there too: {', '.join(rest)}")
    elif first == _GUNICORNS:
        remarks.append(f"{paths[first]} is read, as there is no {DEFAULT_NAMES[0]}")
    return Unasked(paths[first], notices, remarks)


def _counts(path: str) -> bool:
    if not path.endswith("pyproject.toml"):
        return os.path.isfile(path)
    # Only its text is looked at, so that one that is none of our business need not be right.
    try:
        with open(path, "rb") as file:
            text = file.read(LARGEST_FILE).decode("utf-8", "replace")
    except (OSError, ValueError):
        return False
    return "fastfork" in text and re.search(HEADER, text, re.MULTILINE) is not None
