"""Which files are watched, and whether one of them has changed since it was looked at.

Runs in: arbiter (in the process of reload_process.py)
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from fastfork import clock

# What other tools write while an application runs, and what nobody edits in place.
LEFT_OUT: Final = frozenset(
    {
        "__pycache__",
        ".git",
        ".hg",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        "dist-packages",
        "node_modules",
        "site-packages",
    }
)
LIBRARY: Final = os.path.dirname(os.__file__)
OF_VIRTUALENV: Final = frozenset({"bin", "include", "lib", "lib64", "share"})
# Looking at each of them costs a system call a round.
MOST_FILES: Final = 20_000
# One save may be several writes, and a checkout many files: quiet for this long is the end of it.
QUIET: Final = 0.05  # seconds
LONGEST_QUIET: Final = 2.0

# What stat(2) says of a file, None when there is none.
State = tuple[int, int, int] | None


class WatchedFiles:
    """The state of every watched file as it was seen last.

    modules() -> {path: time in ns from which on a change counts}.
    extra: paths and globs (`**` for any depth), relative ones from `folder`.
    """

    def __init__(
        self, modules: Callable[[], dict[str, int]], extra: Sequence[str], folder: str
    ) -> None:
        self._modules = modules
        self._extra = [str(Path(folder, entry)) for entry in extra]
        self._seen: dict[str, State] = {}
        self._folder = folder
        self._place = _place(folder)

    def changed(self) -> list[str]:
        """Return the files that have changed since the last call; new members of a glob too.

        A file that vanished has not changed: an editor may be about to put the new one there.
        """
        changed = []
        place = _place(self._folder)
        if place is not None and place != self._place:  # a symbolic link was switched
            self._place = place
            changed.append(self._folder)
        for path, since in self._wanted().items():
            now = _state(path)
            if path not in self._seen:
                self._seen[path] = now
                if now is not None and since is not None and now[0] > since:
                    changed.append(path)
            elif now is not None and now != self._seen[path]:
                self._seen[path] = now
                changed.append(path)
        return changed

    def settled(self, changed: list[str], pause: Callable[[float], None]) -> list[str]:
        """`changed`, and what changes before it is quiet."""
        deadline = clock.now() + LONGEST_QUIET
        found = dict.fromkeys(changed)
        while clock.now() < deadline:
            pause(QUIET)
            more = self.changed()
            if not more:
                break
            found.update(dict.fromkeys(more))
        return list(found)

    def folders(self) -> set[str]:
        """Return the directories that the files are in, as far as they are there."""
        return {folder for folder in map(os.path.dirname, self._seen) if os.path.isdir(folder)}

    def __len__(self) -> int:
        return len(self._seen)

    def _wanted(self) -> dict[str, int | None]:
        """Path -> from when on; None for a file that was always there, as far as we know."""
        wanted: dict[str, int | None] = {}
        for path, since in self._modules().items():
            if is_watched(path):
                wanted[path] = since
        for entry in self._extra:
            for path in _expanded(entry):
                # A new member of a glob is a change, unless this is the first look.
                wanted.setdefault(path, 0 if self._seen else None)
        return dict(list(wanted.items())[:MOST_FILES])


def is_watched(path: str) -> bool:
    """Return whether a file is the application's own: not of a virtualenv, a cache or Python
    itself."""
    folder = os.path.dirname(path)
    return not (LEFT_OUT & set(Path(path).parts)) and not _is_foreign(folder)


@cache
def _is_foreign(folder: str) -> bool:
    """Return whether a directory is one of a virtualenv's own, or in Python's library.

    Not all below a pyvenv.cfg (PEP 405) is: some make the virtualenv in the project's directory.
    """
    if _is_below(folder, LIBRARY):
        return True
    path = Path(folder)
    return any(
        (above / "pyvenv.cfg").exists()
        for above in path.parents
        if path.relative_to(above).parts[0] in OF_VIRTUALENV
    )


def _is_below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _expanded(entry: str) -> list[str]:
    """Return the files of a glob that are watched; a plain path, whatever it is."""
    if not glob.has_magic(entry):
        return [entry]
    found = glob.iglob(entry, recursive=True)
    return [path for path in found if is_watched(path) and os.path.isfile(path)]


def _place(folder: str) -> tuple[int, int] | None:
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _state(path: str) -> State:
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
