"""One case of the corpus for ASGI servers: a sentence, its source, and how it is played.

A case is a function whose name is the sentence and whose docstring is the source: words of the
specification, of an RFC, or what users of ASGI servers have asked for.  The parts of the
specification, in the repository asgiref, are called www (specs/www.rst 2.5), asgi (specs/asgi.rst
3.0), lifespan (specs/lifespan.rst 2.0) and extensions (docs/extensions.rst).  A case talks to the
server by a Stage, and asserts.

Runs in: cli
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.asgi.stage import Stage

Play = Callable[["Stage"], None]


class NotOffered(Exception):
    """The server does not say that it has what the case is about, or cannot be asked for it."""


@dataclass(frozen=True)
class Case:
    """A rule, and how it is tried.

    is_rule: the specification, or an RFC, says so.  Else it is more than either asks for ("should",
    or nothing at all), and no fault of a server that does otherwise.
    is_own: it is played on fastfork alone.
    """

    group: str
    name: str
    source: str
    play: Play
    is_rule: bool
    is_own: bool = False

    def __str__(self) -> str:
        """As pytest shows it."""
        return f"{self.group}: {self.name}"


class Group:
    """The cases of one kind: `@group.rule` and `@group.wish` add one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cases: list[Case] = []

    def rule(self, play: Play) -> Play:
        """What a specification demands."""
        return self._add(play, is_rule=True)

    def wish(self, play: Play) -> Play:
        """What it recommends, or what users ask for."""
        return self._add(play, is_rule=False)

    def own_rule(self, play: Play) -> Play:
        """A rule that nobody else is tried with: a server without this guard may pass on what it
        must not, or fall over."""
        return self._add(play, is_rule=True, is_own=True)

    def _add(self, play: Play, *, is_rule: bool, is_own: bool = False) -> Play:
        source = " ".join((inspect.getdoc(play) or "").split())
        assert source, f"{play.__name__} has no source"
        name = play.__name__.replace("_", " ")
        self.cases.append(Case(self.name, name, source, play, is_rule, is_own))
        return play
