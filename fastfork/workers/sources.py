"""The files that this process was made of, and those that a failed import was about.

Told to the watcher of `reload`, see fastfork/ipc/modules.py.

Runs in: worker
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Iterator
from importlib.util import source_from_cache

from fastfork.ipc import ModuleList

__all__ = ["SourceReport", "files_of_error", "files_of_modules"]


class SourceReport:
    """Tells `modules` which files are in use; does nothing when that is None."""

    def __init__(self, modules: ModuleList | None) -> None:
        self._modules = modules
        self._since = time.time_ns()
        self._count = -1

    def tell(self, error: BaseException | None = None) -> None:
        """Tell what was imported since the last call, and what an error of an import is about."""
        count = len(sys.modules)
        if self._modules is None or (count == self._count and error is None):
            return
        self._count = count
        since, self._since = self._since, time.time_ns()
        paths = files_of_modules()
        if error is not None:
            paths |= files_of_error(error)
        self._modules.add(paths, since)


def files_of_modules() -> set[str]:
    """The source file of every module that was imported from one."""
    found = set()
    for module in list(sys.modules.values()):
        path = getattr(module, "__file__", None)
        if isinstance(path, str):
            found.add(_source(path))
    return found


def files_of_error(error: BaseException) -> set[str]:
    """The files that a change may mend: in the traceback, of a syntax error, not found."""
    found: set[str] = set()
    for link in _chain(error):
        found |= {frame.filename for frame in traceback.extract_tb(link.__traceback__)}
        if isinstance(link, SyntaxError) and link.filename:
            found.add(link.filename)
        if isinstance(link, ImportError) and link.name:
            found |= set(places_of(link.name))
    return {path for path in found if os.path.isabs(path)}


def places_of(module: str) -> Iterator[str]:
    """The files that would be `module` in the application's own directories."""
    from pathlib import Path  # here: only with reload

    relative = Path(*module.split("."))
    for entry in sys.path:
        folder = Path(entry or ".").absolute()
        if not {"site-packages", "dist-packages"} & set(folder.parts):
            yield str(folder / f"{relative}.py")
            yield str(folder / relative / "__init__.py")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those that led to it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__


def _source(path: str) -> str:
    """The .py of a .pyc."""
    path = os.path.abspath(path)
    if path.endswith(".pyc"):
        try:
            return source_from_cache(path)
        except ValueError:
            return path
    return path
