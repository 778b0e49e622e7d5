"""Take one sample: start the server, warm it up, load it, read the clocks around the load.

Runs in: cli
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks import processes
from benchmarks.launch import CannotStart, Running, running
from benchmarks.load import Load, LoadFailed, drive
from benchmarks.samples import Sample
from benchmarks.servers import Server
from benchmarks.workloads import Workload

# wrk takes whole seconds.
WARM_UP_SECONDS = 1.0
FEWEST_REQUESTS = 100
# Cores. Above this share of somebody else's work the sample is taken again: caches and the
# size of each batch of events are no longer the server's own.
QUIET = 0.04


@dataclass(frozen=True)
class Conditions:
    """What is the same for every sample of a run.

    cores: of the server and of the load.
    retakes: how often a disturbed sample is taken again; the least disturbed one counts.
    """

    seconds: float
    cores: tuple[int, int]
    scratch: Path
    retakes: int = 0


def take(server: Server, workload: Workload, round_number: int, under: Conditions) -> Sample:
    """One sample; a failure of any kind is a void sample, so that the run goes on."""
    blank = Sample(server=server.name, workload=workload.name, round=round_number)
    try:
        with running(server, workload, under.cores[0], under.scratch) as it:
            drive(workload, it, WARM_UP_SECONDS, under.cores[1], under.scratch)
            best = _loaded(blank, workload, it, under)
            for _ in range(under.retakes):
                if best.void or best.others <= QUIET:
                    break
                again = _loaded(blank, workload, it, under)
                best = min(best, again, key=lambda one: (bool(one.void), one.others))
            return best
    except (CannotStart, LoadFailed, OSError) as error:
        return replace(blank, void=str(error))


def _loaded(blank: Sample, workload: Workload, it: Running, under: Conditions) -> Sample:
    # Again, as some servers fork or reap helpers while they warm up.
    pids = processes.tree(it.pids[0])
    busy, load_cpu = processes.cores_busy(under.cores), processes.ended_children_cpu()
    before = processes.cpu_ns(pids)
    load = drive(workload, it, under.seconds, under.cores[1], under.scratch)
    used = (processes.cpu_ns(pids) - before) / 1e9
    load_cpu = processes.ended_children_cpu() - load_cpu
    busy = processes.cores_busy(under.cores) - busy
    memory = processes.memory(pids)
    return replace(
        blank,
        requests=load.requests,
        requests_per_second=load.requests / load.seconds,
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
        cpu_us=used / max(load.requests, 1) * 1e6,
        busy=used / load.seconds,
        others=max(0.0, busy - used - load_cpu) / load.seconds,
        rss=memory.rss,
        pss=memory.pss,
        void=_what_is_wrong(load, pids, processes.tree(it.pids[0])),
    )


def _what_is_wrong(load: Load, before: tuple[int, ...], after: tuple[int, ...]) -> str:
    """Why the figures mean nothing, "" when they hold."""
    if load.errors:
        return ", ".join(f"{count} {kind} errors" for kind, count in load.errors.items())
    if load.requests < FEWEST_REQUESTS:
        return f"only {load.requests} requests"
    return "processes came or went during the load" if before != after else ""
