"""What threads cost when no request is slow: wrk on one thread and on eight, turn by turn.

Runs in: cli
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.kit import processes
from benchmarks.kit.launch import CannotStart, Running, running
from benchmarks.kit.load import LoadFailed, drive
from benchmarks.kit.workloads import WORKLOADS
from benchmarks.latency.samples import Conditions
from benchmarks.latency.scenes import plain

THREADS = (1, 8)
MOST = 1.10
TURN_SECONDS = 1  # wrk takes whole seconds
_PLAIN = WORKLOADS["plain"]


@dataclass(kw_only=True)
class Tax:
    """CPU microseconds a request of each turn; the same position is the same two seconds.

    others: CPU seconds a second that neither server nor load used, in the worst turn.
    void: why there is no ratio.
    """

    one: list[float] = field(default_factory=list)
    many: list[float] = field(default_factory=list)
    others: float = 0.0
    void: str = ""

    @property
    def ratios(self) -> list[float]:
        """Eight threads to one, a turn."""
        return [many / one for one, many in zip(self.one, self.many, strict=True)]


def take_tax(rounds: int, turns: int, under: Conditions) -> Tax:
    """Both servers run; each round starts new ones, and they swap who comes first a turn."""
    tax = Tax()
    for _ in range(rounds):
        try:
            _round(tax, turns, under)
        except (CannotStart, LoadFailed, OSError) as error:
            tax.void = " ".join(str(error).split())
            break
    return tax


def _round(tax: Tax, turns: int, under: Conditions) -> None:
    with ExitStack() as stack:
        core, scratch = under.cores[0], under.scratch
        servers = {
            threads: stack.enter_context(running(plain(threads), _PLAIN, core, scratch))
            for threads in THREADS
        }
        for it in servers.values():
            drive(_PLAIN, it, TURN_SECONDS, under.cores[1], scratch)  # to warm it up
        for turn in range(turns):
            order = THREADS if turn % 2 == 0 else THREADS[::-1]
            cost = {threads: _turn(tax, servers[threads], under) for threads in order}
            tax.one.append(cost[THREADS[0]])
            tax.many.append(cost[THREADS[1]])


def _turn(tax: Tax, it: Running, under: Conditions) -> float:
    """CPU microseconds a request.  Raises LoadFailed for any error of a request."""
    pids = processes.tree(it.root)
    busy, load_cpu = processes.cores_busy(under.cores), processes.ended_children_cpu()
    used = processes.cpu_ns(pids)
    load = drive(_PLAIN, it, TURN_SECONDS, under.cores[1], under.scratch)
    used = processes.cpu_ns(pids) - used
    load_cpu = processes.ended_children_cpu() - load_cpu
    busy = processes.cores_busy(under.cores) - busy
    tax.others = max(tax.others, (busy - used / 1e9 - load_cpu) / load.seconds)
    if load.errors or not load.requests:
        raise LoadFailed(f"wrk: {load.requests} requests, errors: {load.errors}")
    return used / 1e3 / load.requests
