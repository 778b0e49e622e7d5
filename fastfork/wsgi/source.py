"""Where a module's source is, and what a look at its text tells, without running it.

Runs in: arbiter
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
import warnings
from importlib.machinery import ModuleSpec, PathFinder

__all__ = ["binds", "find", "is_compiled", "read_source"]


def find(module: str) -> tuple[ModuleSpec | None, bool]:
    """Return the spec of a dotted module, and whether its absence is certain.

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
    """Return whether the package's own text does nothing unusual to its submodules."""
    from .names import names_in  # here: most applications are not in a package

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
    """Return the text of a module that is a plain Python file; None for any other.  Never
    raises."""
    if not isinstance(spec.loader, importlib.machinery.SourceFileLoader):
        return None
    try:
        return spec.loader.get_source(spec.name)
    except (ImportError, OSError, SyntaxError, ValueError):
        return None  # not readable, or not text: the import will tell


def is_compiled(spec: ModuleSpec) -> bool:
    """Return whether an import will take the .pyc file and not look at the source.  Never
    raises."""
    try:
        with open(spec.cached or "", "rb") as file:
            head = file.read(16)
        source = os.stat(spec.origin or "")
    except (OSError, ValueError):
        return False
    # PEP 552: the number of the format, flags (here: none), time and size of the source.
    facts = (0, int(source.st_mtime), source.st_size)
    return head == importlib.util.MAGIC_NUMBER + b"".join(
        (fact & 0xFFFFFFFF).to_bytes(4, "little") for fact in facts
    )


def binds(source: str, name: str, *, is_compiled: bool = False) -> bool:
    """Return whether a line of the source plainly gives `name` a value.  Raises SyntaxError,
    ValueError.

    Most applications stand in one; `names.names_in` looks at all that can bind a name.
    is_compiled: the interpreter has accepted it already, which takes milliseconds.
    """
    if not is_compiled:
        with warnings.catch_warnings():
            # The import that follows warns; once is enough.
            warnings.simplefilter("ignore")
            compile(source, "?", "exec", dont_inherit=True)
    begun = (f"{name} =", f"{name}=", f"{name}:", f"def {name}(", f"class {name}(")
    return any(line.startswith(begun) for line in source.splitlines())
