"""What a mutant is; the tables are in mutants_head.py, mutants_body.py, mutants_preface.py and
mutants_websocket.py.

Runs in: cli
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple


class Mutant(NamedTuple):
    """One planted bug: where, what, and what it would let through."""

    file: str
    bug: str
    old: str
    new: str


def place(sources: Path, file: str) -> Path:
    """Where the file of a mutant lies below `sources`."""
    (path,) = sources.rglob(file)
    return path
