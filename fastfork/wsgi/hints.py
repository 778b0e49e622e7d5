"""What to type instead, when MODULE:APP does not name an application.

Runs in: both
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from importlib.machinery import SOURCE_SUFFIXES
from itertools import islice
from pathlib import Path

from . import source

__all__ = ["module_hint", "name_hint", "not_wsgi"]

# Tried in this order when no name is close.
USUAL_NAMES = ("app", "application", "wsgi_app", "wsgi", "api", "create_app", "make_app")
FACTORIES = frozenset({"create_app", "make_app", "get_app", "app_factory"})

# Folders are listed for suggestions only; a full one is not read to its end.
MOST_ENTRIES = 2000


def name_hint(module: str, name: str, names: Mapping[str, bool], *, is_default: bool) -> str:
    """`; did you mean shop:app?` for a name that `module` does not have, or ''.

    names: the names it has -> whether each is a plain function.  is_default: nobody has written
    the name.
    """
    if is_default and not names.get(name) and (inside := _wsgi_module_in(module)):
        return f"; did you mean {inside}?"
    public = [known for known in names if not known.startswith("_")]
    near = get_close_matches(name, public, n=1)
    meant = next(iter(near), None) or next((usual for usual in USUAL_NAMES if usual in names), None)
    if meant is None:
        return ""
    if meant in FACTORIES and names[meant]:
        return f"; did you mean '{module}:{meant}()'?"
    return f"; did you mean {module}:{meant}?"


def _wsgi_module_in(package: str) -> str:
    """shop.wsgi for a package `shop` that has such a module, as Django's projects do; or ''."""
    try:
        found, _ = source.find(f"{package}.wsgi")
    except (ImportError, ValueError, AttributeError):
        return ""
    return "" if found is None else f"{package}.wsgi"


def module_hint(module: str, name: str) -> str:
    """`; did you mean shop:app?` for a module that is not there, or where it was looked for."""
    folder = Path(_shown(sys.path[0]))
    parts = module.split(".")
    for depth, part in enumerate(parts):
        at_hand = _modules_in(folder)
        if part in at_hand:
            folder /= part
            continue
        near = get_close_matches(part, at_hand, n=1)
        if near:
            meant = ".".join([*parts[:depth], near[0], *parts[depth + 1 :]])
            return f"; did you mean {meant}:{name}?"
        break
    return f"; looked in {_shown(sys.path[0])} and the rest of sys.path (--chdir, --pythonpath)"


def _shown(entry: str) -> str:
    return entry or str(Path.cwd())


def _modules_in(folder: Path) -> list[str]:
    """Modules and packages in a folder, by name."""
    found = []
    try:
        for path in islice(folder.iterdir(), MOST_ENTRIES):
            if path.suffix in SOURCE_SUFFIXES or (path.is_dir() and path.name.isidentifier()):
                found.append(path.stem)
    except OSError:
        return []
    return sorted(found)


def not_wsgi(app: Callable[..., object], module: str, name: str) -> str | None:
    """Return why `app` cannot be called as app(environ, start_response), or None.

    Only a signature that certainly refuses two arguments counts; one that a decorator
    borrowed from the wrapped function does not.
    """
    try:
        signature = inspect.signature(app, follow_wrapped=False)
    except (ValueError, TypeError):
        return None
    if _accepts(signature, 2):
        return None
    if _accepts(signature, 0):
        return f"{module}:{name} takes no arguments, so it is a factory; write '{module}:{name}()'"
    return (
        f"{module}:{name} cannot be called as {name}(environ, start_response): it takes {signature}"
    )


def _accepts(signature: inspect.Signature, count: int) -> bool:
    try:
        signature.bind(*range(count))
    except TypeError:
        return False
    return True
