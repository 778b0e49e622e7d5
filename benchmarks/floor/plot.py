"""A run as a picture: CPU a request as multiples of the floor, plain and browser.

Runs in: cli
"""

from __future__ import annotations

import importlib
import textwrap
from pathlib import Path
from typing import Any

from benchmarks.floor.report import caption
from benchmarks.floor.samples import Run
from benchmarks.floor.summary import rows
from benchmarks.kit.servers import FLOOR

SHOWN = ("plain", "browser")
TITLES = {"plain": "plain: wrk's request, 1 field", "browser": "browser: a GET with 15 fields"}
# Longer bars are cut at the edge, or the slow servers would flatten the difference of the others.
MOST = 6.0
OURS, OURS_LIGHT = "#0b6e4f", "#7fc8a9"
OTHERS, OTHERS_LIGHT = "#5b6770", "#b8c0c6"


def draw(run: Run, base: Path) -> list[Path]:
    """Write base.png and base.svg; returns the paths.

    Raises ValueError when the run has neither of the two workloads, ImportError without
    matplotlib.
    """
    ratios = _ratios(run)
    if not ratios:
        raise ValueError("nothing to plot: the run has no good figures for plain or browser")
    matplotlib = importlib.import_module("matplotlib")
    matplotlib.use("agg")
    # Fixed ids, so that the file changes only when the figures do.
    matplotlib.rcParams["svg.hashsalt"] = "fastfork"
    pyplot = importlib.import_module("matplotlib.pyplot")
    figure, axes = pyplot.subplots(figsize=(9, 1.9 + 0.46 * len(ratios)), layout="constrained")
    _bars(axes, ratios)
    axes.set_title("CPU time a request, as multiples of a bare epoll loop in C", loc="left", pad=12)
    text = "\n".join(textwrap.wrap(caption(run), 150))
    figure.supxlabel(text, x=0.01, ha="left", fontsize=6.5, color="#444444")
    paths = [base.with_suffix(suffix) for suffix in (".png", ".svg")]
    for path in paths:
        figure.savefig(path, dpi=160, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)
    return paths


def _ratios(run: Run) -> dict[str, dict[str, float]]:
    """Server -> workload -> ratio; the dearest first, as bars are drawn from the bottom up."""
    found: dict[str, dict[str, float]] = {}
    for workload in SHOWN:
        for row in rows(run, workload):
            if row.ratio is not None and row.server != FLOOR:
                found.setdefault(row.server, {})[workload] = row.ratio.median
    order = sorted(found, key=lambda name: -sum(found[name].values()) / len(found[name]))
    return {name: found[name] for name in order}


def _bars(axes: Any, ratios: dict[str, dict[str, float]]) -> None:
    most = min(MOST, max(max(values.values()) for values in ratios.values()))
    for at, (server, values) in enumerate(ratios.items()):
        ours = server.startswith("fastfork")
        colours = (OURS, OURS_LIGHT) if ours else (OTHERS, OTHERS_LIGHT)
        for shift, workload, colour in zip((0.2, -0.2), SHOWN, colours, strict=True):
            if workload in values:
                _bar(axes, at + shift, values[workload], most, colour, bold=ours)
    axes.set_yticks(range(len(ratios)), list(ratios))
    for label in axes.get_yticklabels():
        if label.get_text().startswith("fastfork"):
            label.set_fontweight("bold")
    axes.set_xlim(0, most * 1.12)
    axes.set_ylim(-0.6, len(ratios) - 0.4)
    axes.axvline(1.0, color="#b3261e", linewidth=1)
    axes.text(1.0, len(ratios) - 0.42, "floor", color="#b3261e", fontsize=8, ha="center")
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0)
    _legend(axes)


def _bar(axes: Any, at: float, value: float, most: float, colour: str, *, bold: bool) -> None:
    axes.barh(at, min(value, most), height=0.38, color=colour)
    cut = value > most
    text = f"{value:.0f} »" if cut else f"{value:.2f}"
    axes.annotate(
        text,
        (min(value, most), at),
        xytext=(3, 0),
        textcoords="offset points",
        va="center",
        fontsize=8,
        fontweight="bold" if bold else "normal",
    )


def _legend(axes: Any) -> None:
    patches = importlib.import_module("matplotlib.patches")
    axes.legend(
        handles=[
            patches.Patch(color=colour, label=TITLES[workload])
            for workload, colour in zip(SHOWN, (OTHERS, OTHERS_LIGHT), strict=True)
        ],
        loc="upper right",
        frameon=False,
        fontsize=8,
    )
