"""Who names whom: modules, the folders they are in, arrows between them, and circles."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Arrow", "Graph", "Module", "circles"]

# When an import is carried out: while the program runs, or only by a type checker.
When = Literal["runs", "types"]


@dataclass(frozen=True)
class Module:
    """name: dotted.  folder: path below the root of the tree.  lines: of all its files.

    is_door: it is what others import, or run, of the folder: an __init__ or a __main__.
    """

    name: str
    folder: str
    lines: int
    files: int = 1
    is_door: bool = False


@dataclass(frozen=True)
class Arrow:
    """`source` names `target`; both are names of modules."""

    source: str
    target: str
    when: When = "runs"


@dataclass
class Graph:
    """The modules of one part of the tree, and the arrows between them."""

    modules: dict[str, Module] = field(default_factory=dict)
    arrows: set[Arrow] = field(default_factory=set)

    def pairs(self, *, types: bool = True) -> set[tuple[str, str]]:
        """(source, target) of each arrow, once.  types: with those of type checkers."""
        return {
            (arrow.source, arrow.target) for arrow in self.arrows if types or arrow.when == "runs"
        }

    def folders(self) -> set[str]:
        """The folders that have a module."""
        return {module.folder for module in self.modules.values()}

    def between_folders(self, *, types: bool = True) -> Counter[tuple[str, str]]:
        """(folder, other folder) -> how many arrows lead from the one into the other.

        What a door imports of its own folders is not counted: it passes names on.
        """
        found: Counter[tuple[str, str]] = Counter()
        for source, target in self.pairs(types=types):
            one, other = self.modules[source].folder, self.modules[target].folder
            if one != other and not self._passes_on(source, target):
                found[one, other] += 1
        return found

    def upward(self, *, types: bool = True) -> list[tuple[str, str]]:
        """The arrows that run up, sorted.

        Where two folders name each other, down is where most arrows lead; those that lead the
        other way run up.  When there are as many, it is those of the folder whose name is first.
        """
        counts = self.between_folders(types=types)
        up = {
            pair
            for pair, number in counts.items()
            if (number, pair) < (counts[pair[::-1]], pair[::-1])
        }
        return sorted(
            (source, target)
            for source, target in self.pairs(types=types)
            if (self.modules[source].folder, self.modules[target].folder) in up
            and not self._passes_on(source, target)
        )

    def _passes_on(self, source: str, target: str) -> bool:
        door, other = self.modules[source], self.modules[target]
        return door.is_door and other.folder.startswith(f"{door.folder}/")

    def circles(self, *, types: bool = True) -> list[list[str]]:
        """Modules that name each other, directly or through others: a list for each circle."""
        return circles(self.modules, self.pairs(types=types))

    def folder_circles(self, *, types: bool = True) -> list[list[str]]:
        """The same of folders."""
        return circles(self.folders(), self.between_folders(types=types))


def circles(names: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The strongly connected components of more than one member, each sorted, largest first.

    By Tarjan's algorithm (1972), without recursion: a tree may be deep.
    """
    known = sorted(names)
    targets: dict[str, list[str]] = {name: [] for name in known}
    for source, target in sorted(pairs):
        targets[source].append(target)
    found = [sorted(part) for part in _components(known, targets) if len(part) > 1]
    return sorted(found, key=lambda part: (-len(part), part))


def _components(names: list[str], targets: Mapping[str, list[str]]) -> Iterator[list[str]]:
    index: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: dict[str, None] = {}  # in the order of their coming
    for root in names:
        if root in index:
            continue
        work: list[tuple[str, Iterator[str]]] = [(root, iter(targets[root]))]
        index[root] = lowest[root] = len(index)
        stack[root] = None
        while work:
            name, rest = work[-1]
            for target in rest:
                if target not in index:
                    index[target] = lowest[target] = len(index)
                    stack[target] = None
                    work.append((target, iter(targets[target])))
                    break
                if target in stack:
                    lowest[name] = min(lowest[name], index[target])
            else:
                work.pop()
                if work:
                    before = work[-1][0]
                    lowest[before] = min(lowest[before], lowest[name])
                if lowest[name] == index[name]:
                    part = [stack.popitem()[0]]
                    while part[-1] != name:
                        part.append(stack.popitem()[0])
                    yield part
