"""A chart of the last minutes as inline SVG.

Runs in: worker (in the process of `admin_bind`)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import Final

from fastfork.records import record

__all__ = ["Line", "amount", "chart", "seconds"]

WIDTH: Final = 600
HEIGHT: Final = 150
# Seconds that the width may stand for: the least that holds what there is.
SPANS: Final = {30.0: "30 s", 60.0: "1 min", 120.0: "2 min", 300.0: "5 min"}
LEFT, TOP, BOTTOM = 4, 6, 20  # pixels around the lines
STEPS: Final = (1.0, 2.0, 2.5, 5.0, 10.0)


@record(frozen=True)
class Line:
    """name: in the legend.  style: the class, which has the colour.

    points: (seconds before now, value), the oldest first.
    """

    name: str
    style: str
    points: Sequence[tuple[float, float]]


def chart(title: str, about: str, lines: Sequence[Line], show: Callable[[float], str]) -> str:
    """Return a figure with its legend.  about: what it shows.  show: a value as a reader would say
    it."""
    top = _ceiling(max((value for line in lines for _at, value in line.points), default=0.0))
    oldest = min((line.points[0][0] for line in lines if line.points), default=0.0)
    span = next((span for span in SPANS if -oldest <= span), max(SPANS))
    legend = " ".join(_entry(line, show) for line in lines)
    said = ", ".join(f"{line.name} {show(line.points[-1][1])}" for line in lines if line.points)
    label = escape(f"{title}, the last {SPANS[span]}; now: {said or 'no sample yet'}", quote=True)
    return (
        f"<figure><figcaption><b>{escape(title)}</b> {legend}"
        f"<p>{escape(about)}</p></figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}">'
        f"{_grid(top, span, show)}{''.join(_path(line, top, span) for line in lines)}"
        "</svg></figure>"
    )


def _entry(line: Line, show: Callable[[float], str]) -> str:
    now = show(line.points[-1][1]) if line.points else "-"
    return f'<span class="key {line.style}">{escape(line.name)} <b>{escape(now)}</b></span>'


def _grid(top: float, span: float, show: Callable[[float], str]) -> str:
    """Return the lines at the top, the middle and the bottom, and when it was."""
    parts = []
    for share in (1.0, 0.5, 0.0):
        y = _y(share * top, top)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH}" y1="{y}" y2="{y}"/>')
        if share:
            text = escape(show(share * top))
            parts.append(f'<text x="{LEFT}" y="{y + 15}">{text}</text>')
    below = HEIGHT - 5
    parts.append(f'<text x="{LEFT}" y="{below}">{SPANS[span]} ago</text>')
    parts.append(f'<text x="{WIDTH}" y="{below}" text-anchor="end">now</text>')
    return "".join(parts)


def _path(line: Line, top: float, span: float) -> str:
    places = " ".join(
        f"{WIDTH + at / span * (WIDTH - LEFT):.1f},{_y(value, top)}"
        for at, value in line.points
        if at >= -span
    )
    return f'<polyline class="{line.style}" points="{places}"/>' if places else ""


def _y(value: float, top: float) -> float:
    room = HEIGHT - TOP - BOTTOM
    return round(TOP + room * (1 - min(value / top, 1.0)), 1)


def _ceiling(value: float) -> float:
    """Return a round number that is not below `value`; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (*STEPS, 20.0) if step * power >= value)


def amount(value: float) -> str:
    """Return a number, in three digits."""
    for bound, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= bound:
            return f"{value / bound:.3g}{unit}"
    return f"{value:.3g}"


def seconds(value: float) -> str:
    """Return a time, in the unit that fits."""
    if value >= 1 or value == 0:
        return f"{value:.3g} s"
    return f"{value * 1e3:.3g} ms" if value >= 1e-3 else f"{value * 1e6:.3g} µs"
