"""Servers that are all up at once, on one core, and driven in turn for a second each.

A round is one burst on each server, so that whatever the machine does meets all of them; a figure
is compared with that of the same round.  The order of a round begins with another server each time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.kit import processes
from benchmarks.kit.launch import CannotStart, Running, cores, running
from benchmarks.kit.load import LoadFailed, drive
from benchmarks.kit.markdown import table
from benchmarks.kit.servers import Server
from benchmarks.kit.workloads import Workload

__all__ = ["Burst", "Bursts", "measured", "names_of", "report"]

BURST_SECONDS = 1  # wrk takes whole seconds
PACED_SECONDS = 3


@dataclass(frozen=True)
class Burst:
    """cpu_us: of the process tree, a request.  switches: of its threads, a second."""

    cpu_us: float
    switches: float
    requests: int


# The bursts of one row by server, round by round.
Bursts = dict[str, list[Burst]]


def measured(
    rows: Sequence[Workload],
    servers: Sequence[Server],
    rounds: int,
    scratch: Path,
    *,
    first: Workload,
    is_asked: Callable[[Workload, str], bool] = lambda _row, _name: True,
    leaves_out: bool = False,
) -> Iterator[tuple[Workload, Bursts]]:
    """Each row with its bursts, as soon as they are there.

    first: what a server has to answer rightly when it is started.  is_asked: whether the server
    of a name takes part in a row.  leaves_out: a server that does not start, or does not stand a
    row, is left out and said to be; otherwise that raises CannotStart, LoadFailed or
    ProcessLookupError.
    """
    core, load_core = cores()
    with ExitStack() as stack:
        up: dict[str, Running] = {}
        for server in servers:
            try:
                up[server.name] = stack.enter_context(running(server, first, core, scratch))
            except CannotStart as error:
                _leave_out(server.name, error, leaves_out)
        affinity = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {load_core})
        stack.callback(os.sched_setaffinity, 0, affinity)
        for row in rows:
            names = []
            for name in [name for name in up if is_asked(row, name)]:
                try:
                    _burst(row, up[name], load_core, scratch)  # to warm it up
                    names.append(name)
                except (LoadFailed, ProcessLookupError) as error:
                    _leave_out(f"{row.name}: {name}", error, leaves_out)
            bursts: Bursts = {name: [] for name in names}
            for number in range(rounds if names else 0):
                begin = number % len(names)
                for name in (*names[begin:], *names[:begin]):
                    bursts[name].append(_burst(row, up[name], load_core, scratch))
            yield row, bursts


def _leave_out(what: str, error: Exception, may: bool) -> None:
    if not may:
        raise error
    print(f"{what} is left out: {error}", file=sys.stderr)


def _burst(row: Workload, it: Running, load_core: int, scratch: Path) -> Burst:
    pids = processes.tree(it.root)
    cpu, switches = processes.cpu_ns(pids), processes.switches(pids)
    load = drive(row, it, _seconds(row), load_core, scratch)
    cpu, switches = processes.cpu_ns(pids) - cpu, processes.switches(pids) - switches
    if load.errors:
        raise LoadFailed(f"{row.name}: {load.errors}")
    return Burst(cpu / 1e3 / max(1, load.requests), switches / load.seconds, load.requests)


def _seconds(row: Workload) -> int:
    return PACED_SECONDS if row.rate else BURST_SECONDS


def report(row: Workload, bursts: Bursts, base: str) -> str:
    """A heading and a table of medians; ratios to `base`, where that has taken part."""
    head = ["server", "CPU µs/request", f"x {base}", "switches/s", "requests/s"]
    body = []
    for name, own in bursts.items():
        ratio = "-"
        if base in bursts:
            ratio = _spread([a.cpu_us / b.cpu_us for a, b in zip(own, bursts[base], strict=True)])
        body.append(
            [
                name,
                f"{statistics.median(one.cpu_us for one in own):.1f}",
                ratio,
                f"{statistics.median(one.switches for one in own):.0f}",
                f"{statistics.median(one.requests for one in own) / _seconds(row):.0f}",
            ]
        )
    return f"## {row.name}: {row.title}\n\n{table(head, body)}"


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def names_of(known: Mapping[str, object]) -> Callable[[str], list[str]]:
    """What reads an option: names that are known, with commas between them."""

    def names(text: str) -> list[str]:
        given = text.split(",")
        for name in given:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of: {', '.join(known)}")
        return given

    return names
