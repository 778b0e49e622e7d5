"""All that one run of benchmarks.slow found.

Runs in: cli
"""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.slow.phases import Phase
from benchmarks.slow.starved import Heads, Silent, Starved
from benchmarks.slow.targets import Target, targets


@dataclass(kw_only=True)
class SlowRun:
    """seconds: a phase lasted at most.  first: servers came before others on their
    core.  None: was not asked for."""

    facts: dict[str, str]
    versions: dict[str, str]
    seconds: float
    first: bool = False
    phases: list[Phase] = field(default_factory=list)
    heads: Heads | None = None
    silent: Silent | None = None
    starved: Starved | None = None

    @property
    def targets(self) -> list[Target]:
        """What fastfork promises, and whether it was kept."""
        return targets(self.phases, self.heads, self.silent, self.starved)
