"""From samples to figures: medians over rounds of ratios taken within a sample.

Runs in: cli
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.floor.samples import Run, Sample
from benchmarks.kit.servers import FLOOR


@dataclass(frozen=True)
class Spread:
    """A median with the smallest and the largest value."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One server under one workload.

    ratio: CPU a request, divided by the floor's in the turns beside it.
    over_plain: CPU microseconds a request beyond the plain workload's of the same round, as
    the difference of the ratios times the median floor: plain was measured minutes before.
    void: why there are no figures; then every figure is None.
    """

    server: str
    workload: str
    void: str = ""
    cpu_us: Spread | None = None
    ratio: Spread | None = None
    over_plain: Spread | None = None
    requests_per_second: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    busy: float = 0.0
    others: float = 0.0
    rss: float = 0.0
    pss: float = 0.0


def rows(run: Run, workload: str) -> list[Row]:
    """One row a server, cheapest first, void ones last."""
    of_workload = [one for one in run.samples if one.workload == workload]
    plain = [one for one in run.samples if one.workload == "plain"]
    names = dict.fromkeys(one.server for one in of_workload)
    made = [_row(name, of_workload, plain) for name in names]
    return sorted(made, key=lambda row: row.ratio.median if row.ratio else float("inf"))


def workloads(run: Run) -> list[str]:
    """Names, in the order in which they were measured."""
    return list(dict.fromkeys(one.workload for one in run.samples))


def _row(server: str, samples: list[Sample], plain: list[Sample]) -> Row:
    own = [one for one in samples if one.server == server]
    workload = own[0].workload
    bad = [one for one in own if one.void]
    if bad and server != FLOOR:
        # One void sample voids the row: a median over the good ones would hide it.
        return Row(
            server=server,
            workload=workload,
            void=f"{bad[0].void} ({len(bad)} of {len(own)} samples)",
        )
    own = [one for one in own if not one.void]
    return Row(
        server=server,
        workload=workload,
        void="" if own else "no server ran beside it",
        cpu_us=_spread(one.cpu_us for one in own),
        ratio=_spread(_ratios(samples, server).values()),
        over_plain=_over_plain(samples, plain, server) if workload == "accesslog" else None,
        requests_per_second=_median(one.requests_per_second for one in own),
        p50_ms=_median(one.p50_ms for one in own),
        p99_ms=_median(one.p99_ms for one in own),
        busy=_median(one.busy for one in own),
        others=_median(one.others for one in own),
        rss=_median(one.rss for one in own),
        pss=_median(one.pss for one in own),
    )


def _ratios(samples: list[Sample], server: str) -> dict[int, float]:
    """By round; 1.0 for the floor itself."""
    good = [one for one in samples if not one.void]
    if server == FLOOR:
        return {one.round: 1.0 for one in good if one.server == FLOOR}
    floors = {one.round: one.cpu_us for one in good if one.beside == server}
    return {
        one.round: one.cpu_us / floors[one.round]
        for one in good
        if one.server == server and one.round in floors
    }


def _over_plain(samples: list[Sample], plain: list[Sample], server: str) -> Spread | None:
    floor = _median(one.cpu_us for one in samples if one.server == FLOOR and not one.void)
    before = _ratios(plain, server)
    ratios = _ratios(samples, server)
    return _spread((ratios[at] - before[at]) * floor for at in ratios if at in before)


def _median(values: Iterable[float]) -> float:
    kept = list(values)
    return statistics.median(kept) if kept else 0.0


def _spread(values: Iterable[float]) -> Spread | None:
    kept = list(values)
    return Spread(statistics.median(kept), min(kept), max(kept)) if kept else None
