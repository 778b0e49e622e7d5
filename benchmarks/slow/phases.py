"""One phase: a server, its slow clients, and one quick client, for a bounded time.

Three processes beside this one: the server on its core, the slow clients and the quick client
on another. A phase ends when all slow clients have been ended, when nothing was answered for
30 s, or when its time is over, whatever comes first.

Runs in: cli
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.kit import processes
from benchmarks.kit.launch import CannotStart, Running, environment, on_core, running
from benchmarks.kit.servers import ROOT, Server
from benchmarks.kit.workloads import Workload
from benchmarks.slow.servers import SLOW, SLOW_TLS

# Slow clients opened a second: a handshake takes both sides a millisecond.
OPENED, OPENED_TLS = 1000, 100
GRACE_SECONDS = 60.0  # for a tool to say its last word: a request is given up after 10 s
SAMPLE_SECONDS = 1.0
ALONE_SECONDS = 4.0


@dataclass(kw_only=True)
class Phase:
    """What was seen.

    alone, quick: the reports of quick_client before there are slow clients, and while they are
    there.  ended: that of clients.
    seconds: how long it took.  pss, rss: bytes of the whole process tree at the most.
    same_processes: whether no process of the server was replaced meanwhile.
    others: CPU seconds a second that neither the server nor the load used, on their two cores;
    above 0.1 or so the latencies are partly somebody else's.
    void: why there are no figures.
    """

    server: str
    clients: int
    seconds: float = 0.0
    alone: dict[str, Any] = field(default_factory=dict)
    quick: dict[str, Any] = field(default_factory=dict)
    ended: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    pss: int = 0
    rss: int = 0
    pss_before: int = 0
    same_processes: bool = True
    others: float = 0.0
    void: str = ""


@dataclass(frozen=True)
class Conditions:
    """cores: of the server and of the load.  scratch: a directory for logs.  first: the server's
    threads come before others on their core (nice -20), for a machine with other work.  Not at
    real-time priority, which let waitress's threads wait for each other's time slices."""

    cores: tuple[int, int]
    scratch: Path
    first: bool = False


@contextmanager
def serving(server: Server, workload: Workload, under: Conditions) -> Iterator[Running]:
    """The server, answering.  Raises CannotStart, PermissionError."""
    with running(server, workload, under.cores[0], under.scratch) as it:
        for pid in processes.tree(it.root) if under.first else ():
            for thread in os.listdir(f"/proc/{pid}/task"):
                os.setpriority(os.PRIO_PROCESS, int(thread), -20)
        yield it


class ToolFailed(Exception):
    """A load process ended without its report."""


class Tool:
    """A load process that ends when its standard input does, and then prints its report."""

    def __init__(self, module: str, *arguments: object, core: int) -> None:
        command = [sys.executable, "-m", f"benchmarks.slow.{module}", *map(str, arguments)]
        self.name = module
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            preexec_fn=lambda: on_core(core),
        )

    @property
    def has_ended(self) -> bool:
        """Whether its process is gone."""
        return self.process.poll() is not None

    def wait_for_line(self, seconds: float) -> bool:
        """Whether a line came in time; the line itself is left out of the report."""
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return False
        return bool(self.process.stdout.readline())

    def wait_until_ended(self, seconds: float) -> None:
        """Wait for its own end, `seconds` at most."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)

    def finish(self) -> Any:
        """Tell it to end; what it reports.  Raises ToolFailed."""
        try:
            said, _ = self.process.communicate(timeout=GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise ToolFailed(f"{self.name} did not end") from None
        lines = said.splitlines()
        if self.process.returncode or not lines:
            raise ToolFailed(f"{self.name} ended with {self.process.returncode}")
        return json.loads(lines[-1])

    def kill(self) -> None:
        """End it at once.  May be called again."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()


@contextmanager
def tool(module: str, *arguments: object, core: int) -> Iterator[Tool]:
    """A load process, gone at the end."""
    it = Tool(module, *arguments, core=core)
    try:
        yield it
    finally:
        it.kill()


def take_phase(server: Server, clients: int, seconds: float, under: Conditions) -> Phase:
    """One phase; a failure of any kind is a void one."""
    phase = Phase(server=server.name, clients=clients)
    workload = SLOW if server.tls is None else SLOW_TLS
    try:
        with serving(server, workload, under) as it:
            _rehearse(clients, it, under.cores[1])
        with serving(server, workload, under) as it:
            _play(phase, it, seconds, under.cores)
    except (CannotStart, ToolFailed, OSError, ValueError) as error:
        phase.void = str(error)
    return phase


def _rehearse(clients: int, it: Running, core: int) -> None:
    """Have the kernel touch the memory of so many sockets.

    A virtual machine gets its memory from the host page by page, at the first touch: 0.1 GB of
    buffers for those who do not read took a second of the server's core here, once."""
    is_tls = it.scheme == "https"
    opened = OPENED_TLS if is_tls else OPENED
    crowd = (clients, "head,upload,reader", "--opened", opened, *(("--tls",) if is_tls else ()))
    with tool("clients", it.port, *crowd, core=core) as slow:
        slow.wait_for_line(clients / opened + GRACE_SECONDS)


def _play(phase: Phase, it: Running, seconds: float, cores: tuple[int, int]) -> None:
    core = cores[1]
    tls = ("--tls",) if it.scheme == "https" else ()
    with tool("quick_client", it.port, "--longest", ALONE_SECONDS, *tls, core=core) as quick:
        quick.wait_until_ended(ALONE_SECONDS + GRACE_SECONDS)
        phase.alone = quick.finish()
    before = set(processes.tree(it.root))
    phase.pss_before = processes.memory(before).pss
    began, busy = time.monotonic(), processes.cores_busy(cores)
    used = _used(before)
    opened = OPENED_TLS if tls else OPENED
    seconds += phase.clients / opened
    options = ("--longest", seconds, *tls)
    crowd = (phase.clients, "head,upload,reader", "--opened", opened)
    with (
        tool("quick_client", it.port, *options, core=core) as quick,
        tool("clients", it.port, *crowd, *options, core=core) as slow,
    ):
        wait_and_sample(it, phase, lambda: quick.has_ended or slow.has_ended, seconds)
        phase.seconds = round(time.monotonic() - began, 1)
        phase.ended = slow.finish()
        phase.quick = quick.finish()
    busy = processes.cores_busy(cores) - busy
    with suppress(ProcessLookupError):
        used = _used(before) - used
        phase.others = round(max(0.0, busy - used) / (time.monotonic() - began), 3)
    phase.same_processes = before <= set(processes.tree(it.root))


def _used(pids: Collection[int]) -> float:
    """CPU seconds of these processes, of this one, and of the load that has ended."""
    return processes.cpu_ns(pids) / 1e9 + time.process_time() + processes.ended_children_cpu()


def wait_and_sample(it: Running, phase: Phase, is_over: Callable[[], bool], seconds: float) -> None:
    """Until it is over, at most `seconds`; memory is looked at once a second."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not is_over():
        with suppress(OSError):  # a process of the server ended just now
            memory = processes.memory(processes.tree(it.root))
            phase.pss = max(phase.pss, memory.pss)
            phase.rss = max(phase.rss, memory.rss)
        time.sleep(SAMPLE_SECONDS)
