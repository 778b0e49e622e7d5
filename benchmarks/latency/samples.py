"""Take one sample of a scene: a new server, latency.c against it, and what both used.

Runs in: cli
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import time
from array import array
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.kit import processes
from benchmarks.kit.launch import START_SECONDS, CannotStart, Running, on_core, running
from benchmarks.kit.servers import ROOT, Server
from benchmarks.latency.scenes import LATENCY, Scene

CLIENT = "latency"
GRACE_SECONDS = 30.0  # beyond the run's own seconds: an answer is given up after 10
FEWEST = 100  # counted answers of the instant kind
# A client later than this measured itself; an answer that counts is promised within 5 ms.
MOST_LATE_MS = 1.0
# Then, or when somebody else used this share of the two cores, the sample is taken again.
QUIET = 0.04
RETAKES = 2
SETTLED_SECONDS = 1.0  # no process comes or goes: all have started
_SLEPT = 0x80000000


@dataclass(kw_only=True)
class Sample:
    """One server in one scene in one round.

    instant, slept: microseconds of every answer of that kind, sorted.
    cpu_us: CPU microseconds a request of the whole process tree.  busy: CPU seconds of it a
    second.  others: CPU seconds a second of the two cores that neither server nor client used.
    late_p99_ms, late_max_ms: how late the client sent its requests.
    void: why the figures mean nothing, "" when they hold.
    """

    scene: str
    server: str
    round: int
    requests: int = 0
    per_second: float = 0.0
    cpu_us: float = 0.0
    busy: float = 0.0
    others: float = 0.0
    late_p99_ms: float = 0.0
    late_max_ms: float = 0.0
    void: str = ""
    instant: array[int] = field(default_factory=lambda: array("I"), repr=False)
    slept: array[int] = field(default_factory=lambda: array("I"), repr=False)

    @property
    def is_late(self) -> bool:
        """Whether the client measured itself."""
        return self.late_p99_ms > MOST_LATE_MS

    @property
    def disturbed(self) -> float:
        """By how much others may have changed the figures, to compare two samples."""
        return self.late_p99_ms + self.others

    def figures(self) -> dict[str, Any]:
        """What goes into the JSON: everything, the latencies as quantiles."""
        plain = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        del plain["instant"], plain["slept"]
        everything = sorted([*self.instant, *self.slept])
        return {
            **{name: round(v, 4) if isinstance(v, float) else v for name, v in plain.items()},
            "instant": quantiles(self.instant),
            "all": quantiles(everything),
        }


def at(ordered: Sequence[int], share: float) -> float:
    """Milliseconds that `share` of the sorted microseconds did not exceed; nan without any."""
    if not ordered:
        return float("nan")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] / 1e3


def quantiles(ordered: Sequence[int]) -> dict[str, float | None]:
    """The usual ones, in milliseconds."""
    names = {"p50_ms": 0.5, "p99_ms": 0.99, "p999_ms": 0.999, "max_ms": 1.0}
    return {name: at(ordered, share) if ordered else None for name, share in names.items()}


@dataclass(frozen=True)
class Conditions:
    """seconds: that count, of each sample.  cores: of the server and of the client.

    first: the server's threads come before others on their core (nice -20), and then what
    others used is no reason to take a sample again: for a machine with other work.
    """

    seconds: float
    cores: tuple[int, int]
    scratch: Path
    first: bool = False


def build_client(scratch: Path) -> None:
    """Compile latency.c.  Raises CannotStart with the compiler's text."""
    command = ["cc", "-std=c11", "-O2", "-o", str(scratch / CLIENT)]
    command.append(str(ROOT / "benchmarks" / "latency" / "latency.c"))
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    except FileNotFoundError:
        raise CannotStart("no C compiler: the client needs cc (apt install gcc)") from None
    except subprocess.CalledProcessError as error:
        raise CannotStart(f"{' '.join(command)}: {error.stderr}") from error


def take(scene: Scene, server: Server, round_number: int, under: Conditions) -> Sample:
    """One sample; a failure of any kind is a void one that says why.

    One that others disturbed is taken again, and the least disturbed one counts.
    """
    best = _take(scene, server, round_number, under)
    for _ in range(RETAKES):
        is_quiet = under.first or best.others <= QUIET
        if best.void or (is_quiet and not best.is_late):
            break
        again = _take(scene, server, round_number, under)
        best = again if again.void else min(best, again, key=lambda one: one.disturbed)
    if best.is_late and not best.void:
        best.void = f"the client was late itself: p99 {best.late_p99_ms:.1f} ms"
    return best


def _take(scene: Scene, server: Server, round_number: int, under: Conditions) -> Sample:
    sample = Sample(scene=scene.name, server=server.name, round=round_number)
    try:
        with running(server, LATENCY, under.cores[0], under.scratch) as it:
            _wait_for_workers(scene, it)
            if under.first:
                _put_first(it)
            _measure(sample, scene, it, under)
    except (CannotStart, OSError, ValueError, subprocess.SubprocessError) as error:
        sample.void = " ".join(str(error).split())
    return sample


def _wait_for_workers(scene: Scene, it: Running) -> None:
    """The first worker answers while others are being forked.  Raises CannotStart."""
    deadline = time.monotonic() + START_SECONDS
    before: tuple[int, ...] = ()
    while time.monotonic() < deadline:
        now = processes.tree(it.root)
        # One that has a process only for the server itself serves from there.
        if now == before and (len(now) > scene.workers or scene.workers == 1):
            return
        before = now
        time.sleep(SETTLED_SECONDS)
    raise CannotStart(f"{scene.workers} workers, and no process has come or gone lately: never")


def _put_first(it: Running) -> None:
    """Raises PermissionError."""
    for pid in processes.tree(it.root):
        for thread in os.listdir(f"/proc/{pid}/task"):
            os.setpriority(os.PRIO_PROCESS, int(thread), -20)


def _measure(sample: Sample, scene: Scene, it: Running, under: Conditions) -> None:
    pids = processes.tree(it.root)
    busy, load_cpu = processes.cores_busy(under.cores), processes.ended_children_cpu()
    used, began = processes.cpu_ns(pids), time.monotonic()
    said = _drive(sample, scene, it, under)
    seconds = time.monotonic() - began
    used = processes.cpu_ns(pids) - used
    load_cpu = processes.ended_children_cpu() - load_cpu
    busy = processes.cores_busy(under.cores) - busy
    sample.requests = said["requests"]
    sample.per_second = said["counted"] / said["seconds"]
    sample.cpu_us = used / 1e3 / max(1, said["requests"])
    sample.busy = used / 1e9 / seconds
    sample.others = max(0.0, busy - used / 1e9 - load_cpu) / seconds
    sample.late_p99_ms = said["late_p99_us"] / 1e3
    sample.late_max_ms = said["late_max_us"] / 1e3
    same = processes.tree(it.root) == pids
    sample.void = _wrong(sample, said, same_processes=same)


def _drive(sample: Sample, scene: Scene, it: Running, under: Conditions) -> dict[str, Any]:
    """Run the client; its report.  Fills in the latencies."""
    file = under.scratch / "latencies"
    # The same seed for every server of a round: the same requests.
    numbers = (it.port, scene.connections, under.seconds, sample.round)
    done = subprocess.run(
        [str(under.scratch / CLIENT), *map(str, numbers), str(file)],
        check=True,
        capture_output=True,
        text=True,
        timeout=under.seconds + GRACE_SECONDS,
        preexec_fn=partial(_first_on_core, under.cores[1]),
    )
    records = array("I")
    records.frombytes(file.read_bytes())
    sample.instant = array("I", sorted(one for one in records if not one & _SLEPT))
    sample.slept = array("I", sorted(one & ~_SLEPT for one in records if one & _SLEPT))
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def _first_on_core(core: int) -> None:
    """For the client between fork and exec: before anything else on its core, where allowed."""
    on_core(core)
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))


def _wrong(sample: Sample, said: dict[str, Any], *, same_processes: bool) -> str:
    if said["errors"]:
        kinds = ", ".join(f"{count} x {why}" for why, count in said["errors"].items())
        return f"{kinds} (first: {said['first_error']})"
    if not same_processes:
        return "processes came or went during the load"
    if len(sample.instant) < FEWEST:
        return f"only {len(sample.instant)} instant answers"
    return ""
