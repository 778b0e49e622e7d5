"""Take one sample: a server and the floor, loaded in turns of a second.

Machines drift: the same load costs a fifth more in one half minute than in the next, with
nothing else running that could be seen.  So the floor is not measured once a round but
between any two seconds of a server's load, while both processes live.

Runs in: cli
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.floor.samples import Sample
from benchmarks.kit import processes
from benchmarks.kit.launch import CannotStart, Running, running
from benchmarks.kit.load import Load, LoadFailed, drive
from benchmarks.kit.servers import FLOOR, SERVERS, Server
from benchmarks.kit.workloads import Workload

TURN_SECONDS = 1  # wrk takes whole seconds
FEWEST_REQUESTS = 100
# Cores.  Above this share of somebody else's work the sample is taken again: caches and the
# size of each batch of events are no longer the server's own.
QUIET = 0.04


@dataclass(frozen=True)
class Conditions:
    """What is the same for every sample of a run.

    turns: of a second, for the server; the floor has one more, as it begins and ends.
    cores: of the server and of the load.
    retakes: how often a disturbed sample is taken again; the least disturbed one counts.
    """

    turns: int
    cores: tuple[int, int]
    scratch: Path
    retakes: int = 0


@dataclass(frozen=True)
class Turn:
    """A second of load on one server, and the CPU seconds it took."""

    load: Load
    used: float
    others: float


def take(
    server: Server, workload: Workload, round_number: int, under: Conditions
) -> tuple[Sample, Sample]:
    """The server's sample and the floor's; a failure of any kind is a void one of the server."""
    own = Sample(server=server.name, workload=workload.name, round=round_number)
    floor = replace(own, server=FLOOR, beside=server.name)
    try:
        with (
            running(SERVERS[FLOOR], workload, under.cores[0], under.scratch) as base,
            running(server, workload, under.cores[0], under.scratch) as it,
        ):
            drive(workload, it, TURN_SECONDS, under.cores[1], under.scratch)  # to warm it up
            best = _turns(own, floor, workload, it, base, under)
            for _ in range(under.retakes):
                if best[0].void or best[0].others <= QUIET:
                    break
                again = _turns(own, floor, workload, it, base, under)
                best = min(best, again, key=lambda pair: (bool(pair[0].void), pair[0].others))
            return best
    except (CannotStart, LoadFailed, OSError) as error:
        return replace(own, void=str(error)), replace(floor, void="the server's sample is void")


def _turns(
    own: Sample, floor: Sample, workload: Workload, it: Running, base: Running, under: Conditions
) -> tuple[Sample, Sample]:
    # Not those of the start: some servers fork or reap helpers while they warm up.
    pids = processes.tree(it.root)
    own_turns, floor_turns = [], [_turn(workload, base, (base.root,), under)]
    for _ in range(under.turns):
        own_turns.append(_turn(workload, it, pids, under))
        floor_turns.append(_turn(workload, base, (base.root,), under))
    gone = "" if processes.tree(it.root) == pids else "processes came or went during the load"
    others = max(one.others for one in (*own_turns, *floor_turns))
    return (
        _sample(own, own_turns, pids, others, gone),
        _sample(floor, floor_turns, (base.root,), others, ""),
    )


def _turn(workload: Workload, it: Running, pids: Sequence[int], under: Conditions) -> Turn:
    busy, load_cpu = processes.cores_busy(under.cores), processes.ended_children_cpu()
    before = processes.cpu_ns(pids)
    load = drive(workload, it, TURN_SECONDS, under.cores[1], under.scratch)
    used = (processes.cpu_ns(pids) - before) / 1e9
    load_cpu = processes.ended_children_cpu() - load_cpu
    busy = processes.cores_busy(under.cores) - busy
    return Turn(load, used, max(0.0, busy - used - load_cpu) / load.seconds)


def _sample(
    blank: Sample, turns: Sequence[Turn], pids: Sequence[int], others: float, void: str
) -> Sample:
    requests = sum(one.load.requests for one in turns)
    seconds = sum(one.load.seconds for one in turns)
    used = sum(one.used for one in turns)
    memory = processes.memory(pids)
    return replace(
        blank,
        requests=requests,
        requests_per_second=requests / seconds,
        p50_ms=statistics.median(one.load.p50_ms for one in turns),
        p99_ms=statistics.median(one.load.p99_ms for one in turns),
        cpu_us=used / max(requests, 1) * 1e6,
        busy=used / seconds,
        others=others,
        rss=memory.rss,
        pss=memory.pss,
        void=_errors([one.load for one in turns]) or void,
    )


def _errors(loads: Sequence[Load]) -> str:
    """What kept requests from a good answer, "" for nothing."""
    kinds = dict.fromkeys(kind for one in loads for kind in one.errors)
    counted = [f"{sum(one.errors.get(kind, 0) for one in loads)} {kind} errors" for kind in kinds]
    requests = sum(one.requests for one in loads)
    return ", ".join(counted) or (f"only {requests} requests" if requests < FEWEST_REQUESTS else "")
