"""Draw the states of a connection from csrc/loop/states.h: python -m tools.draw_states.

Writes docs/explanation/connection-states.md and the drawing beside it.  tests/unit/test_states.py
says when they are out of date.

Runs in: cli
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "csrc" / "loop" / "states.h"
PAGE = ROOT / "docs" / "explanation" / "connection-states.md"
DRAWING = PAGE.with_suffix(".svg")
CORE = ROOT / "csrc" / "fastfork" / "_core"

WIDTH, HEIGHT = 1120, 560
BOX_WIDTH, BOX_HEIGHT = 116, 36
# Where each state is drawn.  HALF_CLOSED and ENDED lead from everywhere, and are drawn as one each.
AT = {
    "PREFACE": (110, 40),
    "HANDSHAKE": (400, 40),
    "IDLE": (110, 300),
    "HEAD": (400, 150),
    "BODY": (400, 480),
    "RUNNING": (690, 300),
    "RESPONDING": (1010, 300),
    "LINGERING": (690, 560),
    "CLOSED": (1010, 560),
}
FROM_EVERYWHERE = ("HALF_CLOSED", "ENDED")

TEXT = """# The states of a connection

Made from the table in [csrc/loop/states.h](../../csrc/loop/states.h) by
`python -m tools.draw_states`. The code asks the same table for the next state (`move` in
`connection.pxd`), and a debug build ends where something happens that has no row here.

![Each state of a connection, and what leads from one to the other](connection-states.svg)

"""


class Transition(NamedTuple):
    """A row of the table."""

    before: str
    event: str
    after: str
    place: str  # module.method


@dataclass(frozen=True)
class States:
    """What csrc/loop/states.h says."""

    states: dict[str, str]  # name -> what it means
    events: dict[str, str]
    transitions: list[Transition]


def read() -> States:
    """The table, in its order."""
    text = TABLE.read_text(encoding="utf-8")
    rows = re.findall(r"^ +T\((\w+), (\w+), (\w+), \"([^\"]+)\"\)", text, re.M)
    return States(
        dict(re.findall(r"^ +S\((\w+), \"([^\"]+)\"\)", text, re.M)),
        dict(re.findall(r"^ +E\((\w+), \"([^\"]+)\"\)", text, re.M)),
        [Transition(*row) for row in rows],
    )


def page(table: States) -> str:
    """The page around the drawing."""
    lines = [TEXT, "| state | it means |\n|---|---|\n"]
    lines += [f"| `{name}` | {said} |\n" for name, said in table.states.items()]
    lines.append("\n| what happens | in | leads to | seen to by |\n|---|---|---|---|\n")
    for event, said in table.events.items():
        for place, after in dict.fromkeys(
            (row.place, row.after) for row in table.transitions if row.event == event
        ):
            before = ", ".join(
                f"`{row.before}`"
                for row in table.transitions
                if (row.event, row.place, row.after) == (event, place, after)
            )
            lines.append(f"| `{event}`: {said} | {before} | `{after}` | `{place}` |\n")
    return "".join(lines)


def drawing(table: States) -> str:
    """The table as SVG."""
    begin = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12">\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0 0 L8 4 L0 8 z" fill="#345"/></marker></defs>\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n'
    )
    parts = [begin]
    arrows: dict[tuple[str, str], list[str]] = {}
    for row in table.transitions:
        if row.event not in FROM_EVERYWHERE and row.before != row.after:
            arrows.setdefault((row.before, row.after), []).append(row.event)
    parts += [_arrow(before, after, events) for (before, after), events in arrows.items()]
    for event, state in zip(FROM_EVERYWHERE, ("LINGERING", "CLOSED"), strict=True):
        parts.append(_from_everywhere(event, state))
    parts += [_box(name) for name in table.states]
    return "".join(parts) + "</svg>\n"


def _box(name: str) -> str:
    x, y = AT[name]
    return (
        f'<rect x="{x - BOX_WIDTH / 2:g}" y="{y - BOX_HEIGHT / 2:g}" width="{BOX_WIDTH}" '
        f'height="{BOX_HEIGHT}" rx="8" fill="#e8f0f8" stroke="#345"/>\n'
        f'<text x="{x}" y="{y + 4}" text-anchor="middle" font-weight="bold">{name}</text>\n'
    )


def _edge(at: tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """Where the line from the middle of a box leaves it."""
    dx, dy = towards[0] - at[0], towards[1] - at[1]
    scale = min(
        BOX_WIDTH / 2 / abs(dx) if dx else math.inf, BOX_HEIGHT / 2 / abs(dy) if dy else math.inf
    )
    return at[0] + dx * scale, at[1] + dy * scale


def _arrow(before: str, after: str, events: list[str]) -> str:
    """A bent arrow, so that there and back are two."""
    (x0, y0), (x1, y1) = AT[before], AT[after]
    length = math.hypot(x1 - x0, y1 - y0)
    bend = 65.0 if length < 400 else length / 4
    middle = ((x0 + x1) / 2 + (y1 - y0) / length * bend, (y0 + y1) / 2 - (x1 - x0) / length * bend)
    start, end = _edge((x0, y0), middle), _edge((x1, y1), middle)
    # The curve passes half way between the control point and the straight line.
    label = ((start[0] + 2 * middle[0] + end[0]) / 4, (start[1] + 2 * middle[1] + end[1]) / 4)
    text = escape(", ".join(events))
    return (
        f'<path d="M{start[0]:.0f} {start[1]:.0f} Q{middle[0]:.0f} {middle[1]:.0f} {end[0]:.0f} '
        f'{end[1]:.0f}" fill="none" stroke="#345" marker-end="url(#tip)"/>\n'
        f'<text x="{label[0]:.0f}" y="{label[1]:.0f}" text-anchor="middle" stroke="#fff" '
        f'stroke-width="4" paint-order="stroke">{text}</text>\n'
    )


def _from_everywhere(event: str, state: str) -> str:
    x, y = AT[state]
    left = x - BOX_WIDTH / 2
    return (
        f'<path d="M{left - 110:g} {y} L{left:g} {y}" fill="none" stroke="#345" '
        f'stroke-dasharray="5 4" marker-end="url(#tip)"/>\n'
        f'<text x="{left - 55:g}" y="{y - 8}" text-anchor="middle">{event}</text>\n'
    )


def main() -> None:
    """Write both files."""
    table = read()
    PAGE.write_text(page(table), encoding="utf-8")
    DRAWING.write_text(drawing(table), encoding="utf-8")


if __name__ == "__main__":
    main()
