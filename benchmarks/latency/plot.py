"""A latency run as a picture: how long which share of the instant requests took, a server a line.

Runs in: cli
"""

from __future__ import annotations

import importlib
import textwrap
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from benchmarks.latency.report import LatencyRun, curve
from benchmarks.latency.scenes import ALONE, OURS, Scene

# (colour, line style, width)
STYLES: Final[Mapping[str, tuple[str, str, float]]] = MappingProxyType(
    {
        OURS: ("#0b6e4f", "-", 2.6),
        ALONE: ("#7fc8a9", "--", 1.6),
        "gunicorn-gthread": ("#b3261e", "-", 1.6),
        "granian": ("#5b6770", "-", 1.6),
        "peregrine": ("#c77700", "-", 1.6),
    }
)
# The axis stretches towards 100 %: as many inches from 90 to 99 % as from 99 to 99.9 %.
LEAST_MS = 0.02  # the ideal ones take no time, which a logarithm cannot show
TICKS = (0.5, 0.9, 0.99, 0.999)


def draw(run: LatencyRun, base: Path) -> list[Path]:
    """Write base.png and base.svg; returns the paths.

    Raises ValueError when no sample of the run is good, ImportError without matplotlib.
    """
    scenes = [scene for scene in run.scenes() if any(map(curve, run.of(scene).values()))]
    if not scenes:
        raise ValueError("nothing to plot: the run has no good figures")
    matplotlib = importlib.import_module("matplotlib")
    matplotlib.use("agg")
    matplotlib.rcParams["svg.hashsalt"] = "fastfork"  # the file changes only when figures do
    pyplot = importlib.import_module("matplotlib.pyplot")
    figure, grid = pyplot.subplots(
        1, len(scenes), figsize=(4.6 * len(scenes), 4.6), layout="constrained", squeeze=False
    )
    for axes, scene in zip(grid[0], scenes, strict=True):
        _lines(axes, run, scene)
    grid[0][0].set_ylabel("milliseconds")
    figure.suptitle("Instant requests beside others that sleep 100 ms (3 %)", x=0.01, ha="left")
    figure.supxlabel(
        "\n".join(textwrap.wrap(_caption(run), 52 * len(scenes))),
        x=0.01,
        ha="left",
        fontsize=6.5,
        color="#444444",
    )
    paths = [base.with_suffix(suffix) for suffix in (".png", ".svg")]
    for path in paths:
        figure.savefig(path, dpi=160, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)
    return paths


def _lines(axes: Any, run: LatencyRun, scene: Scene) -> None:
    for name, samples in run.of(scene).items():
        points = curve(samples)
        if not points:
            continue
        colour, style, width = STYLES[name]
        axes.plot(
            [_place(share) for share, _ in points],
            [max(ms, LEAST_MS) for _, ms in points],
            label=name,
            color=colour,
            linestyle=style,
            linewidth=width,
        )
    for ideal in run.ideals.get(scene.name, [])[:1]:
        points = curve([ideal])
        places = [_place(share) for share, _ in points]
        shown = [max(ms, LEAST_MS) for _, ms in points]
        axes.plot(places, shown, label=ideal.server, color="black", linestyle=":", linewidth=1)
    axes.set_yscale("log")
    axes.set_title(scene.title, fontsize=9, loc="left")
    axes.set_xticks([_place(share) for share in TICKS], [f"{share:.4g}" for share in TICKS])
    axes.set_xlabel("share of the instant requests that took at most that", fontsize=8)
    share = 0.5 if scene.target == "p50_ms" else 0.99
    axes.plot([_place(share)], [scene.limit], marker="v", color="#0b6e4f", markersize=7)
    axes.annotate(
        f"promised: {scene.limit:g} ms",
        (_place(share), scene.limit),
        xytext=(0, 7),
        textcoords="offset points",
        ha="center",
        fontsize=7,
        color="#0b6e4f",
    )
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def _place(share: float) -> float:
    """0.9 is at 1, 0.99 at 2, 0.999 at 3."""
    import math

    return -math.log10(1 - share)


def _caption(run: LatencyRun) -> str:
    facts = run.facts
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    return (
        f"{facts['date']}; {facts['cpu']}, {facts['kernel']}, {facts['python']}; servers on one "
        f"core, the client on another; {run.rounds} interleaved rounds of {run.seconds:g} s. "
        f"{versions}."
    )
