"""A run as Markdown.

Runs in: cli
"""

from __future__ import annotations

from benchmarks.floor.samples import IdleSample, Run
from benchmarks.floor.summary import Row, Spread, rows, workloads
from benchmarks.kit.markdown import table
from benchmarks.kit.servers import FLOOR
from benchmarks.kit.workloads import WORKLOADS

MIB = 1 << 20


def markdown(run: Run) -> str:
    """The whole report."""
    parts = ["# fastfork beside other WSGI servers", _environment(run)]
    parts += [_workload(run, name) for name in workloads(run)]
    if run.idle:
        parts.append(_idle(run.idle))
    return "\n\n".join(parts) + "\n"


def overview(run: Run) -> str:
    """One table: a line a server, a column a workload, CPU a request as multiples of the floor."""
    columns = workloads(run)
    cells = {(row.server, row.workload): row for name in columns for row in rows(run, name)}
    order = [row.server for row in rows(run, columns[0])] if columns else []
    head = ["CPU a request, x the floor", *columns]
    body = [
        [_name(run, server), *(_overview_cell(cells.get((server, name))) for name in columns)]
        for server in order
    ]
    return table(head, body)


def caption(run: Run) -> str:
    """One paragraph: when, where, how, with which versions."""
    facts, settings = run.facts, run.settings
    versions = ", ".join(f"{name} {version}" for name, version in run.versions.items())
    return (
        f"{facts['date']}; {facts['cpu']}, {facts['kernel']}, {facts['python']}; one worker on "
        f"one core, wrk {facts.get('wrk', '')} on another, {settings['connections']:.0f} "
        f"connections; median of {settings['rounds']:.0f} interleaved rounds of "
        f"{settings['seconds']:.0f} s. {versions}."
    )


def _environment(run: Run) -> str:
    lines = [f"- {name}: {text}" for name, text in run.facts.items()]
    lines.append(
        f"- one worker on core 0, load on core 1; {run.settings['rounds']:.0f} rounds of "
        f"{run.settings['seconds']:.0f} s, interleaved, each second between two of the floor's; "
        "medians over the rounds, in brackets the smallest and the largest"
    )
    return "\n".join(lines)


def _workload(run: Run, name: str) -> str:
    head = ["server", "CPU µs/request", "x floor", "requests/s", "p50 ms", "p99 ms"]
    head += ["RSS MiB", "PSS MiB", "busy", "others"]
    found = rows(run, name)
    with_extra = any(row.over_plain for row in found)
    if with_extra:
        head.append("µs over plain")
    body = [_cells(run, row, with_extra) for row in found if not row.void]
    text = f"## {name}: {WORKLOADS[name].title}\n\n{table(head, body)}"
    voids = [f"- void: {_name(run, row.server)}: {row.void}" for row in found if row.void]
    return "\n".join([text, *(["", *voids] if voids else [])])


def _cells(run: Run, row: Row, with_extra: bool) -> list[str]:
    cells = [
        _name(run, row.server),
        _wide(row.cpu_us),
        _wide(row.ratio),
        f"{row.requests_per_second:,.0f}",
        f"{row.p50_ms:.2f}",
        f"{row.p99_ms:.2f}",
        f"{row.rss / MIB:.0f}",
        f"{row.pss / MIB:.0f}",
        f"{row.busy:.2f}",
        f"{row.others:.2f}",
    ]
    return [*cells, _wide(row.over_plain)] if with_extra else cells


def _idle(samples: list[IdleSample]) -> str:
    head = ["server", "bytes each, nothing sent", "bytes each, one answer", "baseline MiB"]
    good = sorted((one for one in samples if not one.void), key=lambda one: one.answered_each)
    body = [
        [
            one.server,
            f"{one.silent_each:,.0f}",
            f"{one.answered_each:,.0f}",
            f"{one.baseline / MIB:.0f}",
        ]
        for one in good
    ]
    count = samples[0].connections
    text = f"## idle: memory of {count:,} idle connections\n\n{table(head, body)}"
    voids = [f"- void: {one.server}: {one.void}" for one in samples if one.void]
    return "\n".join([text, *(["", *voids] if voids else [])])


def _name(run: Run, server: str) -> str:
    if server == FLOOR:
        return "floor (epoll in C)"
    return f"{server} {run.versions.get(server, '')}".strip()


def _wide(spread: Spread | None) -> str:
    if spread is None:
        return ""
    return f"{spread.median:.2f} ({spread.low:.2f}-{spread.high:.2f})"


def _overview_cell(row: Row | None) -> str:
    if row is None or row.ratio is None:
        return "void" if row is not None and row.void else "-"
    return f"{row.ratio.median:.2f}" if row.ratio.median < 10 else f"{row.ratio.median:.0f}"
