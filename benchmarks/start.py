"""How soon a server answers after it was started, and what memory it takes.

    python -m benchmarks.start [--servers A,B] [--rounds N] [--json FILE]

Measures, of each server in turn, a new one each time:

- start: milliseconds from fork and exec to the last byte of the first answer; a client connects
  every half millisecond until somebody answers.  CPU: of all its processes until then.
- memory: PSS of all its processes (a page that n processes map counts 1/n in each), of hello with
  one worker, and of a Django project with six that were forked from one that had loaded it, before
  the first request and after 150.

Noise: medians of the rounds, and each figure's ratio to gunicorn's sync worker, which has its turn
in the same round.  PSS is lower when other processes map the same files: compare ratios.

Runs in: cli
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from benchmarks.kit import processes
from benchmarks.kit.launch import ROOT, environment, free_port, stop
from benchmarks.kit.servers import SERVERS
from benchmarks.kit.workloads import WORKLOADS

REFERENCE: Final = "gunicorn-sync"
DEFAULT: Final = ("fastfork-httptools", "fastfork-native", "bjoern", "granian", REFERENCE)
# Those that can fork workers from a process that has loaded the application.
PRELOADING: Final = ("fastfork", "gunicorn")
WORKERS: Final = 6
REQUESTS: Final = 150
RETRY: Final = 0.0005  # seconds
START_SECONDS: Final = 30.0
SETTLE: Final = 1.0  # seconds from the first answer until memory is read: all workers are there
REQUEST: Final = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
COLUMNS: Final = ("start ms", "start CPU ms", "hello MiB", "django MiB", "after 150 MiB")

Figures = dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table.  Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.start", description=__doc__)
    parser.add_argument("--servers", default=",".join(DEFAULT))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--memory-rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, help="file for every figure")
    options = parser.parse_args(arguments)
    names = [name for name in options.servers.split(",") if SERVERS[name].installed]
    taken: dict[str, list[Figures]] = {name: [] for name in names}
    for number in range(max(options.rounds, options.memory_rounds)):
        for name in (*names[number % len(names) :], *names[: number % len(names)]):
            with_memory = number < options.memory_rounds
            taken[name].append(take(name, with_memory=with_memory))
        print(f"round {number + 1}", file=sys.stderr, flush=True)
    print(table({name: medians(figures) for name, figures in taken.items()}))
    if options.json:
        options.json.write_text(json.dumps(taken, indent=1) + "\n")
    return 0


def take(name: str, *, with_memory: bool) -> Figures:
    """Start it once for the times, and once more for Django's memory."""
    figures: Figures = {}
    began = time.perf_counter()
    with running(name, "plain") as (root, port):
        figures["start ms"] = (time.perf_counter() - began) * 1e3
        figures["start CPU ms"] = processes.cpu_ns(processes.tree(root)) / 1e6
        if with_memory:
            figures["hello MiB"] = pss(root)
    if with_memory and name.startswith(PRELOADING):
        with running(name, "django", "--preload", "-w", str(WORKERS)) as (root, port):
            figures["django MiB"] = pss(root)
            for _ in range(REQUESTS):
                ask(port)
            figures["after 150 MiB"] = pss(root)
    return figures


@contextmanager
def running(name: str, workload: str, *options: str) -> Iterator[tuple[int, int]]:
    """The pid and the port of a server that has just given its first answer."""
    port = free_port()
    argv = [*SERVERS[name].argv(WORKLOADS[workload], port, Path(os.devnull)), *options]
    env = environment()
    # An installed package has its bytecode; in a checkout the first start writes it.
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    process = subprocess.Popen(
        argv, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answered(lambda: ask(port)):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"{name} did not start: {' '.join(argv)}")
            time.sleep(RETRY)
        yield process.pid, port
    finally:
        stop(process)


def answered(asked: Callable[[], None]) -> bool:
    """Whether there was anybody."""
    try:
        asked()
    except ConnectionError:
        return False
    return True


def ask(port: int) -> None:
    """One request on a connection of its own.  Raises ConnectionError, RuntimeError."""
    with socket.create_connection(("127.0.0.1", port), START_SECONDS) as client:
        client.sendall(REQUEST)
        answer = b""
        while piece := client.recv(1 << 16):
            answer += piece
    if not answer.startswith((b"HTTP/1.1 200", b"HTTP/1.0 200")):
        raise RuntimeError(f"not the answer: {answer[:60]!r}")


def pss(root: int) -> float:
    """MiB of the whole tree, when nothing happens in it any more."""
    time.sleep(SETTLE)
    return processes.memory(processes.tree(root)).pss / (1 << 20)


def medians(figures: Sequence[Figures]) -> Figures:
    """Of each figure, over the rounds that have it."""
    given = {column: [one[column] for one in figures if column in one] for column in COLUMNS}
    return {column: statistics.median(values) for column, values in given.items() if values}


def table(found: dict[str, Figures]) -> str:
    """In Markdown: each figure, and its ratio to gunicorn's."""
    reference = found.get(REFERENCE, {})
    lines = [f"| server | {' | '.join(COLUMNS)} |", f"|---|{'--:|' * len(COLUMNS)}"]
    for name, figures in found.items():
        cells = []
        for column in COLUMNS:
            value, of = figures.get(column), reference.get(column)
            ratio = f" ({value / of:.2f})" if value and of else ""
            cells.append(f"{value:.1f}{ratio}" if value else "")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
