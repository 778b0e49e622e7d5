"""Put the figures into README.md: python -m benchmarks.readme_table RUN.json [--help].

What users run comes first (benchmarks.together), then start and memory (benchmarks.start), then
what a request costs above the floor (benchmarks.run).

Runs in: cli
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from benchmarks.floor.report import caption, overview
from benchmarks.floor.samples import Run, load_run
from benchmarks.kit.markdown import table
from benchmarks.kit.servers import ROOT
from benchmarks.kit.turns import Burst
from benchmarks.start import Figures, medians
from benchmarks.start import table as start_table
from benchmarks.together import Together, load

START, END = "<!-- bench:start -->", "<!-- bench:end -->"


# Rows of benchmarks.together, and what the columns are called.
USED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "django": "Django",
        "django-page": "Django page",
        "quiet": "quiet",
        "flask": "Flask",
        "flask-json": "Flask JSON",
        "mix": "mix",
    }
)


def block(parts: Sequence[str], run: Run, image: str) -> str:
    """What stands between the two marks."""
    ours = [*parts]
    if image:
        ours.append(f"![CPU time a request beside other servers]({image})")
    return "\n\n".join((*ours, overview(run), caption(run)))


def used(it: Together) -> str:
    """CPU a request of applications as people run them, in microseconds."""
    rows = [row for row in USED if row in it.rows]
    servers = {name: None for row in rows for name in it.rows[row]}
    body = [
        [f"{name} {it.versions.get(name, '')}", *(_cpu(it.rows[row].get(name)) for row in rows)]
        for name in servers
    ]
    head = ["CPU µs a request", *(USED[row] for row in rows)]
    rounds = max(len(bursts) for row in rows for bursts in it.rows[row].values())
    return (
        f"{table(head, body)}\n\n"
        "Hello by Django and by Flask, a Django page (session, template), JSON by Flask, and a "
        "hello without a framework asked for as 50 browsers do (mix), on 32 connections; quiet: "
        "Django's hello 100 times a second. The application's own time is in it. All servers up "
        f"at once and driven in turn, medians of {rounds} rounds, {it.facts['date']} "
        "(`make bench-together`)."
    )


def _cpu(bursts: list[Burst] | None) -> str:
    if not bursts:
        return "-"
    value = statistics.median(one.cpu_us for one in bursts)
    return f"{value:.1f}" if value < 100 else f"{value:.0f}"


def started(taken: Mapping[str, Sequence[Figures]]) -> str:
    """Start and memory, with ratios to gunicorn's."""
    return (
        f"{start_table({name: medians(given) for name, given in taken.items()})}\n\n"
        "Start to the first answer, its CPU time, and memory (PSS) of a one-worker hello; of a "
        "small Django project with six preloaded workers, idle and after 150 requests "
        "(`make bench-start`)."
    )


def replaced(text: str, new: str) -> str:
    """`text` with `new` between the marks.  Raises ValueError unless both are there once."""
    if text.count(START) != 1 or text.count(END) != 1:
        raise ValueError(f"needs one line {START} and one line {END} below it")
    pattern = re.escape(START) + r".*" + re.escape(END)
    return re.sub(pattern, lambda _: f"{START}\n{new}\n{END}", text, count=1, flags=re.DOTALL)


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.readme_table", description=__doc__)
    parser.add_argument("result", type=Path, help="the JSON of benchmarks.run")
    parser.add_argument("--together", type=Path, help="the JSON of benchmarks.together")
    parser.add_argument("--start", type=Path, help="the JSON of benchmarks.start")
    parser.add_argument("--readme", type=Path, default=ROOT / "README.md")
    parser.add_argument("--image", default="", help="path of the plot as the README links it")
    options = parser.parse_args(argv)
    parts = [used(load(options.together))] if options.together else []
    if options.start:
        parts.append(started(json.loads(options.start.read_text())))
    new = block(parts, load_run(options.result), options.image)
    try:
        options.readme.write_text(replaced(options.readme.read_text(), new))
    except ValueError as error:
        print(f"{options.readme}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
