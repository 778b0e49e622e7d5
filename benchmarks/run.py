"""Compare the installed servers: python -m benchmarks.run [--help].

Runs in: cli
"""

from __future__ import annotations

import argparse
import difflib
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from benchmarks.floor.idle import take_idle
from benchmarks.floor.measure import Conditions, take
from benchmarks.floor.report import markdown
from benchmarks.floor.samples import IdleSample, Run, Sample
from benchmarks.kit import facts
from benchmarks.kit.launch import CannotStart, build_certificate, build_floor, cores
from benchmarks.kit.servers import FLOOR, SERVERS, Server
from benchmarks.kit.workloads import CONNECTIONS, WORKLOADS, Workload

IDLE_CONNECTIONS = 10_000


def main(argv: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when nothing was measured, 3 when a figure of ours is void."""
    options = _parser().parse_args(argv)
    wanted = dict.fromkeys((FLOOR, *options.servers))
    servers = [SERVERS[name] for name in wanted if SERVERS[name].installed]
    chosen = [WORKLOADS[name] for name in options.workloads]
    absent = [name for name in options.servers if not SERVERS[name].installed]
    if absent:
        _say(f"not installed, left out: {', '.join(absent)}")
    run = Run(
        facts=facts.environment(),
        versions=facts.versions(servers),
        settings={
            "rounds": options.rounds,
            "seconds": options.seconds,
            "retakes": options.retakes,
            "connections": CONNECTIONS,
        },
    )
    try:
        with tempfile.TemporaryDirectory(prefix="fastfork-bench-") as scratch:
            _measure(run, servers, chosen, Path(scratch))
    except CannotStart as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        _say("interrupted: reporting what there is")
    _write(run, options)
    voids = {one.server for one in run.samples if one.void}
    voids |= {one.server for one in run.idle if one.void}
    # Another server that fails a workload is a result; ours that does is a defect.
    return 3 if any(name == FLOOR or name.startswith("fastfork") for name in voids) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument(
        "--servers", type=_names(SERVERS), default=list(SERVERS), help=f"of {', '.join(SERVERS)}"
    )
    parser.add_argument(
        "--workloads",
        type=_names(WORKLOADS),
        default=list(WORKLOADS),
        help=f"of {', '.join(WORKLOADS)}",
    )
    parser.add_argument("--rounds", type=_at_least_one, default=3)
    parser.add_argument("--seconds", type=_at_least_one, default=2, help="of load for each sample")
    parser.add_argument(
        "--retakes", type=int, default=2, help="how often a sample that others disturbed is retaken"
    )
    parser.add_argument("--json", type=Path, help="file for every sample")
    parser.add_argument("--markdown", type=Path, help="file for the report, printed in any case")
    parser.add_argument("--plot", type=Path, help="BASE: write BASE.png and BASE.svg")
    return parser


def _measure(run: Run, servers: list[Server], chosen: list[Workload], scratch: Path) -> None:
    build_floor(scratch)
    build_certificate(scratch)
    under = Conditions(
        turns=int(run.settings["seconds"]),
        cores=cores(),
        scratch=scratch,
        retakes=int(run.settings["retakes"]),
    )
    os.sched_setaffinity(0, {under.cores[1]})  # this process too stays away from the servers
    plan = list(_plan(servers, chosen, int(run.settings["rounds"])))
    started = time.monotonic()
    for number, (round_number, workload, server) in enumerate(plan):
        sample, floor = take(server, workload, round_number, under)
        run.samples.extend((floor, sample))
        each = (time.monotonic() - started) / (number + 1)
        _say(f"{_line(sample, floor)}  ({(len(plan) - number - 1) * each / 60:.0f} min left)")
    if WORKLOADS["idle"] in chosen:
        for server in servers:
            if server.runs(WORKLOADS["idle"]):
                idle = take_idle(server, IDLE_CONNECTIONS, under.cores, scratch)
                run.idle.append(idle)
                _say(_idle_line(idle))


def _plan(
    servers: list[Server], chosen: list[Workload], rounds: int
) -> Iterator[tuple[int, Workload, Server]]:
    """What is measured after what.

    In a round every server has its turn at a workload before the next workload begins, so
    that drift of the machine meets all of them; they move up one place a round, so that no
    place favours anyone.
    """
    for round_number in range(rounds):
        for workload in chosen:
            able = [one for one in servers if one.name != FLOOR and one.runs(workload)]
            if workload.tool == "idle" or not able:
                continue
            first = round_number % len(able)
            for server in (*able[first:], *able[:first]):
                yield round_number, workload, server


def _write(run: Run, options: argparse.Namespace) -> None:
    text = markdown(run)
    print(text)
    if options.json:
        run.save(options.json)
    if options.markdown:
        options.markdown.write_text(text)
    if options.plot:
        from benchmarks.floor.plot import draw

        try:
            for path in draw(run, options.plot):
                _say(f"wrote {path}")
        except (ImportError, ValueError) as error:
            _say(f"no plot: {error}")


def _line(one: Sample, floor: Sample) -> str:
    start = f"round {one.round + 1} {one.workload:9} {one.server:18}"
    if one.void:
        return f"{start} void: {one.void}"
    return (
        f"{start} {one.cpu_us:8.2f} µs/request {one.cpu_us / floor.cpu_us:6.2f} x floor "
        f"{one.requests_per_second:8.0f}/s busy {one.busy:.2f} others {one.others:.2f}"
    )


def _idle_line(one: IdleSample) -> str:
    start = f"idle {one.server:18}"
    if one.void:
        return f"{start} void: {one.void}"
    return f"{start} {one.silent_each:.0f} and {one.answered_each:.0f} bytes a connection"


def _names(table: Mapping[str, object]) -> Callable[[str], list[str]]:
    """An argparse type: names out of `table`, separated by commas."""

    def parse(text: str) -> list[str]:
        wanted = text.split(",")
        for name in wanted:
            if name not in table:
                near = difflib.get_close_matches(name, table, 1)
                hint = f"; did you mean {near[0]}?" if near else ""
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(table)}{hint}")
        return wanted

    return parse


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: give a whole number, 1 or more")
    return value


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
