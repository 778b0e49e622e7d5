"""A latency run as tables and verdicts, and as the JSON that the plot is made from.

Runs in: cli
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.kit.markdown import table
from benchmarks.latency.ideal import ORDERS, ideal
from benchmarks.latency.samples import QUIET, Sample, at
from benchmarks.latency.scenes import OURS, SCENES, Scene
from benchmarks.latency.threads import MOST, Tax

# Of the curve in the JSON: finer towards the end.
SHARES = (
    *(share / 100 for share in range(0, 90, 5)),
    *(share / 1000 for share in range(900, 990, 5)),
    *(share / 10000 for share in range(9900, 9996, 5)),
)


@dataclass(kw_only=True)
class LatencyRun:
    """Everything of a run.  left_out: servers that are not installed.  first: see Conditions.
    ideals: what a queue without a server would give, by scene."""

    facts: Mapping[str, str]
    versions: Mapping[str, str]
    rounds: int
    seconds: float
    first: bool
    left_out: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    ideals: dict[str, list[Sample]] = field(default_factory=dict)
    tax: Tax | None = None

    def simulate(self) -> None:
        """Fill in the ideals of the scenes that were played."""
        for scene in self.scenes():
            self.ideals[scene.name] = [ideal(scene, order) for order in ORDERS]

    def scenes(self) -> list[Scene]:
        """Those that were played."""
        return [SCENES[name] for name in dict.fromkeys(one.scene for one in self.samples)]

    def of(self, scene: Scene) -> dict[str, list[Sample]]:
        """Samples by server, in the order of the table."""
        found: dict[str, list[Sample]] = {name: [] for name in scene.servers()}
        for one in self.samples:
            if one.scene == scene.name:
                found[one.server].append(one)
        return {name: samples for name, samples in found.items() if samples}

    def as_json(self) -> dict[str, Any]:
        """For the file."""
        curves = {
            scene.name: {name: curve(samples) for name, samples in self.of(scene).items()}
            for scene in self.scenes()
        }
        tax = None if self.tax is None else {**vars(self.tax), "ratios": self.tax.ratios}
        return {
            "facts": dict(self.facts),
            "versions": dict(self.versions),
            "rounds": self.rounds,
            "seconds": self.seconds,
            "first": self.first,
            "left_out": self.left_out,
            "samples": [one.figures() for one in self.samples],
            "curves": curves,
            "ideals": [one.figures() for ideals in self.ideals.values() for one in ideals],
            "threads": tax,
            "targets": [vars(one) for one in self.targets()],
        }

    def targets(self) -> list[Target]:
        """What was promised, and what was found."""
        found = [_of_scene(self, scene) for scene in self.scenes()]
        if self.tax is not None:
            found.append(_of_tax(self.tax))
        return found


@dataclass(frozen=True)
class Target:
    """One promise, whether it was kept, and the figure that shows it."""

    text: str
    kept: bool
    found: str


def curve(samples: Iterable[Sample]) -> list[tuple[float, float]]:
    """(share of instant answers, milliseconds), all good rounds together."""
    pooled = sorted(one for sample in samples if not sample.void for one in sample.instant)
    return [(share, at(pooled, share)) for share in SHARES] if pooled else []


def _figure(sample: Sample, name: str) -> float:
    return at(sample.instant, {"p50_ms": 0.5, "p99_ms": 0.99, "p999_ms": 0.999}[name])


def _spread(values: list[float]) -> str:
    """Median [smallest - largest]."""
    middle = statistics.median(values)
    if len(values) == 1:
        return f"{middle:.2f}"
    return f"{middle:.2f} [{min(values):.2f} - {max(values):.2f}]"


def _of_scene(run: LatencyRun, scene: Scene) -> Target:
    text = f"{scene.title}: {scene.target[:-3]} of instant answers at most {scene.limit:g} ms"
    samples = run.of(scene).get(OURS, [])
    void = [one.void for one in samples if one.void]
    if void or not samples:
        return Target(text, False, f"not measured: {void[0] if void else 'left out'}")
    values = [_figure(one, scene.target) for one in samples]
    return Target(text, statistics.median(values) <= scene.limit, f"{_spread(values)} ms")


def _of_tax(tax: Tax) -> Target:
    text = f"plain, CPU with --threads 8 at most {MOST:.2f} x that with --threads 1"
    if tax.void:
        return Target(text, False, f"not measured: {tax.void}")
    one, many = statistics.median(tax.one), statistics.median(tax.many)
    found = f"{_spread(tax.ratios)} x ({many:.2f} to {one:.2f} µs)"
    return Target(text, statistics.median(tax.ratios) <= MOST, found)


def text(run: LatencyRun) -> str:
    """Tables and verdicts, as they are printed."""
    parts = [_scene_table(run, scene) for scene in run.scenes()]
    parts.append("\n".join(_verdicts(run)))
    return "\n\n".join(parts) + "\n"


def _verdicts(run: LatencyRun) -> Iterator[str]:
    targets = run.targets()
    for target in targets:
        yield f"{'met    ' if target.kept else 'NOT MET'}  {target.text}: {target.found}"
    failed = [one for one in run.samples if one.void]
    for one in failed:
        yield f"ERROR    {one.scene}, {one.server}, round {one.round}: {one.void}"
    others = max((one.others for one in run.samples), default=0.0)
    if others > QUIET:
        yield f"note     others used up to {others:.2f} of two cores: latencies are partly theirs"
    for name in run.left_out:
        yield f"note     not installed, left out: {name}"
    met = sum(one.kept for one in targets)
    yield f"latency: {met} of {len(targets)} targets met, {len(failed)} samples failed"


def _scene_table(run: LatencyRun, scene: Scene) -> str:
    head = ["server", "instant p50 ms", "p99 ms", "p99.9 ms", "all p50 ms", "p99 ms"]
    head += ["CPU µs/request", "requests/s", "busy", "client late p99 ms"]
    body = [_row(name, samples, len(head)) for name, samples in run.of(scene).items()]
    body += [_ideal_row(one, len(head)) for one in run.ideals.get(scene.name, [])]
    title = f"## {scene.title}; each request sleeps 100 ms with 3 %, up to 20 ms between requests"
    return f"{title}\n\n{table(head, body)}"


def _row(name: str, samples: list[Sample], width: int) -> list[str]:
    good = [one for one in samples if not one.void]
    if not good:
        return [name, "failed", *[""] * (width - 2)]
    every = [sorted([*one.instant, *one.slept]) for one in good]
    return [
        name if len(good) == len(samples) else f"{name} ({len(good)} of {len(samples)})",
        *(_spread([_figure(one, key) for one in good]) for key in ("p50_ms", "p99_ms", "p999_ms")),
        *(_spread([at(one, share) for one in every]) for share in (0.5, 0.99)),
        _spread([one.cpu_us for one in good]),
        f"{statistics.median(one.per_second for one in good):.0f}",
        f"{statistics.median(one.busy for one in good):.2f}",
        f"{max(one.late_p99_ms for one in good):.2f}",
    ]


def _ideal_row(one: Sample, width: int) -> list[str]:
    every = sorted([*one.instant, *one.slept])
    figures = [_figure(one, name) for name in ("p50_ms", "p99_ms", "p999_ms")]
    figures += [at(every, 0.5), at(every, 0.99)]
    cells = [one.server, *(f"{figure:.2f}" for figure in figures), "", f"{one.per_second:.0f}"]
    return cells + [""] * (width - len(cells))
