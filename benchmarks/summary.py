"""From samples to figures: medians over rounds, ratios taken within a round.

Runs in: cli
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.samples import Run, Sample
from benchmarks.servers import FLOOR


@dataclass(frozen=True)
class Spread:
    """A median with the smallest and the largest value."""

    median: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One server under one workload.

    ratio: CPU a request, divided by the floor's of the same round.
    over_plain: CPU microseconds a request beyond the plain workload's of the same round.
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
    return sorted(made, key=lambda row: row.cpu_us.median if row.cpu_us else float("inf"))


def workloads(run: Run) -> list[str]:
    """Names, in the order in which they were measured."""
    return list(dict.fromkeys(one.workload for one in run.samples))


def _row(server: str, samples: list[Sample], plain: list[Sample]) -> Row:
    own = [one for one in samples if one.server == server]
    workload = own[0].workload
    bad = [one for one in own if one.void]
    if bad:
        # One void sample voids the row: a median over the good ones would hide it.
        return Row(
            server=server,
            workload=workload,
            void=f"{bad[0].void} ({len(bad)} of {len(own)} samples)",
        )
    return Row(
        server=server,
        workload=workload,
        cpu_us=_spread(one.cpu_us for one in own),
        ratio=_spread(
            one.cpu_us / base for one in own if (base := _cpu_us(samples, FLOOR, one.round))
        ),
        over_plain=_spread(
            one.cpu_us - base
            for one in own
            if workload == "accesslog" and (base := _cpu_us(plain, server, one.round))
        ),
        requests_per_second=statistics.median(one.requests_per_second for one in own),
        p50_ms=statistics.median(one.p50_ms for one in own),
        p99_ms=statistics.median(one.p99_ms for one in own),
        busy=statistics.median(one.busy for one in own),
        others=statistics.median(one.others for one in own),
        rss=statistics.median(one.rss for one in own),
        pss=statistics.median(one.pss for one in own),
    )


def _cpu_us(samples: list[Sample], server: str, round_number: int) -> float | None:
    """CPU a request of a server in a round: the mean where it was measured twice."""
    found = [
        one.cpu_us
        for one in samples
        if one.server == server and one.round == round_number and not one.void
    ]
    return statistics.mean(found) if found else None


def _spread(values: Iterable[float]) -> Spread | None:
    kept = list(values)
    return Spread(statistics.median(kept), min(kept), max(kept)) if kept else None
