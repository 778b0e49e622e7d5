"""Print the structure of the sources: python -m tools.structure [--root TREE] [--list].

Three graphs: Python modules by their imports, Cython modules by cimport and import, plain C by
include.  For each: files, lines, folders, arrows, how many of them run up (where two folders name
each other, those of the weaker direction), and circles of modules and of folders; in brackets the
same without imports that only type checkers carry out.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.structure.compiled import cimport_graph, classes, include_graph
from tools.structure.graph import Graph
from tools.structure.python import import_graph

ROOT = Path(__file__).resolve().parents[2]
HEAD = ("part", "files", "lines", "folders", "arrows", "up", "circles", "folder circles")


def graphs(root: Path) -> dict[str, Graph]:
    """The three graphs of a tree."""
    return {
        "fastfork/ (import)": import_graph(root, "fastfork"),
        "csrc/ (cimport)": cimport_graph(root),
        "csrc/ (include)": include_graph(root),
    }


def report(root: Path) -> str:
    """The figures as a Markdown table, and the line of the largest class."""
    rows = [HEAD, ("---", *("---:" for _ in HEAD[1:]))]
    rows += [_row(name, graph) for name, graph in graphs(root).items()]
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if found := classes(root):
        largest = found[0]
        chain = " < ".join([*reversed(largest.chain), largest.name])
        lines += ["", f"Largest class with its bases: {chain}, {largest.total} lines."]
        longest = max(found, key=lambda one: len(one.chain))
        lines.append(f"Longest chain of bases: {len(longest.chain)}, of {longest.name}.")
    return "\n".join(lines)


def details(root: Path) -> str:
    """Each arrow that runs up, and each circle."""
    return "\n".join(line for name, graph in graphs(root).items() for line in _listed(name, graph))


def _row(name: str, graph: Graph) -> tuple[str, ...]:
    modules = graph.modules.values()
    return (
        name,
        str(sum(module.files for module in modules)),
        str(sum(module.lines for module in modules)),
        str(len(graph.folders())),
        _both(len(graph.pairs()), len(graph.pairs(types=False))),
        _both(len(graph.upward()), len(graph.upward(types=False))),
        _both(len(graph.circles()), len(graph.circles(types=False))),
        _both(len(graph.folder_circles()), len(graph.folder_circles(types=False))),
    )


def _both(with_types: int, without: int) -> str:
    return str(with_types) if with_types == without else f"{with_types} ({without})"


def _listed(name: str, graph: Graph) -> Iterator[str]:
    yield f"\n## {name}"
    for source, target in graph.upward():
        yield f"up: {source} -> {target}"
    for circle in graph.circles():
        yield f"circle of {len(circle)}: {', '.join(circle)}"
    for circle in graph.folder_circles():
        yield f"folders in a circle: {', '.join(circle)}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print.  Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.structure", description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT, help="another checkout")
    parser.add_argument("--list", action="store_true", help="with each arrow up and each circle")
    options = parser.parse_args(arguments)
    if not (options.root / "fastfork").is_dir():
        parser.error(f"{options.root} has no folder fastfork; name a checkout")
    print(report(options.root))
    if options.list:
        print(details(options.root))
    return 0


if __name__ == "__main__":
    sys.exit(main())
