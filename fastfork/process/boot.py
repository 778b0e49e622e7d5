"""What comes before the application is loaded, and what is said when it does not load.

A worker does it; with `preload_app` the arbiter does the same, once, for all of them.

Runs in: both
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Sequence
from importlib import _bootstrap_external
from importlib.machinery import PathFinder
from typing import Any, Final, TypeVar

from fastfork import forks
from fastfork.errors import AppImportFailed, BootError, ConfigError

App = TypeVar("App")

THE_IMPORT: Final = "the application's import"


def change_directory(directory: str) -> None:
    """Go to `directory`.  Raises ConfigError when that cannot be."""
    try:
        os.chdir(directory)
    except OSError as error:
        raise ConfigError(f"chdir: {directory}: {error.strerror}") from None


# What `enter` has put into sys.path, in this process or before the fork.
_entered: list[str] = []


def enter(
    directory: str, pythonpath: str | None, raw_env: Sequence[str], *, follows: bool = False
) -> None:
    """Go to `directory`, make it and `pythonpath` importable, and set the environment.

    pythonpath: directories separated by commas, as gunicorn's.  raw_env: `KEY=VALUE` each.
    follows: where `directory` leads through a symbolic link that is switched later, modules are
    then imported from there, as the arbiter wants it; a worker keeps to the code that it has.
    Doing it twice is doing it once.  Raises ConfigError when there is no such directory.
    """
    if not _is_here(directory):
        change_directory(directory)
    now = os.getcwd()
    extra = [part.strip() for part in (pythonpath or "").split(",") if part.strip()]
    entries = [absolute(path, now) for path in [directory if follows else now, *extra]]
    for entry in {*_entered, *entries}:  # it may stand behind a module of the same name
        if entry in sys.path:
            sys.path.remove(entry)
    sys.path[:0] = reversed(entries)
    _entered[:] = entries
    _look_into_folders_again()  # another release may have files of the same age
    for entry in raw_env:
        name, _, value = entry.partition("=")
        os.environ[name] = value


def _look_into_folders_again() -> None:
    """Do as importlib.invalidate_caches().

    That imports importlib.metadata since Python 3.13, to clear its caches, and 55 modules that a
    server has no use for.  Where it is not there, it has none.
    """
    for finder in list(sys.meta_path):
        if finder is PathFinder and "importlib.metadata" not in sys.modules:
            _forget_listings()
        elif (invalidate := getattr(finder, "invalidate_caches", None)) is not None:
            invalidate()


def _forget_listings() -> None:
    """Do as PathFinder.invalidate_caches(), for the folders."""
    for folder, finder in list(sys.path_importer_cache.items()):
        if finder is None or not os.path.isabs(folder):
            sys.path_importer_cache.pop(folder, None)
        elif (invalidate := getattr(finder, "invalidate_caches", None)) is not None:
            invalidate()
    # Namespace packages compare this number; another Python may have it elsewhere.
    namespaces: Any = getattr(_bootstrap_external, "_NamespacePath", None)
    if hasattr(namespaces, "_epoch"):
        namespaces._epoch += 1


def absolute(path: str, folder: str) -> str:
    """Return what Path.absolute() returns, from `folder`: `..` stays, since a link may stand
    before it."""
    whole = os.path.join(folder, path)
    return "/" + "/".join(part for part in whole.split("/") if part not in ("", "."))


def _is_here(directory: str) -> bool:
    """Return whether the process is there already: it may be where its user may not go."""
    try:
        return os.path.realpath(directory) == os.getcwd()
    except OSError:
        return False  # the directory was removed


def load(load_app: Callable[[], App]) -> App:
    """Call `load_app`; whatever it raises on the way comes out as BootError.

    SystemExit too: an application that calls sys.exit() while it is imported has failed.
    """
    try:
        app = load_app()
        forks.leave_if_foreign(out_of=THE_IMPORT)
        return app
    except BootError as error:
        forks.leave_if_foreign(error.__cause__ or error, out_of=THE_IMPORT)
        raise
    except (Exception, SystemExit) as error:
        forks.leave_if_foreign(error, out_of=THE_IMPORT)
        raise AppImportFailed(
            f"the application failed to load: {error!r}",
            traceback_text="".join(traceback.format_exception(error)),
        ) from error


def describe(error: BootError) -> str:
    """Return the text to log: the one line, and the traceback from the user's first frame if
    any."""
    if isinstance(error, AppImportFailed) and error.traceback_text:
        return f"{error}\n{error.traceback_text.rstrip()}"
    return str(error)
