"""One case of the corpus for HTTP/2: a sentence, its source, and how it is played.

A case is a function whose name is the sentence and whose docstring is the section of RFC 9113,
unless it names another.  It talks to the server by a Conversation, and asserts.

Runs in: cli
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from tests.http2.wire import Conversation

Play = Callable[[Conversation], None]


@dataclass(frozen=True)
class Case:
    """A rule, and how it is tried.

    is_own: it is ours, or more than the RFC demands, and played on fastfork alone.
    """

    group: str
    name: str
    source: str
    play: Play
    is_own: bool

    def __str__(self) -> str:
        """As pytest shows it."""
        return f"{self.group}: {self.name}"


class Group:
    """The cases of one kind: `@group.rule` and `@group.own` add one."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.cases: list[Case] = []

    def rule(self, play: Play) -> Play:
        """What the RFC demands of a server."""
        return self._add(play, is_own=False)

    def own(self, play: Play) -> Play:
        """What fastfork does beyond that."""
        return self._add(play, is_own=True)

    def _add(self, play: Play, *, is_own: bool) -> Play:
        source = " ".join((inspect.getdoc(play) or "").split())
        assert source, f"{play.__name__} has no source"
        self.cases.append(Case(self.name, play.__name__.replace("_", " "), source, play, is_own))
        return play
