"""All servers at once, each driven for a second in turn: python -m benchmarks.together [--help].

For real applications and hardly used servers the floor says little, and what counts is the
server beside: a round is one short burst on each, so that whatever the machine does meets
all of them, and a figure is compared with that of the same round.

Runs in: cli
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from benchmarks.kit import facts, processes
from benchmarks.kit.launch import CannotStart, Running, cores, running
from benchmarks.kit.load import LoadFailed, drive
from benchmarks.kit.markdown import table
from benchmarks.kit.servers import SERVERS, Server
from benchmarks.kit.workloads import WORKLOADS, Workload

ROWS = (
    *("django", "django-4", "django-1", "quiet", "django-page"),
    *("flask", "flask-4", "flask-1", "flask-json", "mix"),
)
COMPARED = (
    *("fastfork-httptools", "fastfork-native", "fastfork-threads"),
    *("bjoern", "granian", "freastal", "gunicorn-sync", "gunicorn-gthread"),
)
REFERENCE = "bjoern"
BURST_SECONDS = 1  # wrk takes whole seconds
PACED_SECONDS = 3


@dataclass(frozen=True)
class Burst:
    """cpu_us: of the process tree, a request.  switches: of its threads, a second."""

    cpu_us: float
    switches: float
    requests: int


@dataclass(frozen=True)
class Together:
    """A run.  rows: the bursts by row and server, round by round."""

    facts: dict[str, str]
    versions: dict[str, str]
    rows: dict[str, dict[str, list[Burst]]]

    def save(self, path: Path) -> None:
        """As JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")


def load(path: Path) -> Together:
    """What `save` wrote."""
    said = json.loads(path.read_text())
    rows = {
        row: {name: [Burst(**burst) for burst in bursts] for name, bursts in servers.items()}
        for row, servers in said["rows"].items()
    }
    return Together(said["facts"], said["versions"], rows)


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when a server cannot be measured."""
    options = _parser().parse_args(argv)
    servers = [SERVERS[name] for name in options.servers if SERVERS[name].installed]
    rows = [WORKLOADS[name] for name in options.rows]
    run = Together(facts.environment(), facts.versions(servers), {})
    print("\n".join(f"- {name}: {text}" for name, text in run.facts.items()))
    print(f"- {', '.join(f'{k} {v}' for k, v in run.versions.items())}\n", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="fastfork-bench-") as scratch:
            for _app, of_app in groupby(rows, key=lambda row: row.app):
                for row, bursts in _measured(list(of_app), servers, options.rounds, Path(scratch)):
                    run.rows[row.name] = bursts
                    print(f"{_report(row, bursts)}\n", flush=True)
                    if options.json:
                        run.save(options.json)
    except (CannotStart, LoadFailed, ProcessLookupError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.together", description=__doc__)
    parser.add_argument("--servers", type=_names, default=COMPARED, help=f"of {', '.join(SERVERS)}")
    parser.add_argument("--rows", type=_names, default=ROWS, help=f"of {', '.join(ROWS)}")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", type=Path, help="file for every burst")
    return parser


def _names(text: str) -> list[str]:
    names = text.split(",")
    for name in names:
        if name not in SERVERS and name not in ROWS:
            raise argparse.ArgumentTypeError(f"{name!r} is neither a server nor a row")
    return names


def _measured(
    rows: list[Workload], servers: list[Server], rounds: int, scratch: Path
) -> Iterator[tuple[Workload, dict[str, list[Burst]]]]:
    """The bursts of each row by server, round by round."""
    core, load_core = cores()
    with ExitStack() as stack:
        up = {
            server.name: stack.enter_context(running(server, rows[0], core, scratch))
            for server in servers
        }
        affinity = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {load_core})
        stack.callback(os.sched_setaffinity, 0, affinity)
        for row in rows:
            names = list(up)
            bursts: dict[str, list[Burst]] = {name: [] for name in names}
            for name in names:
                drive(row, up[name], BURST_SECONDS, load_core, scratch)  # to warm it up
            for number in range(rounds):
                first = number % len(names)
                for name in (*names[first:], *names[:first]):
                    bursts[name].append(_burst(row, up[name], load_core, scratch))
            yield row, bursts


def _burst(row: Workload, it: Running, load_core: int, scratch: Path) -> Burst:
    pids = processes.tree(it.root)
    cpu, switches = processes.cpu_ns(pids), processes.switches(pids)
    load = drive(row, it, PACED_SECONDS if row.rate else BURST_SECONDS, load_core, scratch)
    cpu, switches = processes.cpu_ns(pids) - cpu, processes.switches(pids) - switches
    if load.errors:
        raise LoadFailed(f"{row.name}: {load.errors}")
    return Burst(cpu / 1e3 / max(1, load.requests), switches / load.seconds, load.requests)


def _report(row: Workload, bursts: dict[str, list[Burst]]) -> str:
    head = ["server", "CPU µs/request", f"x {REFERENCE}", "switches/s", "requests/s"]
    base = bursts.get(REFERENCE)
    seconds = PACED_SECONDS if row.rate else BURST_SECONDS
    body = []
    for name, own in bursts.items():
        ratio = "-"
        if base:
            ratio = _spread([a.cpu_us / b.cpu_us for a, b in zip(own, base, strict=True)])
        body.append(
            [
                name,
                f"{statistics.median(one.cpu_us for one in own):.1f}",
                ratio,
                f"{statistics.median(one.switches for one in own):.0f}",
                f"{statistics.median(one.requests for one in own) / seconds:.0f}",
            ]
        )
    return f"## {row.name}: {row.title}\n\n{table(head, body)}"


def _spread(values: list[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


if __name__ == "__main__":
    sys.exit(main())
