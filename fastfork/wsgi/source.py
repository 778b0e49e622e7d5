"""What a module's source says about its names, read without running it.

Runs in: arbiter
"""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

__all__ = ["ModuleNames", "find", "names_in", "names_in_file", "read_source"]

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


@dataclass(frozen=True)
class ModuleNames:
    """Names that a module's top level binds -> whether the name is a plain function.

    certain: False when the module may have more names than its text shows.
    raises: the module seems to fail before anybody can miss a name of it: it raises at top
    level, or binds nothing at all.
    """

    names: dict[str, bool]
    certain: bool
    raises: bool


def find(module: str) -> tuple[ModuleSpec | None, bool]:
    """The spec of a dotted module, and whether its absence is certain.

    Only finders are asked: neither the module nor a package above it is imported.
    """
    parts = module.split(".")
    spec = _find_top(parts[0])
    for depth in range(2, len(parts) + 1):
        if spec is None:
            return None, True
        package = spec
        if package.submodule_search_locations is None:
            # A plain module; one that puts things into sys.modules may still have "submodules".
            return None, _is_plain(package)
        spec = PathFinder.find_spec(
            ".".join(parts[:depth]), list(package.submodule_search_locations)
        )
        if spec is None:
            return None, _is_plain(package)
    return spec, spec is None


def _find_top(name: str) -> ModuleSpec | None:
    loaded = sys.modules.get(name)
    if loaded is not None and getattr(loaded, "__spec__", None) is None:
        return None
    return importlib.util.find_spec(name)


def _is_plain(package: ModuleSpec) -> bool:
    """Whether the package's own text does nothing unusual to its submodules."""
    source = read_source(package)
    if source is None:
        return package.loader is None or isinstance(
            package.loader, importlib.machinery.NamespaceLoader
        )
    try:
        return names_in(source).certain
    except (SyntaxError, ValueError):
        return False


def read_source(spec: ModuleSpec) -> str | None:
    """The text of a module that is a plain Python file; None for any other.  Never raises."""
    if not isinstance(spec.loader, importlib.machinery.SourceFileLoader):
        return None
    try:
        return spec.loader.get_source(spec.name)
    except (ImportError, OSError, SyntaxError, ValueError):
        return None  # not readable, or not text: the import will tell


def names_in(source: str) -> ModuleNames:
    """The names that the top level of `source` binds.  Raises SyntaxError or ValueError."""
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
    """As ModuleNames.names; {} when the file is not there or is no Python.  Never raises."""
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
    """Names bound outside functions and classes, with whether a def binds them."""
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
