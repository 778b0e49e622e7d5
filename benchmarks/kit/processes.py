"""What the kernel knows of a process tree: CPU time, memory, descriptors.

Runs in: cli
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Memory:
    """Bytes.  rss counts a page shared by two processes twice, pss once."""

    rss: int
    pss: int


def tree(root: int) -> tuple[int, ...]:
    """`root` and its living descendants, by pid."""
    children: dict[int, list[int]] = {}
    for stat in PROC.glob("[0-9]*/stat"):
        try:
            # proc(5): the name in parentheses may hold anything; state and ppid follow it.
            state, ppid = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue  # gone meanwhile
        if state != "Z":
            children.setdefault(int(ppid), []).append(int(stat.parent.name))
    found, todo = [], [root]
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return tuple(sorted(found))


def cpu_ns(pids: Iterable[int]) -> int:
    """Nanoseconds of CPU that the processes have used, ended threads included.

    The process clock of another process, as clock_getcpuclockid(3) makes its number:
    exact, while utime and stime in /proc count in ticks of 10 ms, and
    /proc/PID/task/*/schedstat forgets the threads that ended.
    Raises ProcessLookupError when one of them is gone.
    """
    total = 0
    for pid in pids:
        try:
            total += time.clock_gettime_ns((~pid << 3) | 2)
        except OSError as error:
            raise ProcessLookupError(f"process {pid} ended during the measurement") from error
    return total


def switches(pids: Iterable[int]) -> int:
    """Context switches of all their threads that are there now, voluntary or not."""
    total = 0
    for pid in pids:
        for status in PROC.glob(f"{pid}/task/*/status"):
            with suppress(OSError):  # a thread that has ended meanwhile
                for line in status.read_text().splitlines():
                    if "ctxt_switches" in line:
                        total += int(line.split()[1])
    return total


def memory(pids: Iterable[int]) -> Memory:
    """Sums of /proc/PID/smaps_rollup."""
    total = {"Rss": 0, "Pss": 0}
    for pid in pids:
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines()[1:]:
            name, _, rest = line.partition(":")
            if name in total:
                total[name] += int(rest.split()[0]) * 1024
    return Memory(total["Rss"], total["Pss"])


def descriptors(pids: Iterable[int]) -> int:
    """Open descriptors of all of them."""
    return sum(len(os.listdir(PROC / str(pid) / "fd")) for pid in pids)


def cores_busy(cores: Iterable[int]) -> float:
    """CPU seconds that the cores have worked for anybody, in ticks of 10 ms."""
    wanted = {f"cpu{core}" for core in cores}
    ticks = 0
    for line in (PROC / "stat").read_text().splitlines():
        name, *columns = line.split()
        if name in wanted:
            # proc(5): user nice system idle iowait irq softirq steal; guest is in user.
            user, nice, system, _, _, irq, softirq, steal = map(int, columns[:8])
            ticks += user + nice + system + irq + softirq + steal
    return ticks / os.sysconf("SC_CLK_TCK")


def ended_children_cpu() -> float:
    """CPU seconds of this process's children that were waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def time_wait_sockets() -> int:
    """TCP sockets in TIME_WAIT in this network namespace."""
    for line in (PROC / "net" / "sockstat").read_text().splitlines():
        if line.startswith("TCP:"):
            words = line.split()
            return int(words[words.index("tw") + 1])
    return 0
