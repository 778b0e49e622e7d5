"""The import graph of a Python package, read from its text: nothing is imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tools.structure.graph import Arrow, Graph, Module, When

__all__ = ["import_graph"]


def import_graph(root: Path, package: str) -> Graph:
    """The modules of `package`, a folder of `root`, and what they import of each other.

    An arrow leads to the module that is named: `from a.b import c` to a.b.c where that is a
    module, else to a.b.  That importing it runs the __init__ of a and of a.b is not an arrow.
    """
    paths = {name_of(path, root): path for path in sorted((root / package).rglob("*.py"))}
    graph = Graph()
    for name, path in paths.items():
        text = path.read_text(encoding="utf-8")
        folder = path.parent.relative_to(root).as_posix()
        graph.modules[name] = Module(
            name, folder, text.count("\n"), is_door=path.stem in ("__init__", "__main__")
        )
        for target, when in _imports(ast.parse(text), name, path.name == "__init__.py", paths):
            if target != name:
                graph.arrows.add(Arrow(name, target, when))
    return graph


def name_of(path: Path, root: Path) -> str:
    """The dotted name of a file."""
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imports(
    tree: ast.Module, name: str, is_package: bool, known: dict[str, Path]
) -> Iterator[tuple[str, When]]:
    """The modules of `known` that a module imports, anywhere in it."""
    for node, when in _statements(tree, "runs"):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        else:
            base = _base(node, name, is_package)
            named = [f"{base}.{alias.name}" for alias in node.names]
        for full in named:
            while full and full not in known:
                full = full.rpartition(".")[0]
            if full:
                yield full, when


def _base(node: ast.ImportFrom, name: str, is_package: bool) -> str:
    """What stands behind `from`, absolute."""
    if not node.level:
        return node.module or ""
    parts = name.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join([*parts, node.module] if node.module else parts)


def _statements(node: ast.AST, when: When) -> Iterator[tuple[ast.Import | ast.ImportFrom, When]]:
    """The import statements below `node`; those below `if TYPE_CHECKING:` are of types."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child, when
        elif isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING"):
            for statement in child.body:
                yield from _statements(ast.Module([statement], []), "types")
            for statement in child.orelse:
                yield from _statements(ast.Module([statement], []), when)
        else:
            yield from _statements(child, when)
