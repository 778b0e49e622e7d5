"""What one measurement gives, and how a whole run is kept as JSON.

Runs in: cli
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One server under one workload in one round.

    beside: for a sample of the floor, the server with which it took turns.
    cpu_us: CPU microseconds a request of the whole process tree.
    busy: CPU seconds of the tree a second; 1.0 is a core.  Under 0.9 the load generator was
    the limit, and the server had fewer requests in each batch than it could take.
    others: CPU seconds a second that neither the server nor the load used, on their two cores,
    in the worst of the turns.
    rss, pss: bytes of the tree, after the load.
    void: why the figures mean nothing, "" when they hold.
    """

    server: str
    workload: str
    round: int
    beside: str = ""
    requests: int = 0
    requests_per_second: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    cpu_us: float = 0.0
    busy: float = 0.0
    others: float = 0.0
    rss: int = 0
    pss: int = 0
    void: str = ""


@dataclass(frozen=True, kw_only=True)
class IdleSample:
    """One server that holds idle connections.  Bytes of the tree's resident memory.

    baseline: after a warm-up whose connections are closed again.
    silent: with `connections` open that have sent nothing.
    answered: after one request on each of them.
    """

    server: str
    connections: int
    baseline: int = 0
    silent: int = 0
    answered: int = 0
    void: str = ""

    @property
    def silent_each(self) -> float:
        """Bytes a connection that has sent nothing."""
        return (self.silent - self.baseline) / self.connections

    @property
    def answered_each(self) -> float:
        """Bytes a connection that has had an answer."""
        return (self.answered - self.baseline) / self.connections


@dataclass(frozen=True, kw_only=True)
class Run:
    """All of one run.  facts: the environment; settings: of the harness."""

    facts: Mapping[str, str]
    versions: Mapping[str, str]
    settings: Mapping[str, float]
    samples: list[Sample] = field(default_factory=list)
    idle: list[IdleSample] = field(default_factory=list)

    def save(self, path: Path) -> None:
        """As JSON: the samples themselves, so that any figure can be computed again."""
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n")


def load_run(path: Path) -> Run:
    """A saved run."""
    data = json.loads(path.read_text())
    return Run(
        facts=data["facts"],
        versions=data["versions"],
        settings=data["settings"],
        samples=[Sample(**one) for one in data["samples"]],
        idle=[IdleSample(**one) for one in data["idle"]],
    )
