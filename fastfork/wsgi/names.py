"""Which names a module's source binds, read without running it.

Runs in: arbiter
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from pathlib import Path

from fastfork.records import record

__all__ = ["ModuleNames", "names_in", "names_in_file"]

# A file that mentions one of these may make names that its text does not show.
_MAKES_NAMES = frozenset(
    {
        "__dict__",
        "__getattr__",
        "__import__",
        "__path__",
        "eval",
        "exec",
        "globals",
        "locals",
        "modules",
        "setattr",
        "vars",
    }
)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@record(frozen=True)
class ModuleNames:
    """Names that a module's top level binds -> whether the name is a plain function.

    certain: False when the module may have more names than its text shows.
    raises: the module seems to fail before anybody can miss a name of it: it raises at top
    level, or binds nothing at all.
    """

    names: dict[str, bool]
    certain: bool
    raises: bool


def names_in(source: str) -> ModuleNames:
    """Return the names that the top level of `source` binds.  Raises SyntaxError or ValueError."""
    with warnings.catch_warnings():
        # The import that follows warns; once is enough.
        warnings.simplefilter("ignore")
        tree = ast.parse(source)
    names: dict[str, bool] = {}
    certain = True
    for node in ast.walk(tree):
        certain = certain and not _may_make_names(node)
        if isinstance(node, ast.Global):
            names.update(dict.fromkeys(node.names, False))
    for name, is_function in _bindings(tree):
        names[name] = is_function
    raises = not names or any(isinstance(node, ast.Raise) for node in tree.body)
    return ModuleNames(names, certain, raises)


def names_in_file(path: Path) -> dict[str, bool]:
    """Return what ModuleNames.names has; {} when the file is not there or is no Python.  Never
    raises."""
    try:
        return names_in(path.read_text(encoding="utf-8")).names
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return {}


def _may_make_names(node: ast.AST) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name in _MAKES_NAMES
        case ast.FunctionDef(name=name):
            return name in _MAKES_NAMES
        case ast.ImportFrom(names=aliases):
            return any(alias.name == "*" or alias.name in _MAKES_NAMES for alias in aliases)
    return False


def _bindings(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Yield the names bound outside functions and classes, with whether a def binds them."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, isinstance(node, ast.FunctionDef)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, False
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], False
        elif isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
            yield node.name, False
        elif isinstance(node, ast.MatchMapping) and node.rest:
            yield node.rest, False
        if not isinstance(node, _SCOPES):
            yield from _bindings(node)
