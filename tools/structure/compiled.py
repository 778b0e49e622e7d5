"""The graph of the compiled sources, read from their text: cimport, include, and classes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tools.structure.graph import Arrow, Graph, Module

__all__ = ["Class", "cimport_graph", "classes", "include_graph"]

CYTHON = ("*.pyx", "*.pxd")
C = ("*.c", "*.h")
# `from a.b cimport c, d` (also in parentheses), `cimport a.b as c`, and both with import.
FROM = re.compile(r"^\s*from\s+([\w.]+)\s+c?import\s+(\([^)]*\)|[^\n#]*)", re.M)
PLAIN = re.compile(r"^\s*c?import\s+([\w., ]+)", re.M)
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
CLASS = re.compile(r"^cdef class (\w+)(?:\(([\w.]+)\))?:|^class (\w+)(?:\(([\w., ]*)\))?:", re.M)


def cimport_graph(root: Path, source: str = "csrc") -> Graph:
    """The Cython modules below `source`, and what they cimport or import of each other.

    The .pyx and the .pxd of a name are one module.
    """
    parts: dict[str, list[Path]] = {}
    for path in _files(root / source, CYTHON):
        name = ".".join(path.relative_to(root / source).with_suffix("").parts)
        parts.setdefault(name, []).append(path)
    graph = _modules(root, parts)
    for name, paths in parts.items():
        for path in paths:
            for target in _named(path.read_text(encoding="utf-8"), name, parts):
                if target != name:
                    graph.arrows.add(Arrow(name, target))
    return graph


def include_graph(root: Path, source: str = "csrc") -> Graph:
    """The plain C below `source`; NAME.c and NAME.h beside each other are one module."""
    parts: dict[str, list[Path]] = {}
    for path in _files(root / source, C):
        name = path.relative_to(root / source).with_suffix("").as_posix()
        parts.setdefault(name, []).append(path)
    graph = _modules(root, parts)
    for name, paths in parts.items():
        for path in paths:
            for included in INCLUDE.findall(path.read_text(encoding="utf-8")):
                for base in (path.parent, root / source):
                    found = (base / included).resolve()
                    if found.is_relative_to((root / source).resolve()) and found.exists():
                        target = found.relative_to((root / source).resolve())
                        other = target.with_suffix("").as_posix()
                        if other != name:
                            graph.arrows.add(Arrow(name, other))
                        break
    return graph


@dataclass(frozen=True)
class Class:
    """A class of Cython.  chain: its bases of ours, the next first.  total: lines with them."""

    name: str
    module: str
    lines: int
    chain: tuple[str, ...]
    total: int


def classes(root: Path, source: str = "csrc") -> list[Class]:
    """The classes in the .pyx below `source`, the one that is longest with its bases first.

    A class ends where the next line begins that is not indented; blank lines and comments count.
    """
    own: dict[str, tuple[str, int, str]] = {}  # name -> (module, lines, base)
    for path in _files(root / source, ("*.pyx",)):
        text = path.read_text(encoding="utf-8")
        module = ".".join(path.relative_to(root / source).with_suffix("").parts)
        for found in CLASS.finditer(text):
            name, base = found[1] or found[3], (found[2] or found[4] or "").rpartition(".")[2]
            own[name] = (module, _length(text[found.start() :]), base)
    made = []
    for name, (module, lines, _base) in own.items():
        chain = tuple(_chain(name, own))
        total = lines + sum(own[base][1] for base in chain)
        made.append(Class(name, module, lines, chain, total))
    return sorted(made, key=lambda one: (-one.total, one.name))


def _chain(name: str, own: Mapping[str, tuple[str, int, str]]) -> Iterator[str]:
    base = own[name][2]
    while base in own:
        yield base
        base = own[base][2]


def _length(text: str) -> int:
    """Lines of the block that `text` begins with, without the blank ones behind it."""
    lines = text.split("\n")
    last = 0
    for at, line in enumerate(lines[1:], 1):
        if line[:1].strip() and not line.startswith((")", "#")):
            break
        if line[:1] in (" ", "\t") and line.strip():
            last = at
    return last + 1


def _files(folder: Path, patterns: tuple[str, ...]) -> list[Path]:
    return sorted(path for pattern in patterns for path in folder.rglob(pattern))


def _modules(root: Path, parts: Mapping[str, list[Path]]) -> Graph:
    graph = Graph()
    for name, paths in parts.items():
        folder = paths[0].parent.relative_to(root).as_posix()
        lines = sum(path.read_text(encoding="utf-8").count("\n") for path in paths)
        graph.modules[name] = Module(name, folder, lines, len(paths))
    return graph


def _named(text: str, name: str, known: Mapping[str, object]) -> Iterator[str]:
    """The modules of `known` that a text names."""
    package = name.rpartition(".")[0]
    for found in FROM.finditer(text):
        base = found[1]
        if base.startswith("."):  # one dot is the folder itself, each further one a folder up
            ups = len(base) - len(base.lstrip("."))
            parts = package.split(".")[: len(package.split(".")) - ups + 1]
            base = ".".join([*parts, base.lstrip(".")]).rstrip(".")
        if base in known:
            yield base
        for word in re.findall(r"\w+", re.sub(r"\bas\s+\w+|#.*", "", found[2])):
            if f"{base}.{word}" in known:
                yield f"{base}.{word}"
    for found in PLAIN.finditer(text):
        for word in re.split(r"\s*,\s*", found[1].strip()):
            if word.partition(" ")[0] in known:
                yield word.partition(" ")[0]
